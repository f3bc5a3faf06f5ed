package usermap

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
)

func parseName(text string) ([]string, error) { return catalog.ParseName(text) }

// words are the names under which format_type writes types, by pg_type's.
var words = map[string]string{
	"int2": "smallint", "int4": "integer", "int8": "bigint", "float4": "real", "float8": "double precision", "bool": "boolean",
	"varchar": "character varying", "bpchar": "character", "varbit": "bit varying",
	"timestamp": "timestamp without time zone", "timestamptz": "timestamp with time zone",
	"time": "time without time zone", "timetz": "time with time zone", "char": `"char"`,
}

// spoken are further ways to say a type, to pg_type's name.
var spoken = map[string]string{
	"int": "int4", "integer": "int4", "decimal": "numeric", "dec": "numeric", "float": "float8", "char": "bpchar", "string": "text", "double": "float8",
	"serial": "", "bigserial": "", "smallserial": "", // no types: a column and a sequence
}

// plainTypes are PostgreSQL's types that are written as they are called.
var plainTypes = strings.Fields(`numeric text bytea date interval uuid json jsonb xml money name oid xid cid tid xid8 inet cidr macaddr macaddr8
	point line lseg box path polygon circle bit tsvector tsquery jsonpath pg_lsn pg_snapshot txid_snapshot
	int4range int8range numrange tsrange tstzrange daterange int4multirange int8multirange nummultirange tsmultirange tstzmultirange datemultirange
	regclass regcollation regconfig regdictionary regnamespace regoper regoperator regproc regprocedure regrole regtype`)

var typeText = regexp.MustCompile(`(?s)\A(.*?)\s*(\(\s*-?\d+\s*(?:,\s*-?\d+\s*)?\))?(\s+(?:with|without)\s+time\s+zone)?\s*((?:\[\s*\])*)\z`)

// parseType reads a type as people write it. A name that is not PostgreSQL's
// own stays with an empty schema, or the one that is written.
func parseType(text string) (catalog.Type, error) {
	m := typeText.FindStringSubmatch(strings.TrimSpace(text))
	t := catalog.Type{Kind: catalog.KindBase, Mod: -1}
	if m == nil || m[1] == "" {
		return t, fmt.Errorf("%q is no type", text)
	}
	var mods []int
	for _, d := range regexp.MustCompile(`-?\d+`).FindAllString(m[2], -1) {
		n, err := strconv.Atoi(d)
		if err != nil {
			return t, fmt.Errorf("%q is no type: %s is no number", text, d)
		}
		mods = append(mods, n)
	}
	zone := strings.Join(strings.Fields(strings.ToLower(m[3])), " ")
	t.Array = m[4] != ""
	name := strings.Join(strings.Fields(strings.ToLower(m[1]+" "+zone)), " ")
	known, worded := "", false
	for typname, word := range words {
		if name == word && name != "character" {
			known, worded = typname, true
		}
	}
	if !worded {
		switch other, ok := spoken[name]; {
		case ok && other == "":
			return t, fmt.Errorf("%s is no type but a column with a sequence: say integer, bigint or smallint", name)
		case ok:
			known = other
		case words[name] != "" || slices.Contains(plainTypes, name):
			known = name
		}
	}
	if known != "" {
		if (name == "char" || name == "character") && len(mods) == 0 {
			mods = []int{1}
		}
		t.Name = catalog.Name{Schema: "pg_catalog", Name: known}
		return modified(t, mods)
	}
	if zone != "" {
		return t, fmt.Errorf("%q is no type", text)
	}
	parts, err := parseName(m[1])
	switch {
	case err != nil:
		return t, fmt.Errorf("%q is no type: %w", text, err)
	case len(parts) > 2 || strings.ContainsAny(strings.Join(parts, ""), " \t\n;()") && !strings.Contains(m[1], `"`):
		return t, fmt.Errorf("%q is no type", text)
	case len(parts) == 2 && parts[0] == "pg_catalog":
		return parseType(parts[1] + m[2] + m[4])
	case len(parts) == 2:
		t.Name = catalog.Name{Schema: parts[0], Name: parts[1]}
	default:
		t.Name.Name = parts[0]
	}
	if len(mods) > 0 {
		t.Mod = int32(mods[0]) //nolint:gosec // checked by the server
	}
	return t, nil
}

// intervalFull is what an interval's modifier says of its fields: all of them.
const intervalFull = 0x7fff << 16

// modified gives one of PostgreSQL's own types its modifier, and the text that
// format_type writes.
func modified(t catalog.Type, mods []int) (catalog.Type, error) {
	name := t.Name.Name
	word, tail := words[name], ""
	if word == "" {
		word = name
	}
	bad := func(why string) (catalog.Type, error) { return t, fmt.Errorf("%s: %s", word, why) }
	most := 0
	switch name {
	case "numeric":
		most = 2
	case "varchar", "bpchar", "varbit", "bit", "timestamp", "timestamptz", "time", "timetz", "interval":
		most = 1
	}
	if len(mods) > most {
		return bad(fmt.Sprintf("takes %d modifiers, not %d", most, len(mods)))
	}
	if len(mods) == 0 {
		if name == "bpchar" {
			word = "bpchar"
		}
		t.Text = word
		return arrayed(t), nil
	}
	n := mods[0]
	switch name {
	case "numeric":
		scale := 0
		if len(mods) == 2 {
			scale = mods[1]
		}
		if n < 1 || n > 1000 || scale < -1000 || scale > 1000 {
			return bad("a precision is 1 to 1000, a scale -1000 to 1000")
		}
		t.Mod = int32(n<<16|scale&0x7ff) + 4 //nolint:gosec // both are checked above
		t.Text = fmt.Sprintf("numeric(%d,%d)", n, scale)
		return arrayed(t), nil
	case "varchar", "bpchar":
		if n < 1 || n > 10485760 {
			return bad("a length is 1 to 10485760")
		}
		t.Mod = int32(n) + 4
	case "bit", "varbit":
		if n < 1 || n > 83886080 {
			return bad("a length is 1 to 83886080")
		}
		t.Mod = int32(n)
	default:
		if n < 0 || n > 6 {
			return bad("a precision is 0 to 6")
		}
		t.Mod = int32(n)
		if name == "interval" {
			t.Mod |= intervalFull
		}
		if before, after, ok := strings.Cut(word, " "); ok {
			word, tail = before, " "+after
		}
	}
	t.Text = fmt.Sprintf("%s(%d)%s", word, n, tail)
	return arrayed(t), nil
}

func arrayed(t catalog.Type) catalog.Type {
	if t.Array {
		t.Text += "[]"
	}
	return t
}
