package cli

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// clean shows what it would remove, and removes it only when it is told to.
// Tables and rows stay.
func TestClean(t *testing.T) {
	t.Parallel()
	b := setup(t, shop)
	target := []string{"clean", "--target", withPassword(b.target.URL)}
	r := run(t, target...)
	require.Equal(t, OK, r.code, r.err)
	require.Contains(t, r.last(), "nothing is to be removed")

	b.ok(t, "clone", "--skip-verify")
	r = run(t, target...)
	require.Equal(t, OK, r.code, r.err)
	require.Contains(t, r.out, "the ledger: schema _pg2db9 with its 10 tables")
	require.Contains(t, r.out, ": clone, done, 4 of 4 parts, 3,703 rows")
	require.Contains(t, r.last(), "nothing was removed: --yes removes it")
	require.NotContains(t, r.out, "WARNING")
	require.Equal(t, "10", b.target.QueryString(t, "SELECT count(*) FROM pg_tables WHERE schemaname = '_pg2db9'"))

	r = run(t, append(target, "--yes")...)
	require.Equal(t, OK, r.code, r.err)
	require.Equal(t, "removed", r.last())
	require.Equal(t, "0", b.target.QueryString(t, "SELECT count(*) FROM pg_namespace WHERE nspname = '_pg2db9'"))
	b.sameShop(t)
}

// A run that somebody works on is not removed; one that is not finished is
// removed with a warning, the keeper of its snapshot is named, and the index that
// it left half built goes with it, no other.
func TestCleanUnfinished(t *testing.T) {
	t.Parallel()
	b := setup(t, "CREATE TABLE t (a int, b int); INSERT INTO t VALUES (1, 1), (1, 2)")
	b.ok(t, "clone", "--skip-verify")
	conn := b.target.Conn(t)
	for _, index := range []string{"ours", "theirs"} {
		_, err := conn.Exec(t.Context(), "CREATE UNIQUE INDEX CONCURRENTLY "+index+" ON t (a)")
		require.ErrorContains(t, err, "could not create unique index")
	}
	b.target.Exec(t, `UPDATE _pg2db9.run SET state = 'partial', owner = 'host, process 7', lease = now() + interval '1 minute', kept_pid = 4711, kept_by = 'host, process 8';
		INSERT INTO _pg2db9.step (run, step, state) SELECT run, 'indexes/public.t/ours', 'begun' FROM _pg2db9.run;
		INSERT INTO _pg2db9.reject (run, part, row, target_schema, target_name, key, sqlstate, message, length, digest) SELECT run, 1, 0, 'public', 't', '', '22003', '', 1, '' FROM _pg2db9.run;
		INSERT INTO _pg2db9.step (run, step, state) SELECT run, 'indexes/public.t/theirs', 'done' FROM _pg2db9.run`)
	target := []string{"clean", "--yes", "--target", withPassword(b.target.URL)}
	r := run(t, target...)
	require.Equal(t, Failed, r.code, r.out)
	require.Contains(t, r.last(), "is being worked on by host, process 7: nothing was removed")
	require.Equal(t, "1 2", b.target.QueryString(t, "SELECT (SELECT count(*) FROM _pg2db9.run) || ' ' || count(*) FROM pg_index WHERE NOT indisvalid"))

	b.target.Exec(t, "UPDATE _pg2db9.run SET lease = now() - interval '1 second'")
	r = run(t, target...)
	require.Equal(t, OK, r.code, r.err)
	require.Contains(t, r.out, "WARNING: it is not finished, and cannot be continued when this is gone: pg2db9 clone ")
	require.Contains(t, r.out, "index public.ours on public.t, half built by run ")
	require.Contains(t, r.out, "WARNING: 1 row of those that the target refused, kept nowhere else: pg2db9 rejects export")
	require.NotContains(t, r.out, "public.theirs")
	require.Contains(t, r.out, "kept by host, process 8 (backend 4711 there)")
	require.Equal(t, "theirs", b.target.QueryString(t, "SELECT indexrelid::regclass FROM pg_index WHERE NOT indisvalid"))
	require.Equal(t, "0", b.target.QueryString(t, "SELECT count(*) FROM pg_namespace WHERE nspname = '_pg2db9'"))
}

// One run goes, the others stay.
func TestCleanOneRun(t *testing.T) {
	t.Parallel()
	b := setup(t, shop)
	b.ok(t, "clone", "--skip-verify")
	first := b.target.QueryString(t, "SELECT run FROM _pg2db9.run")
	b.ok(t, "copy", "--on-existing", "truncate", "--skip-verify", "--include-table", "log")
	require.Equal(t, "2", b.target.QueryString(t, "SELECT count(*) FROM _pg2db9.run"))
	r := run(t, "clean", "--yes", "--run", first, "--target", withPassword(b.target.URL))
	require.Equal(t, OK, r.code, r.err)
	for _, table := range []string{"run", "part", "span", "session", "step", "emptied", "reject"} {
		require.Equal(t, "0", b.target.QueryString(t, "SELECT count(*) FROM _pg2db9."+table+" WHERE run = '"+first+"'"), table)
	}
	require.Equal(t, "copy 1 1", b.target.QueryString(t, "SELECT command || ' ' || (SELECT count(*) FROM _pg2db9.part) || ' ' || (SELECT count(*) FROM _pg2db9.span) FROM _pg2db9.run"))
	r = run(t, "clean", "--yes", "--run", first, "--target", withPassword(b.target.URL))
	require.Equal(t, Failed, r.code, r.out)
}

// What somebody else keeps in the ledger's schema, or makes upon its tables, is
// not removed with it.
func TestCleanLeavesWhatIsNotOurs(t *testing.T) {
	t.Parallel()
	b := setup(t, shop)
	b.ok(t, "clone", "--skip-verify")
	target := []string{"clean", "--yes", "--json", "--target", withPassword(b.target.URL)}
	b.target.Exec(t, "CREATE TABLE _pg2db9.mine (a int)")
	r := run(t, target...)
	require.Equal(t, Failed, r.code, r.out)
	require.Contains(t, r.last(), "tables that are not the ledger's (mine)")
	b.target.Exec(t, "DROP TABLE _pg2db9.mine; CREATE VIEW mine AS SELECT * FROM _pg2db9.reject")
	r = run(t, target...)
	require.Equal(t, Failed, r.code, r.out)
	require.Contains(t, r.last(), "drop what depends on it first, and run the command again")
	b.target.Exec(t, "DROP VIEW mine")
	r = run(t, target...)
	require.Equal(t, OK, r.code, r.err)
	all := jsonObjects(t, r.out)
	require.Equal(t, true, all[0]["removed"])
	require.Equal(t, "0", b.target.QueryString(t, "SELECT count(*) FROM pg_namespace WHERE nspname = '_pg2db9'"))
}

// Through a stand-in for DB9.
func TestCleanThroughStandIn(t *testing.T) {
	t.Parallel()
	b := setup(t, shop)
	sim, db := standIn(t)
	r := run(t, "clone", "--source", withPassword(b.source.URL), "--target", sim.URL(), "--probe", "never", "--skip-verify")
	require.Equal(t, OK, r.code, "%s\n%s", r.err, r.out)
	r = run(t, "clean", "--target", sim.URL(), "--yes")
	require.Equal(t, OK, r.code, r.err)
	require.Equal(t, "0", db.QueryString(t, "SELECT count(*) FROM pg_namespace WHERE nspname = '_pg2db9'"))
	require.Equal(t, "3000", db.QueryString(t, "SELECT count(*) FROM orders"))
}
