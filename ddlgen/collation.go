package ddlgen

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
)

// hasCollation says whether the target has a collation, or will have it.
func (p *planner) hasCollation(n catalog.Name) bool {
	if !builtIn(n.Schema) {
		d := p.node[refKey{"collation", n}]
		return d != nil && p.whyLeft(d) == ""
	}
	switch {
	case n.Name == "default" || n.Name == "C":
		return true
	case !p.profile.Collations:
		return n.Name == "POSIX"
	case p.collations == nil:
		return true
	}
	return p.collations[n.Name]
}

// collate is the COLLATE clause of a column, field or domain, with a blank
// before it; empty where there is none or the target lacks it.
func (p *planner) collate(n *catalog.Name, o finding.Object) string {
	if n == nil {
		return ""
	}
	if !p.hasCollation(*n) {
		p.find(collationLost, o, "collation %s is not on the target: the default one is used", n)
		return ""
	}
	return fmt.Sprintf(" COLLATE %s", quote.Name(n.Schema, n.Name))
}

// standing is what something waits for by its collation, where the target has
// that; else it stands without it.
func (p *planner) standing(n *catalog.Name) []catalog.Ref {
	if n == nil || !p.hasCollation(*n) {
		return nil
	}
	return collationRefs(n)
}

// collationRefs is what something needs by its collation, and is left without.
func collationRefs(n *catalog.Name) []catalog.Ref {
	if n == nil {
		return nil
	}
	return []catalog.Ref{{Kind: "collation", Name: *n}}
}

// declareCollations makes a node of each collation of the user's.
func (p *planner) declareCollations() {
	for i := range p.db.Collations {
		c := &p.db.Collations[i]
		n := &node{
			key: refKey{"collation", c.Name}, object: objectOf("collation", c.Name), phase: PhaseTypes, code: objectLeft,
			refuse: p.collationLeft(c),
		}
		n.make = func(at place) {
			p.add(Statement{
				ID: "collations/" + c.Name.String(), Phase: at.phase, Object: n.object, SQL: createCollation(c), Undo: "DROP COLLATION " + quoted(c.Name),
			})
		}
		p.declare(n)
	}
}

// collationLeft says why a collation is left.
func (p *planner) collationLeft(c *catalog.Collation) string {
	var lacks string
	switch {
	case !p.profile.Collations && !c.Deterministic:
		return "the target has no collations of the user's: its columns compare byte by byte, and what was equal in another case or form no longer is"
	case !p.profile.Collations:
		return "the target has no collations of the user's: its columns are sorted and compared by the default one"
	case c.Provider == "builtin" && !p.has(17):
		lacks = "the provider builtin"
	case c.Rules != "" && !p.has(16):
		lacks = "rules of collations"
	case c.Provider == "icu" && p.collations != nil && !slices.ContainsFunc(p.opts.TargetCollations, func(n string) bool { return strings.HasSuffix(n, "-x-icu") }):
		lacks = "ICU"
	case c.Encoding != "" && c.Encoding != "UTF8":
		return fmt.Sprintf("it is one of encoding %s, and the target's is UTF8", c.Encoding)
	default:
		return ""
	}
	return fmt.Sprintf("%s has no %s", p.majorText(), strings.TrimPrefix(lacks, "the "))
}

func createCollation(c *catalog.Collation) string {
	parts := []string{"provider = " + c.Provider}
	if c.Provider == "libc" {
		parts = append(parts, "lc_collate = "+literal(c.Collate), "lc_ctype = "+literal(c.Ctype))
	} else {
		parts = append(parts, "locale = "+literal(c.Locale))
	}
	if !c.Deterministic {
		parts = append(parts, "deterministic = false")
	}
	if c.Rules != "" {
		parts = append(parts, "rules = "+literal(c.Rules))
	}
	return fmt.Sprintf("CREATE COLLATION %s (%s)", quoted(c.Name), strings.Join(parts, ", "))
}
