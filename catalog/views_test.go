package catalog

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest"
)

func (db *Database) view(t *testing.T, n Name) View {
	t.Helper()
	for _, v := range db.Views {
		if v.Name == n {
			return v
		}
	}
	require.Failf(t, "no such view", "%s", n)
	return View{}
}

// T22, N15, T24: views and materialized views with all that belongs to them.
func TestViews(t *testing.T) {
	t.Parallel()
	eachMajor(t, func(t *testing.T, db *pgtest.DB) {
		db.Exec(t, `CREATE SCHEMA app; CREATE TYPE app.mood AS ENUM ('sad', 'ok');
			CREATE TABLE app.t (id integer PRIMARY KEY, m app.mood, body text COLLATE "C");
			CREATE VIEW app.v (number, mood) WITH (security_barrier) AS SELECT t.id, t.m FROM app.t WHERE t.m = 'ok' WITH CASCADED CHECK OPTION;
			ALTER VIEW app.v ALTER number SET DEFAULT 7;
			CREATE MATERIALIZED VIEW app.m WITH (fillfactor = 70, toast.autovacuum_enabled = off) AS SELECT v.number, t.body FROM app.v JOIN app.t ON t.id = v.number;
			ALTER MATERIALIZED VIEW app.m ALTER number SET STATISTICS 50;
			ALTER MATERIALIZED VIEW app.m ALTER body SET STORAGE EXTERNAL;
			ALTER MATERIALIZED VIEW app.m ALTER body SET (n_distinct = 5);
			CREATE UNIQUE INDEX m_number ON app.m (number DESC) INCLUDE (body);
			CREATE INDEX m_part ON app.m (body) WHERE number > 0;
			ALTER MATERIALIZED VIEW app.m CLUSTER ON m_number;
			CREATE MATERIALIZED VIEW app.empty AS SELECT 1 AS one WITH NO DATA;
			CREATE TEMP VIEW passing AS SELECT 1`)
		got := load(t, db)
		require.Len(t, got.Views, 3)
		integer := base("int4", "integer", -1)
		of := func(kind, name, column string) Ref { return Ref{Kind: kind, Name: in(name), Column: column} }
		mood := Ref{Kind: "type", Name: in("mood")}

		v := got.view(t, in("v"))
		require.Contains(t, string(v.Def), "'ok'::app.mood") // N15
		require.NotContains(t, string(v.Def), ";")
		v.Def = ""
		same(t, View{
			Name: in("v"), Options: []string{"check_option=cascaded", "security_barrier=true"}, RowsGuess: -1,
			Uses: []Ref{of("table", "t", "id"), of("table", "t", "m"), mood},
			Columns: []ViewColumn{
				{Name: "number", Type: integer, Default: "7", StatsTgt: -1},
				{Name: "mood", Type: Type{Name: in("mood"), Kind: KindEnum, Mod: -1, Text: "app.mood"}, StatsTgt: -1},
			},
		}, v)

		m := got.view(t, in("m"))
		require.NotEmpty(t, m.Def)
		m.Def = ""
		same(t, View{
			Name: in("m"), Materialized: true, Populated: true, Options: []string{"fillfactor=70", "toast.autovacuum_enabled=off"}, RowsGuess: m.RowsGuess,
			Uses: []Ref{of("table", "t", "body"), of("table", "t", "id"), of("view", "v", "number")},
			Columns: []ViewColumn{
				{Name: "number", Type: integer, StatsTgt: 50},
				{Name: "body", Type: base("text", "text", -1), Collation: &Name{"pg_catalog", "C"}, StatsTgt: -1, Storage: StorageExternal, Options: []string{"n_distinct=5"}},
			},
		}, m)
		require.False(t, got.view(t, in("empty")).Populated)

		x := got.index(t, in("m_number"))
		require.Equal(t, in("m"), x.Table)
		same(t, []IndexKey{{Column: "number", Descending: true, NullsFirst: true}}, x.Keys)
		require.Equal(t, []any{[]string{"body"}, true, true}, []any{x.Include, x.Unique, x.Clustered})
		require.Equal(t, Expr("(number > 0)"), got.index(t, in("m_part")).Predicate)
	})
}

// N7: a query of more than a mebibyte is whole, and with it what comes after.
func TestViewOfAMebibyte(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	body := strings.Repeat("x", 1<<20)
	db.Exec(t, "CREATE VIEW long AS SELECT '"+body+"'::text AS a, 'the end'::text AS z; CREATE MATERIALIZED VIEW longer AS SELECT a || 'y' AS b FROM long")
	got := load(t, db)
	require.Contains(t, string(got.view(t, public("long")).Def), body)
	require.True(t, strings.HasSuffix(string(got.view(t, public("long")).Def), "AS z"))
	m := got.view(t, public("longer"))
	require.Equal(t, "y", string(m.Def[strings.Index(string(m.Def), "'y'")+1]))
	require.Positive(t, m.HeapBytes+m.ToastBytes)
}
