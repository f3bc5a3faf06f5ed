package catalog

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// listing is a database as the cheap first pass sees it.
func listing() []TableRef {
	ref := func(schema, name string) TableRef { return TableRef{Name: Name{schema, name}, Kind: TableOrdinary} }
	part := func(name, of string) TableRef {
		return TableRef{Name: Name{"public", name}, Kind: TableOrdinary, IsPartition: true, Parent: &Name{"public", of}}
	}
	root := ref("public", "payment")
	root.Kind = TablePartitioned
	middle := part("payment_2024", "payment")
	middle.Kind = TablePartitioned
	return []TableRef{
		ref("app", "orders"), ref("public", "orders"), ref("public", "Orders"), ref("public", `"orders"`), ref("public", "order.items"),
		root, middle, part("payment_2024_01", "payment_2024"), part("payment_2025", "payment"), ref("Audit Log", "log"), ref("public", "a*b"),
	}
}

func names(schemaAndName ...string) []Name {
	var out []Name
	for i := 0; i < len(schemaAndName); i += 2 {
		out = append(out, Name{schemaAndName[i], schemaAndName[i+1]})
	}
	return out
}

func TestFilterMatch(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		filter Filter
		want   []Name
	}{
		{"a table in any schema", Filter{IncludeTables: []string{"orders"}}, names("app", "orders", "public", "orders")},
		{"a table of one schema", Filter{IncludeTables: []string{"app.orders"}}, names("app", "orders")},
		{"unquoted is lower-cased", Filter{IncludeTables: []string{"APP.Orders"}}, names("app", "orders")},
		{"N2: quoted keeps its case", Filter{IncludeTables: []string{`"Orders"`}}, names("public", "Orders")},
		{"N2: a name that has quotes", Filter{IncludeTables: []string{`"""orders"""`}}, names("public", `"orders"`)},
		{"N1: a quoted dot", Filter{IncludeTables: []string{`public."order.items"`}}, names("public", "order.items")},
		{"N1: a quoted star is a star", Filter{IncludeTables: []string{`"a*b"`}}, names("public", "a*b")},
		{"quotes around a part of a name", Filter{IncludeTables: []string{`"O"rd*`}}, names("public", "Orders")},
		{"glob", Filter{IncludeTables: []string{"ord*"}}, names("app", "orders", "public", "order.items", "public", "orders")},
		{"one character", Filter{IncludeTables: []string{"?pp.order?"}}, names("app", "orders")},
		{"regular expression", Filter{IncludeTables: []string{`/^public\.[Oo]rders$/`}}, names("public", "Orders", "public", "orders")},
		{"schema", Filter{IncludeSchemas: []string{`"Audit Log"`}}, names("Audit Log", "log")},
		{"schema by regular expression", Filter{IncludeSchemas: []string{"/^[aA]/"}}, names("Audit Log", "log", "app", "orders")},
		{"schema and table add up", Filter{IncludeSchemas: []string{"app"}, IncludeTables: []string{"log"}}, names("Audit Log", "log", "app", "orders")},
		{"M3: a hidden schema", Filter{HideSchemas: []string{"public", "not there"}}, names("Audit Log", "log", "app", "orders")},
		{"M3: a hidden schema that is named", Filter{HideSchemas: []string{"app"}, IncludeSchemas: []string{"a*"}}, names("app", "orders")},
		{"M3: a table of a hidden schema", Filter{HideSchemas: []string{"app", "public"}, IncludeTables: []string{"app.orders"}}, names("app", "orders")},
		{"M3: a pattern for any schema names none", Filter{HideSchemas: []string{"app"}, IncludeTables: []string{"orders"}}, names("public", "orders")},
		{"M3: a partition of a hidden root", Filter{HideSchemas: []string{"public"}, IncludeSchemas: []string{`"Audit Log"`}}, names("Audit Log", "log")},
		{"exclusion beats inclusion", Filter{IncludeTables: []string{"orders"}, ExcludeSchemas: []string{"public"}}, names("app", "orders")},
		{"the same pattern on both sides", Filter{IncludeSchemas: []string{"app", "Public"}, ExcludeTables: []string{"public.*"}}, names("app", "orders")},
		{
			"F6: partitions go with their root",
			Filter{IncludeTables: []string{"payment"}},
			names("public", "payment", "public", "payment_2024", "public", "payment_2024_01", "public", "payment_2025"),
		},
		{"F6: a middle one takes its own", Filter{IncludeTables: []string{"payment_2024"}}, names("public", "payment_2024", "public", "payment_2024_01")},
		{"F6: a leaf alone", Filter{IncludeTables: []string{"payment_2025"}}, names("public", "payment_2025")},
		{
			"F6: an excluded one is left",
			Filter{IncludeTables: []string{"payment"}, ExcludeTables: []string{"payment_2024"}},
			names("public", "payment", "public", "payment_2025"),
		},
		{
			"F6: an excluded root takes all",
			Filter{IncludeSchemas: []string{"public"}, ExcludeTables: []string{"payment", `/order/`, `"Orders"`}},
			names("public", "a*b"),
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := tt.filter.Match(listing())
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
		})
	}
}

func TestEmptyFilterTakesAll(t *testing.T) {
	t.Parallel()
	got, err := Filter{}.Match(listing())
	require.NoError(t, err)
	require.Len(t, got, len(listing()))
	got, err = Filter{}.Match(nil)
	require.NoError(t, err)
	require.Empty(t, got)
}

// F2: a pattern that matches nothing is an error with the flag it came from and
// what may have been meant.
func TestUnmatchedPattern(t *testing.T) {
	t.Parallel()
	tests := []struct {
		filter Filter
		want   string
	}{
		{Filter{IncludeTables: []string{"orders", "paymnt"}}, "--include-table paymnt matches nothing; did you mean public.payment?"},
		{Filter{ExcludeTables: []string{"app.order"}}, `--exclude-table app.order matches nothing; did you mean app.orders or public."Orders" or public.orders?`},
		{Filter{IncludeSchemas: []string{"ap"}}, "--include-schema ap matches nothing; did you mean app?"},
		{Filter{ExcludeSchemas: []string{"audit log"}}, `--exclude-schema audit log matches nothing; did you mean "Audit Log"?`},
		{Filter{IncludeTables: []string{"/zzz/"}}, "--include-table /zzz/ matches nothing"},
	}
	for _, tt := range tests {
		_, err := tt.filter.Match(listing())
		var unmatched *UnmatchedPatternError
		require.ErrorAs(t, err, &unmatched)
		require.Equal(t, tt.want, err.Error())
	}
}

// F3: everything excluded is an error of its own.
func TestNothingSelected(t *testing.T) {
	t.Parallel()
	_, err := Filter{ExcludeTables: []string{"*"}}.Match(listing())
	require.ErrorIs(t, err, ErrNothingSelected)
	_, err = Filter{IncludeTables: []string{"log"}, ExcludeSchemas: []string{`"Audit Log"`}}.Match(listing())
	require.ErrorIs(t, err, ErrNothingSelected)
}

func TestUnreadablePattern(t *testing.T) {
	t.Parallel()
	for _, f := range []Filter{
		{IncludeTables: []string{"/(/"}},
		{IncludeTables: []string{`"open`}},
		{ExcludeTables: []string{"a.b.c"}},
		{IncludeSchemas: []string{"a.b"}},
		{IncludeTables: []string{""}},
		{IncludeTables: []string{"a."}},
		{ExcludeTables: []string{".a"}},
	} {
		_, err := f.Match(listing())
		var unreadable *PatternError
		require.ErrorAs(t, err, &unreadable)
		require.Error(t, errors.Unwrap(err))
	}
}

// A printed pattern chooses the table it was printed for, and no other.
func TestPatternChoosesItsTable(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		part := rapid.StringMatching(`[a-zA-ZäÖ_."*?/ $\n]{1,6}`)
		want := Name{part.Draw(t, "schema"), part.Draw(t, "table")}
		refs := []TableRef{{Name: want}}
		for _, other := range []Name{{want.Schema, part.Draw(t, "other")}, {part.Draw(t, "elsewhere"), want.Name}} {
			if other != want {
				refs = append(refs, TableRef{Name: other})
			}
		}
		got, err := Filter{IncludeTables: []string{Pattern(want)}}.Match(refs)
		require.NoError(t, err)
		require.Equal(t, []Name{want}, got)
	})
}

// Of any names at all the pattern chooses the one.
func TestPatternOfAnyName(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringN(1, 63, 63).Filter(func(s string) bool { return !strings.ContainsRune(s, 0) })
		all := rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) Name { return Name{text.Draw(t, "schema"), text.Draw(t, "table")} }), 1, 8, rapid.ID[Name]).Draw(t, "names")
		var refs []TableRef
		for _, n := range all {
			refs = append(refs, TableRef{Name: n})
		}
		for _, n := range all {
			got, err := Filter{IncludeTables: []string{Pattern(n)}}.Match(refs)
			require.NoError(t, err)
			require.Equal(t, []Name{n}, got)
			got, err = Filter{ExcludeTables: []string{Pattern(n)}}.Match(append(refs, TableRef{Name: Name{"\x01", "\x01"}}))
			require.NoError(t, err)
			require.NotContains(t, got, n)
			require.Len(t, got, len(all))
		}
	})
}

// PostgreSQL folds no letters beyond ASCII in UTF-8: an unquoted Ä is Ä.
func TestFoldingIsOfASCII(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	db.Exec(t, "CREATE TABLE ÄPFEL (); CREATE TABLE äpfel ()")
	refs, err := ListTables(t.Context(), db.Conn(t))
	require.NoError(t, err)
	got, err := Filter{IncludeTables: []string{"ÄPFEL"}}.Match(refs)
	require.NoError(t, err)
	require.Equal(t, names("public", "Äpfel"), got)
}

// M3: what lies in a hidden schema beside tables is out with it, unless a schema
// pattern takes it in.
func TestM3HiddenSchemas(t *testing.T) {
	t.Parallel()
	f := Filter{HideSchemas: []string{"auth"}}
	require.False(t, f.Empty())
	require.True(t, f.Hides("auth"))
	require.False(t, f.Hides("public"))
	require.False(t, Filter{HideSchemas: []string{"auth"}, IncludeSchemas: []string{"a*"}}.Hides("auth"))
	db := &Database{
		Schemas: []Schema{{Name: "auth"}, {Name: "public"}},
		Tables:  []Table{{Name: Name{"auth", "users"}}, {Name: Name{"public", "t"}}},
		Enums:   []Enum{{Name: Name{"auth", "kind"}}, {Name: Name{"public", "mood"}}},
	}
	got, _, err := db.Select(f)
	require.NoError(t, err)
	require.Equal(t, []Name{{"public", "t"}}, []Name{got.Tables[0].Name})
	require.Len(t, got.Enums, 1)
	require.Equal(t, "mood", got.Enums[0].Name.Name)
	only := &Database{Tables: []Table{{Name: Name{"auth", "users"}}}}
	got, _, err = only.Select(f)
	require.NoError(t, err, "a source with nothing else is no mistake")
	require.Empty(t, got.Tables)
}
