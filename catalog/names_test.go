package catalog

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/dial/quote"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// oddNames are names that a reader may trip over.
func oddNames() []string {
	return []string{
		// N1: every sign that means something somewhere.
		"a space", "Capital", "dot.ted", "-dash", "semi;colon", "com,ma", "tab\tbed", "new\nline", `dou"ble`, `back\slash`, "per%cent", "$1", "$1:", ":x", "'single'", "{brace}", "/slash/",
		// N2: names that look quoted, and twins by case.
		"a", `"a"`, "T", "t", `""`,
		// N3: 63 bytes, of one and of three bytes a character.
		strings.Repeat("x", 63), strings.Repeat("水", 21),
		// N4: reserved words.
		"select", "user", "table", "default", "null",
	}
}

// room cuts a name so that a letter more still fits.
func room(name string) string { return clip(name, min(len(name), 60)) }

// N1 to N5: any name, at every level, comes back as it is, and its table's
// sequence position and fingerprint are found under it.
func TestOddNames(t *testing.T) {
	t.Parallel()
	for _, major := range []int{13, 15, 18} {
		t.Run(fmt.Sprint(major), func(t *testing.T) {
			t.Parallel()
			db := pgtest.Major(t, major).Database(t)
			db.Exec(t, "DROP SCHEMA public") // N5: no public schema
			var sql strings.Builder
			for i, n := range oddNames() {
				q := quote.Ident(n)
				fmt.Fprintf(&sql, `
					CREATE SCHEMA %[1]s;
					CREATE SEQUENCE %[1]s.%[1]s START %[2]d;
					CREATE TYPE %[1]s.%[3]s AS ENUM (%[4]s);
					CREATE TABLE %[1]s.%[5]s (%[1]s %[1]s.%[3]s DEFAULT %[4]s, b bigint DEFAULT nextval(%[6]s), CONSTRAINT %[1]s CHECK (%[1]s > %[4]s));
					CREATE INDEX %[7]s ON %[1]s.%[5]s (%[1]s) WHERE %[1]s <> %[4]s;
					COMMENT ON COLUMN %[1]s.%[5]s.%[1]s IS %[4]s;
					CREATE VIEW %[1]s.%[8]s AS SELECT * FROM %[1]s.%[5]s;
					CREATE TABLE %[1]s.same ();`,
					q, i+10, quote.Ident("e"+room(n)), quote.Literal(n), quote.Ident("t"+room(n)), quote.Literal(quote.Name(n, n)),
					quote.Ident("i"+room(n)), quote.Ident("v"+room(n)))
			}
			db.Exec(t, sql.String())
			got := load(t, db)
			require.Len(t, got.Schemas, len(oddNames()))
			require.Len(t, got.Tables, 2*len(oddNames()))
			for i, n := range oddNames() {
				schema := func(name string) Name { return Name{n, name} }
				short := room(n)
				require.Contains(t, got.Schemas, Schema{n})
				require.Contains(t, got.Enums, Enum{Name: schema("e" + short), Labels: []string{n}})
				require.EqualValues(t, i+10, got.sequence(t, schema(n)).LastValue)
				table := got.table(t, schema("t"+short))
				require.Equal(t, n, table.Columns[0].Name)
				require.Equal(t, schema("e"+short), table.Columns[0].Type.Name)
				require.Contains(t, table.Columns[1].Uses, Ref{Kind: "sequence", Name: schema(n)})
				// N15: with search_path empty the label's cast names the type's schema.
				index := got.index(t, schema("i"+short))
				require.Equal(t, n, index.Keys[0].Column)
				require.Contains(t, string(index.Predicate), "::"+table.Columns[0].Type.Text)
				require.Contains(t, table.Columns[0].Type.Text, ".")
				check := got.constraint(t, table.Name, n)
				require.Equal(t, []string{n}, check.Columns)
				require.Contains(t, got.Comments, Comment{Kind: "column", Name: table.Name, Sub: n, Text: n})
				require.True(t, slices.ContainsFunc(got.Views, func(v View) bool {
					return v.Name == schema("v"+short) && v.Columns[0].Name == n && v.Columns[0].Type == table.Columns[0].Type
				}))
			}

			conn := db.Conn(t)
			refs, err := ListTables(t.Context(), conn)
			require.NoError(t, err)
			var all []Name
			for _, r := range refs {
				all = append(all, r.Name)
			}
			prints, err := Fingerprints(t.Context(), conn, all)
			require.NoError(t, err)
			require.Len(t, prints, len(all))
			for i := range prints {
				require.Equal(t, all[i], prints[i].Name)
				chosen, err := Filter{IncludeTables: []string{Pattern(all[i])}}.Match(refs)
				require.NoError(t, err)
				require.Equal(t, all[i:i+1], chosen)
			}
		})
	}
}

// The order is that of bytes, whatever the server's collation says.
func TestOrderIsOfBytes(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	want := []string{"B", "Z", "_", "a", "a b", "a-b", "a_b", "ab", "b", "Ä", "ä"}
	for i := len(want) - 1; i >= 0; i-- {
		db.Exec(t, "CREATE TABLE "+quote.Ident(want[i])+" ()")
	}
	var got []string
	for _, table := range load(t, db).Tables {
		got = append(got, table.Name.Name)
	}
	require.Equal(t, want, got)
	refs, err := ListTables(t.Context(), db.Conn(t))
	require.NoError(t, err)
	for i, r := range refs {
		require.Equal(t, want[i], r.Name.Name)
	}
}

// Hostile settings of the database, the role or the session change nothing, and
// are as they were afterwards.
func TestSettingsDoNotShow(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	db.Exec(t, `CREATE SCHEMA app; CREATE TYPE app.mood AS ENUM ('ok');
		CREATE TABLE app.t (a app.mood DEFAULT 'ok', b date DEFAULT '2024-12-31', c interval DEFAULT '1 day 2 hours', d float8 DEFAULT '0.30000000000000004'::float8,
			e timestamptz DEFAULT '2024-12-31 10:00+00', f bytea DEFAULT '\xff', g text DEFAULT E'\\' CHECK (b > '2020-01-02'))`)
	plain := load(t, db)
	conn := db.Conn(t)
	for _, sql := range []string{
		"SET search_path = app, public", "SET quote_all_identifiers = on", "SET standard_conforming_strings = off", "SET DateStyle = 'German'",
		"SET IntervalStyle = 'iso_8601'", "SET TimeZone = 'Asia/Kathmandu'", "SET extra_float_digits = 0", "SET bytea_output = 'escape'",
	} {
		_, err := conn.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	var got *Database
	require.NoError(t, within(t, conn, func(tx pgx.Tx) (err error) {
		got, err = Load(t.Context(), tx, LoadOptions{})
		return err
	}))
	same(t, plain, got, unstable)
	var path, style string
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT current_setting('search_path'), current_setting('DateStyle')").Scan(&path, &style))
	require.Equal(t, "app, public", path)
	require.Equal(t, "German, DMY", style)
}
