package ddlgen

import (
	"strconv"
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
)

// typeWords are the types that format_type spells otherwise than pg_type does.
var typeWords = map[string]string{
	"smallint": "int2", "integer": "int4", "bigint": "int8", "real": "float4",
	"double precision": "float8", "boolean": "bool", "decimal": "numeric",
	"character varying": "varchar", "character": "bpchar", "bit varying": "varbit",
	"timestamp without time zone": "timestamp", "timestamp with time zone": "timestamptz",
	"time without time zone": "time", "time with time zone": "timetz",
}

// parseType reads a type as format_type writes it, at the beginning of tokens,
// and says how many tokens it took; 0 is not a type.
func (p *planner) parseType(tokens []token) (t catalog.Type, n int) {
	n, name := qualified(tokens)
	if n == 0 {
		return t, 0
	}
	t = catalog.Type{Name: name, Kind: catalog.KindBase, Mod: -1}
	quoted := tokens[n-1].kind == tokQuoted
	var mods []int
	if name.Schema == "pg_catalog" && !quoted {
		word := name.Name
		word, n, mods = continued(word, tokens, n)
		if alias, ok := typeWords[word]; ok {
			word = alias
		}
		t.Name.Name = word
	}
	if len(mods) == 0 {
		mods, n = modifiers(tokens, n)
	}
	t.Mod = typmod(t.Name.Name, mods)
	if !quoted && t.Mod < 0 && (t.Name.Name == "bpchar" && strings.EqualFold(name.Name, "character")) {
		t.Mod = 1 + 4
	}
	for n+1 < len(tokens) && tokens[n].is("[") && tokens[n+1].is("]") {
		t.Array = true
		n += 2
	}
	if !builtIn(t.Name.Schema) {
		p.describe(&t)
	}
	t.Text = strings.TrimSpace(join(tokens[:n]))
	return t, n
}

// describe fills in the kind of a user's type.
func (p *planner) describe(t *catalog.Type) {
	switch known, ok := p.model.typeNames[t.Name]; {
	case ok:
		t.Kind, t.Extension = known.Kind, known.Extension
	case p.model.enums[t.Name] != nil:
		t.Kind = catalog.KindEnum
	case p.model.domains[t.Name] != nil:
		t.Kind = catalog.KindDomain
	case p.model.composites[t.Name] != nil, p.model.tables.get(t.Name) != nil:
		t.Kind = catalog.KindComposite
	}
}

// continued reads the further words of a type's name: "varying", "precision",
// "without time zone", the fields of an interval.
func continued(word string, tokens []token, n int) (string, int, []int) {
	var mods []int
	take := func(w string) bool {
		i := n
		for i < len(tokens) && tokens[i].kind == tokSpace {
			i++
		}
		if i < len(tokens) && tokens[i].kind == tokWord && tokens[i].is(w) {
			n = i + 1
			return true
		}
		return false
	}
	switch word {
	case "character", "bit":
		if take("varying") {
			word += " varying"
		}
	case "double":
		if take("precision") {
			word += " precision"
		}
	case "timestamp", "time":
		mods, n = modifiers(tokens, n)
		for _, zone := range []string{"without", "with"} {
			if take(zone) && take("time") && take("zone") {
				return word + " " + zone + " time zone", n, mods
			}
		}
	case "interval":
		for take("year") || take("month") || take("day") || take("hour") || take("minute") || take("second") || take("to") {
			continue
		}
	}
	return word, n, mods
}

// modifiers reads "(10,2)".
func modifiers(tokens []token, n int) ([]int, int) {
	if n >= len(tokens) || !tokens[n].is("(") {
		return nil, n
	}
	var mods []int
	for i := n + 1; i < len(tokens); i++ {
		switch t := tokens[i]; {
		case t.is(")"):
			return mods, i + 1
		case t.kind == tokNumber:
			m, err := strconv.Atoi(t.text)
			if err != nil {
				return nil, n
			}
			mods = append(mods, m)
		case t.is(","), t.kind == tokSpace:
		default:
			return nil, n
		}
	}
	return nil, n
}

// typmod is atttypmod for the modifiers of a type.
func typmod(name string, mods []int) int32 {
	if len(mods) == 0 {
		return -1
	}
	first := int32(mods[0]) //nolint:gosec // modifiers are small
	switch name {
	case "numeric":
		scale := int32(0)
		if len(mods) > 1 {
			scale = int32(mods[1]) //nolint:gosec // modifiers are small
		}
		return (first<<16 | scale&0x7ff) + 4
	case "varchar", "bpchar":
		return first + 4
	}
	return first
}
