package scan

import (
	"fmt"
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
)

// Types whose text is short whatever the value.
var shortTypes = map[string]bool{
	"bool": true, "int2": true, "int4": true, "int8": true, "float4": true, "float8": true, "oid": true, "xid": true, "xid8": true,
	"cid": true, "tid": true, "date": true, "time": true, "timetz": true, "timestamp": true, "timestamptz": true, "interval": true,
	"uuid": true, "money": true, "char": true, "inet": true, "cidr": true, "macaddr": true, "macaddr8": true, "name": true,
	"point": true, "line": true, "lseg": true, "box": true, "circle": true, "pg_lsn": true,
}

// shortBytes is what a value of those takes at most, escapes included.
const shortBytes = 128

// A stored value of n bytes has a text of at most blowUp times as many: 255 for
// the best that compression does, and eight digits for a byte of bits.
const blowUp = 255 * 8

// cheapBytes is the stored size up to which a value is not made text of.
const cheapBytes = 256

// wideRows asks for rows whose COPY TEXT is longer than the target's limit. Most
// rows are told apart by stored sizes alone, which are read without what lies
// in TOAST; only the others are measured.
func (t *table) wideRows(p Params) {
	limit := p.Profile.RowBytes
	exact := []string{fmt.Sprint(len(t.tr.Columns))} // tabs and the line feed
	var bound []string
	fixed := 0
	for _, c := range t.tr.Columns {
		source := quote.Ident(c.Source)
		typ := *c.SourceType
		measured := fmt.Sprintf(
			`coalesce(pg_catalog.octet_length(%[1]s::pg_catalog.text)::bigint + pg_catalog.length(%[1]s::pg_catalog.text) - pg_catalog.length(pg_catalog.translate(%[1]s::pg_catalog.text, E'\b\f\n\r\t\v\\', '')), 2)`, c.Select)
		switch {
		case isBuiltIn(typ, "bool"):
			measured = "2"
			fixed += 2
		case isShort(typ):
			fixed += shortBytes
		case isBuiltIn(typ, "varchar", "bpchar") && typ.Mod > 0 && typ.Mod < 1000:
			fixed += 8 * int(typ.Mod)
		case isBuiltIn(typ, "text", "varchar", "bpchar"):
			bound = append(bound, fmt.Sprintf("2 * coalesce(pg_catalog.octet_length(%s), 2)::bigint", source))
		case isBuiltIn(typ, "bytea"):
			measured = fmt.Sprintf("coalesce(2 * pg_catalog.octet_length(%s)::bigint + 3, 2)", source)
			bound = append(bound, measured)
		default:
			bound = append(bound, fmt.Sprintf(
				"CASE WHEN pg_catalog.pg_column_size(%[1]s) > %[2]d THEN 2 * pg_catalog.octet_length(%[3]s::pg_catalog.text)::bigint ELSE coalesce(pg_catalog.pg_column_size(%[1]s), 0)::bigint * %[4]d END",
				source, cheapBytes, c.Select, blowUp))
		}
		exact = append(exact, measured)
	}
	if len(bound) == 0 {
		return // columns of short values alone: 1,600 of them are no megabyte
	}
	t.conditions = append(t.conditions, &condition{
		kind: kindWideRow, object: t.object(), refused: true,
		what: fmt.Sprintf("more than %s as the line that is copied", mebi(limit)),
		where: fmt.Sprintf("CASE WHEN %d + %s > %d THEN %s > %d ELSE false END",
			fixed, strings.Join(bound, " + "), limit, strings.Join(exact, " + "), limit),
	})
}

// isShort says whether every value of a type is one of few bytes.
func isShort(t catalog.Type) bool {
	return !t.Array && (t.Kind == catalog.KindEnum || t.Kind == catalog.KindBase && t.Name.Schema == "pg_catalog" && shortTypes[t.Name.Name])
}

func isBuiltIn(t catalog.Type, names ...string) bool {
	if t.Array || t.Kind != catalog.KindBase || t.Name.Schema != "pg_catalog" {
		return false
	}
	for _, n := range names {
		if t.Name.Name == n {
			return true
		}
	}
	return false
}

func mebi(n int64) string {
	if n >= 1<<20 && n%(1<<20) == 0 {
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%d bytes", n)
}

// The lengths of an index's key, as the target stores it: texts in groups of
// eight bytes and one more, other values in nine.
const (
	keyWarn  = 2048
	keyLimit = 4096
)

// longKeys asks for rows whose key in an index is longer than the target takes,
// or comes near to it.
func (t *table) longKeys(p Params) {
	for i := range p.DB.Indexes {
		x := &p.DB.Indexes[i]
		if x.Table != t.tr.Source || x.Method != "btree" && x.Method != "hash" {
			continue
		}
		var terms []string
		most := 0 // bytes that the key can have; -1 has no bound
		for _, k := range x.Keys {
			var c *catalog.Column
			if k.Column != "" {
				c = findColumn(t.t, k.Column)
			}
			switch {
			case c == nil && k.Column != "":
			case c == nil:
				terms, most = append(terms, encoded("("+string(k.Expr)+")::pg_catalog.text")), -1
			default:
				term, n := keyTerm(c.Type)
				if term != "" {
					terms = append(terms, encoded(strings.ReplaceAll(term, "%s", quote.Ident(c.Name))))
				}
				if n < 0 || most < 0 {
					most = -1
				} else {
					most += n
				}
			}
		}
		if len(terms) == 0 || most >= 0 && most <= keyWarn {
			continue
		}
		length := strings.Join(terms, " + ")
		if x.Predicate != "" {
			length = "CASE WHEN " + string(x.Predicate) + " THEN " + length + " ELSE 0 END"
		}
		object := finding.Object{Kind: "index", Schema: x.Name.Schema, Name: x.Name.Name}
		t.conditions = append(t.conditions,
			&condition{
				kind: kindLongKey, object: object, what: "a key of more than 2 KB",
				where: fmt.Sprintf("(%s) BETWEEN %d AND %d", length, keyWarn+1, keyLimit),
			},
			&condition{
				kind: kindKeyLimit, object: object, what: "a key of more than 4 KB", refused: true,
				where: fmt.Sprintf("(%s) > %d", length, keyLimit),
			})
	}
}

// encoded is the length of a text in a key.
func encoded(text string) string {
	return "coalesce((pg_catalog.octet_length(" + text + ") / 8 + 1) * 9, 0)"
}

// keyTerm is the part of a key whose length varies, and how long it can get;
// -1 is without a bound.
func keyTerm(t catalog.Type) (string, int) {
	switch {
	case isShort(t):
		return "", 9 * 9
	case isBuiltIn(t, "varchar", "bpchar") && t.Mod > 4:
		return "%s", (4*int(t.Mod-4)/8 + 1) * 9
	case isBuiltIn(t, "text", "varchar", "bytea"):
		return "%s", -1
	case isBuiltIn(t, "numeric"):
		return "", 9 * 9
	}
	return "%s::pg_catalog.text", -1
}
