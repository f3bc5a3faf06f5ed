package preflight

import (
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// Routines that stand on the target are known, and fall with --on-existing drop
// around what needs them and what they need.
func TestExistingRoutines(t *testing.T) {
	t.Parallel()
	source := pgtest.Server(t).Database(t)
	source.Exec(t, `
		CREATE FUNCTION early(n integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT n';
		CREATE FUNCTION own() RETURNS boolean LANGUAGE sql AS 'SELECT true';
		CREATE TABLE t (id integer PRIMARY KEY DEFAULT early(1) CHECK (early(id) > 0), g integer GENERATED ALWAYS AS (early(id)) STORED);
		CREATE FUNCTION of_row(t) RETURNS integer LANGUAGE sql AS 'SELECT $1.id';
		CREATE VIEW v AS SELECT of_row(t.*) AS n FROM t;
		CREATE FUNCTION of_view() RETURNS SETOF v LANGUAGE sql AS 'SELECT * FROM v';
		CREATE FUNCTION of_view(integer) RETURNS SETOF v LANGUAGE sql AS 'SELECT * FROM v';
		CREATE FUNCTION fired() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
		CREATE TRIGGER fired BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION fired();
		CREATE POLICY mine ON t USING (own());
		CREATE PROCEDURE "odd (p)"(INOUT n integer) LANGUAGE plpgsql AS 'BEGIN END';
		CREATE AGGREGATE total(integer) (SFUNC = int4pl, STYPE = integer)`)
	conn := source.Conn(t)
	tx, err := conn.BeginTx(t.Context(), pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	require.NoError(t, err)
	db, err := catalog.Load(t.Context(), tx, catalog.LoadOptions{})
	require.NoError(t, err)
	plan, err := ddlgen.Generate(db, ddlgen.Postgres(), ddlgen.Options{})
	require.NoError(t, err)
	for _, full := range []bool{true, false} {
		t.Run(fmt.Sprint(full), func(t *testing.T) {
			t.Parallel()
			target := pgtest.Server(t).Database(t)
			target.Exec(t, "CREATE FUNCTION other() RETURNS integer LANGUAGE sql AS 'SELECT 1'; CREATE FUNCTION of_view(text) RETURNS integer LANGUAGE sql AS 'SELECT 1'")
			conn := target.Conn(t)
			_, err := conn.Exec(t.Context(), "SET search_path = ''; SET check_function_bodies = off")
			require.NoError(t, err)
			read := func() *Existing {
				e, err := ReadExisting(t.Context(), conn, plan, full)
				require.NoError(t, err)
				return e
			}
			require.True(t, read().Empty(), "routines of the target's own do not count")
			for range 2 {
				routines := 0
				for _, s := range plan.Statements {
					_, err := conn.Exec(t.Context(), s.SQL)
					require.NoError(t, err, s.SQL)
				}
				e := read()
				require.False(t, e.Empty())
				for _, s := range plan.Statements {
					if isRoutine(s) {
						kind, ok := e.Has(s)
						require.True(t, ok, s.ID)
						require.Equal(t, s.Object.Kind, kind)
						routines++
					}
				}
				require.Equal(t, 8, routines)
				for _, sql := range e.Drops(plan) {
					_, err := conn.Exec(t.Context(), sql)
					require.NoError(t, err, sql)
				}
				require.True(t, read().Empty())
				require.Equal(t, "2", target.QueryString(t, "SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace"))
			}
		})
	}
}
