package ddlgen

import (
	"slices"
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
)

// counterparts are functions of extensions that DB9 has by itself, under another
// name or in another schema. Whether it has the extension's own is open: pgcrypto
// is absent, and of uuid-ossp perhaps no more than the entry in its catalog
// (db9.md section 6).
var counterparts = map[string]string{
	"uuid-ossp uuid_generate_v4()": "gen_random_uuid",
	"pgcrypto gen_random_uuid()":   "gen_random_uuid",
}

// counterpart is the function of DB9's own that does what an extension's does;
// empty where there is none.
func (p *planner) counterpart(r catalog.Ref) string {
	if !p.profile.Map || r.Kind != "routine" || r.Extension == "" {
		return ""
	}
	return counterparts[r.Extension+" "+r.Name.Name]
}

// tellCounterparts finds what an expression calls instead of an extension's.
func (p *planner) tellCounterparts(o finding.Object, uses []catalog.Ref) {
	for _, r := range uses {
		if own := p.counterpart(r); own != "" {
			p.find(functionReplaced, o, "it calls %s() of the target in place of %s of extension %s", own, r.Name, r.Extension)
		}
	}
}

// withCounterparts puts DB9's own functions in the place of extensions', and
// leaves those out of what the expression uses.
func (p *planner) withCounterparts(tokens []token, uses []catalog.Ref) ([]token, []catalog.Ref) {
	for _, r := range uses {
		own := p.counterpart(r)
		if own == "" {
			continue
		}
		plain, _, _ := strings.Cut(r.Name.Name, "(")
		from := catalog.Name{Schema: r.Name.Schema, Name: plain}
		var out []token
		for i := 0; i < len(tokens); {
			n, name := qualified(tokens[i:])
			if tokens[i].kind == tokSpace || n == 0 || name != from || i+n >= len(tokens) || !tokens[i+n].is("(") {
				out = append(out, tokens[i])
				i++
				continue
			}
			out = append(out, token{kind: tokWord, text: own})
			i += n
		}
		tokens = out
	}
	uses = slices.DeleteFunc(slices.Clone(uses), func(r catalog.Ref) bool { return p.counterpart(r) != "" })
	return tokens, uses
}
