package ddlgen

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
)

// docs/types.md is made from the type map: UPDATE=1 writes it.
func TestDocument(t *testing.T) {
	t.Parallel()
	const path = "../docs/types.md"
	want := document()
	if os.Getenv("UPDATE") != "" {
		require.NoError(t, os.WriteFile(path, []byte(want), 0o600))
	}
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, want, string(got), "run UPDATE=1 go test ./ddlgen -run Document")
}

const documentHead = `# Types on the way to DB9

What profile "db9" makes of each type of the source, as far as nothing else was proved by "probe" or asked by a mapping
file. This page is made from the type map itself (UPDATE=1 go test ./ddlgen -run Document; "ddlgen/typemap.go",
"ddlgen/affected.go").

*Select* is what is read on the source, where "c" is the column: casts run there, so that both sides know what must
arrive. *Compared* is the form under which the two sides are equal, where it is not the text itself. *Affected* are the
values that do not arrive as they are: "assess --scan-data" counts them, lists them and shows some of their keys. A kind
in bold is one that the target refuses, or changes unasked: it blocks "clone" before anything is written.

| source | target | select | compared | lost | affected |
| --- | --- | --- | --- | --- | --- |
`

const documentMiddle = `
Columns that are narrower on the target by the user's mapping have further kinds: **over-length**, **out-of-range** and
"scale". A table of one column of texts has **empty-line**: DB9 takes an empty line of COPY for no row. In a database of
encoding SQL_ASCII or WIN1252 all texts have **invalid-utf8**, in one of LATIN1 "c1-control".

## The kinds

| kind | of | rows that have | asked by |
| --- | --- | --- | --- |
`

// documented are the types of the table: those of the type map, and one of each
// other kind of type.
func documented() (*catalog.Database, []catalog.Type) {
	name := func(n string) catalog.Name { return catalog.Name{Schema: "public", Name: n} }
	db := &catalog.Database{
		ServerVersion: 170000, Encoding: "UTF8", MoneyDigits: 2,
		Enums:      []catalog.Enum{{Name: name("an enum")}},
		Domains:    []catalog.Domain{{Name: name("a domain over timestamptz"), Base: base("timestamptz", "")}},
		Composites: []catalog.Composite{{Name: name("a composite type"), Fields: []catalog.CompositeField{{Name: "f", Type: base("numeric", "")}}}},
		Extensions: []catalog.Extension{{Name: "hstore"}, {Name: "vector"}},
	}
	var types []catalog.Type
	for _, key := range slices.Sorted(maps.Keys(typeMap)) {
		if extension, member, ok := strings.Cut(key, "/"); ok {
			types = append(types, base(member, extension))
			continue
		}
		types = append(types, base(key, ""))
	}
	slices.SortStableFunc(types, func(a, b catalog.Type) int { return strings.Compare(a.Text, b.Text) })
	short := base("numeric", "")
	short.Mod, short.Text = 12<<16|2+4, "numeric(12,2)"
	wide := base("numeric", "")
	wide.Mod, wide.Text = 40<<16|2+4, "numeric(40,2)"
	types = append(types, short, wide)
	for _, t := range []catalog.Type{base("text", ""), base("numeric", ""), base("float8", ""), base("json", "")} {
		t.Array, t.Text = true, t.Text+"[]"
		types = append(types, t)
	}
	for _, k := range []struct {
		name string
		kind catalog.TypeKind
	}{
		{"an enum", catalog.KindEnum},
		{"a domain over timestamptz", catalog.KindDomain},
		{"a composite type", catalog.KindComposite},
		{"a range", catalog.KindRange},
		{"a multirange", catalog.KindMultirange},
		{"any other base type", catalog.KindBase},
	} {
		types = append(types, catalog.Type{Name: name(k.name), Kind: k.kind, Mod: -1, Text: k.name})
	}
	return db, types
}

func base(name, extension string) catalog.Type {
	t := catalog.Type{Name: catalog.Name{Schema: "pg_catalog", Name: name}, Kind: catalog.KindBase, Mod: -1, Text: name}
	for words, short := range typeWords {
		if short == name && words != "decimal" {
			t.Text = words
		}
	}
	if extension != "" {
		t.Name.Schema, t.Extension, t.Text = "public", extension, name
	}
	return t
}

func document() string {
	db, types := documented()
	p := newPlanner(db, DB9(), Options{})
	cell := func(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
	code := func(s string) string {
		if s == "" {
			return ""
		}
		return "`" + cell(s) + "`"
	}
	var b strings.Builder
	b.WriteString(strings.ReplaceAll(documentHead, `"`, "`"))
	kinds := map[string]Affected{}
	of := map[string][]string{}
	for _, t := range types {
		typ := p.typing(t)
		target, lost := code(typ.target), typ.loss
		if typ.code == typeRefused {
			target = "refused; accepted " + target
		}
		var affected []string
		table := &catalog.Table{Columns: make([]catalog.Column, 2)}
		for _, a := range p.affected(table, &catalog.Column{Name: "c", Type: t}, typ) {
			name := a.Kind
			if a.Refused {
				name = "**" + name + "**"
			}
			affected = append(affected, name)
			k := a.Kind + a.What + a.Where
			kinds[k] = a
			of[k] = append(of[k], t.Text)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", code(t.Text), target, code(strings.ReplaceAll(typ.pick("c"), `"c"`, "c")),
			typ.canon, cell(lost), strings.Join(affected, ", "))
	}
	b.WriteString(strings.ReplaceAll(documentMiddle, `"`, "`"))
	for _, k := range slices.Sorted(maps.Keys(kinds)) {
		a := kinds[k]
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", a.Kind, strings.Join(of[k], ", "), cell(a.What), code(strings.Join(strings.Fields(strings.ReplaceAll(a.Where, `"c"`, "c")), " ")))
	}
	return b.String()
}
