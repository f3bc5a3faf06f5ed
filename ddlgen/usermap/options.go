package usermap

import (
	"slices"
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
)

// option is a conversion that has a name, for the types that it is for.
type option struct {
	name string
	from []string // pg_type's names
	to   string
	sel  string // {} is the quoted column; empty is the column's own output
	loss string
	two  bool // one column becomes two, with _lower and _upper behind its name
}

// microseconds of a moment since 1970, without a floating point number on the
// way; the whole seconds are taken apart from their fraction.
const microseconds = "(pg_catalog.date_part('epoch', pg_catalog.date_trunc('second', {}))::bigint * 1000000" +
	" + pg_catalog.date_part('microseconds', {})::bigint % 1000000)"

var options = []option{
	{name: "text", loss: "order, arithmetic and operators of the type"},
	{name: "json", from: []string{"jsonb"}, to: "json", loss: "containment and indexes of jsonb"},
	{name: "bigint", from: []string{"timestamp", "timestamptz"}, to: "bigint", sel: microseconds, loss: "the type: microseconds since 1970-01-01 UTC; infinity is refused"},
	{name: "time in UTC", from: []string{"timetz"}, to: "time", sel: "({} AT TIME ZONE 'UTC')::time", loss: "the offset"},
	{name: "two columns", from: nil, sel: "", two: true, loss: "whether the bounds belong to the range; empty ranges are NULL, NULL"},
}

// alsoCalled are further ways to say an option.
var alsoCalled = map[string]string{
	"bigint µs": "bigint", "bigint us": "bigint", "microseconds": "bigint", "utc": "time in UTC", "time in utc": "time in UTC",
}

// optionFor finds an option for a type; false is none of that name for it.
func optionFor(name string, t catalog.Type) (option, bool) {
	if other, ok := alsoCalled[strings.ToLower(name)]; ok {
		name = other
	}
	for _, o := range options {
		if o.name != name {
			continue
		}
		switch {
		case o.two:
			return o, t.Kind == catalog.KindRange && !t.Array
		case o.from == nil:
			o.to = "text"
			return o, true
		}
		return o, !t.Array && t.Name.Schema == "pg_catalog" && slices.Contains(o.from, t.Name.Name)
	}
	return option{}, false
}

// Options names the conversions that have a name.
func Options() []string {
	out := make([]string, len(options))
	for i, o := range options {
		out[i] = o.name
	}
	return out
}

// implied is the named conversion between two types that a plain cast does not
// do, or does otherwise than is wanted.
func implied(from, to catalog.Type) (option, bool) {
	for _, o := range options {
		if o.from == nil || o.to == "" {
			continue
		}
		t, err := parseType(o.to)
		if err == nil && t.Name == to.Name && t.Array == to.Array {
			if o, ok := optionFor(o.name, from); ok {
				return o, true
			}
		}
	}
	return option{}, false
}
