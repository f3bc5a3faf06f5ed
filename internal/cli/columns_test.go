package cli

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A target that makes a type into text without a word: that table gets no row,
// the others are copied and proved, and the run ends partly done with the table
// named.
func TestSilentTextStopsItsTable(t *testing.T) {
	t.Parallel()
	b := setup(t, shop)
	b.target.Exec(t, `CREATE FUNCTION public.downgrade() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
		IF (SELECT atttypid = 'numeric'::regtype FROM pg_attribute WHERE attrelid = to_regclass('public.orders') AND attname = 'total') THEN
			ALTER TABLE public.orders ALTER total TYPE text;
		END IF; END $$;
		CREATE EVENT TRIGGER downgrade ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION public.downgrade();`)
	r := b.run(t, "clone", "--profile", "db9")
	require.Equal(t, Partial, r.code, "%s\n%s", r.err, r.out)
	require.Contains(t, r.last(), "1 of 4 tables not copied: public.orders (the target has made it otherwise than it was told, so no row was sent: type of column total: expected numeric(12,2), found text")
	require.Equal(t, "0", b.target.QueryString(t, "SELECT count(*) FROM orders"))
	b.same(t, `"odd Schema"."a ""table"" | name"`)
	require.Contains(t, r.out, "public.customers")
	require.NotContains(t, r.last(), "verification found differences")
}

// A large table without a key cannot be proved where the target cuts statements
// off: that is said before anything is written, and blocks; accepted, its rows
// are copied and its verdict is no match.
func TestUnprovenTable(t *testing.T) {
	t.Parallel()
	b := setup(t, `CREATE TABLE k (id int PRIMARY KEY); INSERT INTO k SELECT generate_series(1, 10);
		CREATE TABLE bag (v text); INSERT INTO bag SELECT repeat(md5(i::text), 30) FROM generate_series(1, 8000) i;`)
	r := b.run(t, "clone", "--profile", "db9")
	require.Equal(t, Blocked, r.code, r.out)
	require.Contains(t, r.last(), "cannot be proved on this target")
	require.Contains(t, r.out, "table.unproven")
	b.untouched(t)

	r = b.ok(t, "clone", "--profile", "db9", "--accept", "table.unproven:public.bag")
	b.same(t, "bag", "k")
	require.Contains(t, r.out, "cannot be read back within the target's statement timeout")
	require.Contains(t, r.last(), "done, 1 table not proved as accepted, all else verified: 2 tables")
	r = b.run(t, "verify", "--profile", "db9", "--accept", "table.unproven:public.bag")
	require.Contains(t, r.last(), "verified: 1 table, 10 rows")
	require.Contains(t, r.last(), "1 table not proved, as accepted")
}
