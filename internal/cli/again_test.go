package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// A server that goes away before anything was written: the message names the
// same command, with what the user asked for, and once the server is back it works.
func TestServerGoneBeforeAnythingWasWritten(t *testing.T) {
	t.Parallel()
	b := setup(t, "CREATE TABLE a (id int PRIMARY KEY); INSERT INTO a VALUES (1); CREATE TABLE b (id int)")
	b.target.Exec(t, "CREATE TABLE a (id int)")
	p := pgtest.NewProxy(t, b.target.Cluster())
	c := &call{
		args: []string{"clone", "--include-table", "a", "--on-existing", "drop"},
		env:  map[string]string{"PG2DB9_SOURCE": withPassword(b.source.URL), "PG2DB9_TARGET": withPassword(p.URL(b.target.Name))},
	}
	p.Refuse(true)
	r := c.run(t)
	require.Equal(t, Failed, r.code, r.err)
	require.Contains(t, r.last(), "continue with: pg2db9 clone --include-table a --on-existing drop")
	p.Refuse(false)
	c.out = nil
	require.Equal(t, OK, c.run(t).code)
	b.same(t, "a")
	require.Equal(t, "pg2db9 clone --include-table a --on-existing drop", continueWith.FindStringSubmatch(r.last())[1], "what was run again")
}

// A report that cannot be written once all is done: the run failed by what was
// asked for, and the command that it names writes the report without a copy.
func TestReportThatCannotBeWrittenAtTheEnd(t *testing.T) {
	t.Parallel()
	b := setup(t, "CREATE TABLE a (id int PRIMARY KEY); INSERT INTO a VALUES (1)")
	dir := filepath.Join(t.TempDir(), "reports")
	require.NoError(t, os.Mkdir(dir, 0o700))
	file := filepath.Join(dir, "r.json")
	c := &call{args: []string{"clone", "--report", file}, env: map[string]string{
		"PG2DB9_SOURCE": withPassword(b.source.URL), "PG2DB9_TARGET": b.target.URL,
		"PG2DB9_TARGET_PASSWORD_COMMAND": "rm -rf " + dir + "; echo any", // between the check of the path and the report
	}}
	r := c.run(t)
	require.Equal(t, Failed, r.code, r.err)
	require.Contains(t, r.last(), "done and verified")
	require.Contains(t, r.last(), "no such file or directory")
	require.Contains(t, r.last(), "continue with: pg2db9 verify --report "+file)
	require.NoError(t, os.Mkdir(dir, 0o700))
	b.followNext(t, r.last()+` --source "$PG2DB9_SOURCE" --target "$PG2DB9_TARGET"`)
	require.FileExists(t, file)
}

// The answer to the transaction that makes the tables is lost: they stand, or
// not. The run is in the ledger, so that --resume goes on with it, and whoever
// keeps its snapshot does not stay behind for another run (C4).
func TestLostAnswerToTheTables(t *testing.T) {
	t.Parallel()
	b := setup(t, "CREATE TYPE mood AS ENUM ('good', 'bad'); CREATE TABLE a (id int PRIMARY KEY, m mood); INSERT INTO a VALUES (1, 'good')")
	p := pgtest.NewProxy(t, b.target.Cluster())
	commit := pgtest.Tag("COMMIT")
	hit := p.Add(pgtest.Rule{Action: pgtest.Cut, Dir: pgtest.ToClient, Match: func(seen []byte) int {
		if pgtest.Tag("CREATE TYPE")(seen) < 0 { // the ledger's own tables are made elsewhere
			return -1
		}
		return commit(seen)
	}})
	first := start(t, "clone", "--source", b.source.URL, "--target", p.URL(b.target.Name))
	<-hit.Fired()
	require.Error(t, <-first.done)
	first.done <- nil
	said := strings.TrimSpace(first.err.String())
	last := said[strings.LastIndexByte(said, '\n')+1:]
	require.Contains(t, last, "the answer was lost")
	require.Contains(t, last, "--resume")
	require.NotContains(t, last, "--on-existing drop")
	b.followNext(t, last)
	b.same(t, "a")
	require.Equal(t, "1 done", b.target.QueryString(t, "SELECT count(*) || ' ' || max(state) FROM _pg2db9.run"))
	eventually(t, "the keeper is ended", func() bool {
		return b.source.QueryString(t, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'") == "0"
	})
}

// The source's schema was changed since: the run cannot be continued, and what
// is named then is not --resume once more.
func TestResumeRefusedForItsSchemaNamesWhatWorks(t *testing.T) {
	t.Parallel()
	b := setup(t, toResume)
	killed(t, b, "--keep-snapshot", "0")
	b.source.Exec(t, "ALTER TABLE nokey ADD COLUMN more int DEFAULT 7")
	r := b.run(t, "clone", "--resume")
	require.Equal(t, Failed, r.code)
	require.Contains(t, r.last(), "the source's schema was changed since it began")
	require.Regexp(t, `continue with: pg2db9 clone .*--on-existing drop$`, r.last())
	b.followNext(t, r.last())
	b.sameRows(t)
}

// A table was rewritten since: the kept snapshot is of no use, and its keeper is
// ended, which would take the next process for its own and hold the source's
// clean-up back for as long as that runs.
func TestResumeEndsAKeeperOfNoUse(t *testing.T) {
	t.Parallel()
	b := setup(t, toResume)
	killed(t, b)
	keeper := "SELECT count(*) FROM pg_stat_activity WHERE pid = " + b.target.QueryString(t, "SELECT kept_pid FROM _pg2db9.run")
	require.Equal(t, "1", b.source.QueryString(t, keeper), "the snapshot is kept")
	b.source.Exec(t, "VACUUM FULL nokey")
	r := b.ok(t, "clone", "--resume")
	require.Contains(t, r.err, "a new one is taken")
	eventually(t, "the keeper is ended", func() bool { return b.source.QueryString(t, keeper) == "0" })
	b.sameRows(t)
}

// The connection for questions broke while the rows were copied: the keeper is
// ended all the same, by another.
func TestKeeperIsEndedThoughAConnectionBroke(t *testing.T) {
	t.Parallel()
	b := setup(t, toResume)
	toSource, toTarget := pgtest.NewProxy(t, b.source.Cluster()), pgtest.NewProxy(t, b.target.Cluster())
	hit := toTarget.Add(pgtest.Rule{Action: pgtest.Stall, Dir: pgtest.ToServer, After: 4 << 20})
	p := start(t, "clone", "--source", toSource.URL(b.source.Name), "--target", toTarget.URL(b.target.Name), "--jobs", "2")
	<-hit.Fired()
	keeper := b.target.QueryString(t, "SELECT kept_pid FROM _pg2db9.run")
	const idle = "FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend' AND state = 'idle' AND pid <> pg_backend_pid()"
	require.NotEqual(t, "0", b.source.QueryString(t, "SELECT count(pg_terminate_backend(pid)) "+idle))
	hit.Release()
	require.NoError(t, <-p.done, p.err)
	p.done <- nil
	eventually(t, "the keeper is ended", func() bool {
		return b.source.QueryString(t, "SELECT count(*) FROM pg_stat_activity WHERE pid = "+keeper) == "0"
	})
	b.sameRows(t)
}

// Killed when the keys of partitions stood and the tree's did not know them yet:
// what only says that an index belongs to another is said by the next process,
// though the index stands.
func TestResumeAmongTheKeysOfPartitions(t *testing.T) {
	t.Parallel()
	b := setup(t, `CREATE TABLE tree (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);
		CREATE TABLE tree_1 PARTITION OF tree FOR VALUES FROM (0) TO (1000); CREATE TABLE tree_2 PARTITION OF tree DEFAULT;
		CREATE INDEX tree_v ON tree (v); ALTER TABLE tree_1 CLUSTER ON tree_1_v_idx; ALTER TABLE tree_2 REPLICA IDENTITY USING INDEX tree_2_pkey;
		INSERT INTO tree SELECT i, 'row ' || i FROM generate_series(1, 2000) i`)
	proxy := pgtest.NewProxy(t, b.target.Cluster())
	hit := proxy.Add(pgtest.Rule{Action: pgtest.Stall, Dir: pgtest.ToServer, Match: pgtest.Contains("ALTER INDEX "), Times: 9})
	p := start(t, "clone", "--source", b.source.URL, "--target", proxy.URL(b.target.Name), "--jobs", "1", "--keep-snapshot", "0")
	<-hit.Fired()
	p.kill(t)
	hit.Release()
	b.ok(t, "clone", "--resume")
	for _, sql := range []string{
		"SELECT string_agg(indexrelid::regclass || ' ' || indisvalid || indisclustered || indisreplident, ', ' ORDER BY indexrelid::regclass::text) FROM pg_index JOIN pg_class ON pg_class.oid = indrelid WHERE relname LIKE 'tree%'",
		"SELECT string_agg(inhrelid::regclass || ' of ' || inhparent::regclass, ', ' ORDER BY inhrelid::regclass::text) FROM pg_inherits",
	} {
		require.Equal(t, b.source.QueryString(t, sql), b.target.QueryString(t, sql))
	}
	b.same(t, "tree")
}
