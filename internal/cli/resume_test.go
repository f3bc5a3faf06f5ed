package cli

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// toResume has a table that takes a while, and others.
const toResume = `
	CREATE TABLE big (id int PRIMARY KEY, t text NOT NULL);
	INSERT INTO big SELECT i, repeat(md5(i::text), 8) FROM generate_series(1, 60000) i;
	CREATE TABLE small (id int PRIMARY KEY, big_id int REFERENCES big, t text);
	INSERT INTO small SELECT i, i, 'small ' || i FROM generate_series(1, 500) i;
	CREATE INDEX small_t ON small (t);
	CREATE TABLE nokey (x int, t text);
	INSERT INTO nokey SELECT i, 'nokey ' || i FROM generate_series(1, 300) i;
	CREATE SEQUENCE numbers; SELECT setval('numbers', 42);`

// sameRows holds both sides' tables of toResume against each other, in SQL.
func (b *bundle) sameRows(t *testing.T) {
	t.Helper()
	for _, table := range []string{"big", "small", "nokey"} {
		const sum = "SELECT count(*) || ' ' || coalesce(sum(hashtextextended(x::text, 0)), 0) FROM %s x"
		require.Equal(t, b.source.QueryString(t, fmt.Sprintf(sum, table)), b.target.QueryString(t, fmt.Sprintf(sum, table)), table)
	}
}

// killed is a clone that was killed while big was on its way and the other
// tables were there already.
func killed(t *testing.T, b *bundle, args ...string) {
	t.Helper()
	proxy := pgtest.NewProxy(t, b.target.Cluster())
	hit := proxy.Add(pgtest.Rule{Action: pgtest.Stall, Dir: pgtest.ToServer, After: 4 << 20})
	p := start(t, append([]string{"clone", "--source", b.source.URL, "--target", proxy.URL(b.target.Name), "--jobs", "2"}, args...)...)
	select {
	case <-hit.Fired():
	case err := <-p.done:
		t.Fatalf("it ended before it could be killed: %v\n%s", err, p.err)
	}
	eventually(t, "the other tables", func() bool {
		return b.target.QueryString(t, "SELECT count(DISTINCT target_name) FROM _pg2db9.span JOIN _pg2db9.part USING (run, part) WHERE final") == "2"
	})
	p.kill(t)
	hit.Release()
}

// R2: a clone that was killed goes on elsewhere, from what the target knows; the
// snapshot was kept, and nothing that was there is sent again.
func TestR2ResumeAfterKill(t *testing.T) {
	t.Parallel()
	b := setup(t, toResume)
	killed(t, b)
	run := b.target.QueryString(t, "SELECT run FROM _pg2db9.run")
	keeper := "SELECT count(*) FROM pg_stat_activity WHERE pid = " + b.target.QueryString(t, "SELECT kept_pid FROM _pg2db9.run")
	require.Equal(t, "1", b.source.QueryString(t, keeper), "the snapshot is kept")
	b.source.Exec(t, "UPDATE big SET t = 'of later' WHERE id % 2 = 0; DELETE FROM small WHERE id = 1; INSERT INTO nokey VALUES (0, 'of later')")
	before := b.target.QueryString(t, "SELECT string_agg(s::text, ' ' ORDER BY part) FROM _pg2db9.span s")
	r := b.ok(t, "clone", "--resume")
	require.Contains(t, r.err, "run "+run+" goes on: 2 of 3 parts are done, 800 rows are there already")
	require.Regexp(t, `^done and verified: 3 tables, 60,800 rows, 1 sequence`, r.last())
	require.Contains(t, b.target.QueryString(t, "SELECT string_agg(s::text, ' ' ORDER BY part) FROM _pg2db9.span s"), before, "what was there was not sent again")
	require.Equal(t, "0 500 300", b.target.QueryString(t, "SELECT (SELECT count(*) FROM big WHERE t = 'of later') || ' ' || (SELECT count(*) FROM small) || ' ' || (SELECT count(*) FROM nokey)"),
		"all tables show the moment of the first try")
	require.Equal(t, "done", b.target.QueryString(t, "SELECT state FROM _pg2db9.run"))
	eventually(t, "the keeper is ended", func() bool { return b.source.QueryString(t, keeper) == "0" })

	r = b.ok(t, "clone", "--resume")
	require.Contains(t, r.last(), "run "+run+" was finished at ")
	require.Contains(t, r.last(), "nothing is left to do")
}

// R4: the snapshot is gone: tables that are as they were stay, others are loaded
// anew, and never are two moments mixed in silence.
func TestR4ResumeUnderANewSnapshot(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"reload", "reconcile"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			b := setup(t, toResume)
			killed(t, b, "--keep-snapshot", "0")
			b.source.Exec(t, "UPDATE big SET t = 'of later' WHERE id % 100 = 0; INSERT INTO nokey VALUES (0, 'of later'); DELETE FROM nokey WHERE x = 7")

			r := b.run(t, "clone", "--resume", "--on-changed", "stop")
			require.Equal(t, Partial, r.code, "%s\n%s", r.err, r.out)
			require.Contains(t, r.last(), "public.nokey")
			require.NotContains(t, r.last(), "public.small")
			require.Equal(t, "0", b.target.QueryString(t, "SELECT count(*) FROM nokey WHERE t = 'of later'"), "nothing was written")

			r = b.ok(t, "clone", "--resume", "--on-changed", way)
			require.Contains(t, r.err, "1 tables were proved against the new snapshot")
			b.sameRows(t)
		})
	}
}

// R4: of a table that changed only the rows that differ travel.
func TestResumeReconciles(t *testing.T) {
	t.Parallel()
	b := setup(t, toResume)
	killed(t, b, "--keep-snapshot", "0")
	b.source.Exec(t, "UPDATE small SET t = 'of later' WHERE id % 100 = 0; DELETE FROM small WHERE id = 7; INSERT INTO small VALUES (501, 9, 'new')")
	r := b.ok(t, "clone", "--resume", "--on-changed", "reconcile")
	require.Contains(t, r.err, "public.small was reconciled: 494 rows are as they were, 1 new, 5 changed, 1 gone")
	b.sameRows(t)
}

// R6: a run that somebody works on is not taken from him; his name is told.
func TestR6ResumeOfALivingRun(t *testing.T) {
	t.Parallel()
	b := setup(t, toResume)
	proxy := pgtest.NewProxy(t, b.target.Cluster())
	hit := proxy.Add(pgtest.Rule{Action: pgtest.Stall, Dir: pgtest.ToServer, After: 4 << 20})
	p := start(t, "clone", "--source", b.source.URL, "--target", proxy.URL(b.target.Name), "--jobs", "2", "--keep-snapshot", "0")
	<-hit.Fired()
	owner := b.target.QueryString(t, "SELECT owner FROM _pg2db9.run")
	r := b.run(t, "clone", "--resume")
	require.Equal(t, Failed, r.code)
	require.Contains(t, r.last(), "is being worked on by "+owner)
	hit.Release()
	require.NoError(t, <-p.done, p.err)
	p.done <- nil
	b.sameRows(t)
}

// R9: without a ledger an empty target is begun, one with data is refused.
func TestR9ResumeWithoutALedger(t *testing.T) {
	t.Parallel()
	b := setup(t, toResume)
	r := b.ok(t, "clone", "--resume")
	require.Contains(t, r.err, "a new one is begun")
	b.sameRows(t)
	b.target.Exec(t, "DROP SCHEMA _pg2db9 CASCADE")
	r = b.run(t, "clone", "--resume")
	require.Equal(t, Blocked, r.code)
	require.Contains(t, r.last(), "the target is not empty")
}

// R7, R8, F7: what shapes the rows must be what it was; what does not may be otherwise.
func TestF7R7R8ResumeWithOtherOptions(t *testing.T) {
	t.Parallel()
	b := setup(t, toResume)
	killed(t, b, "--keep-snapshot", "0")
	r := b.run(t, "clone", "--resume", "--exclude-table", "nokey")
	require.Equal(t, Usage, r.code)
	require.Contains(t, r.err, "--exclude-table=nokey is new")
	other := setup(t, "CREATE TABLE big (id int)")
	r = run(t, "clone", "--resume", "--source", withPassword(other.source.URL), "--target", withPassword(b.target.URL))
	require.Equal(t, Failed, r.code)
	require.Contains(t, r.last(), "the target's ledger has no run of clone from ")
	b.source.Exec(t, "ALTER TABLE nokey ADD COLUMN more int")
	r = b.run(t, "clone", "--resume")
	require.Contains(t, r.last(), "the source's schema was changed since it began")
	b.source.Exec(t, "ALTER TABLE nokey DROP COLUMN more")
	b.ok(t, "clone", "--resume", "--jobs", "1", "--retry-for", "9")
	b.sameRows(t)
	for _, args := range [][]string{{"--redo", "big"}, {"--skip", "big"}, {"--on-changed", "stop"}, {"--retry-failed"}, {"--resume", "--on-existing", "drop"}} {
		r := b.run(t, "clone", args...)
		require.Equal(t, Usage, r.code, args)
	}
}

// R13: tables can be loaded anew, and left out; a table that was dropped since is
// made and loaded again.
func TestR13ResumeRedoAndSkip(t *testing.T) {
	t.Parallel()
	b := setup(t, toResume)
	killed(t, b)
	r := b.run(t, "clone", "--resume", "--skip", "big")
	require.Equal(t, Partial, r.code, "%s\n%s", r.err, r.out)
	require.Contains(t, r.last(), "public.big (left out by --skip)")
	require.Contains(t, r.last(), "pg2db9 clone")
	require.Contains(t, r.last(), "--resume")
	b.target.Exec(t, "DROP TABLE nokey; INSERT INTO small SELECT 1000 + id, 1, t FROM small")
	b.ok(t, "clone", "--resume", "--redo", "small")
	b.sameRows(t)
	require.Equal(t, "1", b.target.QueryString(t, "SELECT count(*) FROM pg_constraint WHERE contype = 'f'"))
}

// R10: what follows the rows is done once; an index that was left half built is
// built again.
func TestR10ResumeAmongStatements(t *testing.T) {
	t.Parallel()
	for _, half := range []bool{false, true} {
		t.Run(fmt.Sprintf("half=%t", half), func(t *testing.T) {
			t.Parallel()
			b := setup(t, toResume)
			proxy := pgtest.NewProxy(t, b.target.Cluster())
			hit := proxy.Add(pgtest.Rule{Action: pgtest.Stall, Dir: pgtest.ToClient, Match: pgtest.Tag("CREATE INDEX")})
			p := start(t, "clone", "--source", b.source.URL, "--target", proxy.URL(b.target.Name), "--jobs", "1")
			<-hit.Fired()
			p.kill(t)
			hit.Release()
			const oid = "SELECT 'small_t'::regclass::oid"
			before := b.target.QueryString(t, oid)
			require.Equal(t, "begun", b.target.QueryString(t, "SELECT state FROM _pg2db9.step WHERE step LIKE '%small_t%'"))
			if half {
				b.target.Exec(t, "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'small_t'::regclass")
			}
			r := b.ok(t, "clone", "--resume")
			require.Regexp(t, "^done and verified: 3 tables, 60,800 rows, 1 sequence", r.last())
			require.Contains(t, r.err, "3 of 3 parts are done")
			require.Equal(t, half, before != b.target.QueryString(t, oid))
			require.Equal(t, "t", b.target.QueryString(t, "SELECT bool_and(indisvalid) FROM pg_index"))
			require.Equal(t, "1", b.target.QueryString(t, "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND convalidated"))
			require.Equal(t, "0", b.target.QueryString(t, "SELECT count(*) FROM _pg2db9.step WHERE state <> 'done'"))
			b.sameRows(t)
		})
	}
}

// R2: rows alone, into tables that hold others: what was not emptied yet when the
// first try ended is emptied by the next.
func TestResumeOfCopy(t *testing.T) {
	t.Parallel()
	b := setup(t, toResume)
	b.ok(t, "clone")
	b.target.Exec(t, "ALTER TABLE small DROP CONSTRAINT small_big_id_fkey; DROP SCHEMA _pg2db9 CASCADE")
	b.source.Exec(t, "ALTER TABLE small DROP CONSTRAINT small_big_id_fkey; UPDATE nokey SET t = t || '!'")
	proxy := pgtest.NewProxy(t, b.target.Cluster())
	hit := proxy.Add(pgtest.Rule{Action: pgtest.Stall, Dir: pgtest.ToServer, Match: pgtest.Contains(`TRUNCATE TABLE "public"."nokey"`)})
	p := start(t, "copy", "--source", b.source.URL, "--target", proxy.URL(b.target.Name), "--on-existing", "truncate")
	<-hit.Fired()
	p.kill(t)
	require.Equal(t, "1 1", b.target.QueryString(t, "SELECT count(*) FILTER (WHERE state = 'loading') || ' ' || count(*) FILTER (WHERE state = 'wanted') FROM _pg2db9.emptied"))
	hit.Release() // what it had sent may be done still
	b.ok(t, "copy", "--resume")
	b.sameRows(t)
}

// startThroughStandIn starts a clone through a stand-in, which takes the target's
// place, and waits until the ledger says that it has come so far.
func startThroughStandIn(t *testing.T, b *bundle, soFar string) *process {
	t.Helper()
	sim, db := standIn(t)
	b.target = db
	p := start(t, "clone", "--source", b.source.URL, "--target", sim.URL(), "--profile", "db9", "--probe", "never", "--jobs", "2")
	p.target = sim.URL()
	eventually(t, "some batches", func() bool {
		select {
		case err := <-p.done:
			p.done <- err
			t.Fatalf("it ended: %v\n%s", err, p.err)
		default:
		}
		return db.QueryString(t, "SELECT to_regclass('_pg2db9.span') IS NOT NULL") == "t" && db.QueryString(t, soFar) == "t"
	})
	return p
}

// R2 through the stand-in for DB9, in batches, several of them under way: what
// was committed when the process was killed is there once, and is not sent again.
func TestResumeThroughStandIn(t *testing.T) {
	t.Parallel()
	b := setup(t, toResume)
	p := startThroughStandIn(t, b, "SELECT count(*) >= 3 FROM _pg2db9.span")
	db := b.target
	p.kill(t)
	// No sessions are told, but that its process is gone is seen here (R5).
	db.Exec(t, "UPDATE _pg2db9.run SET lease = now() + interval '1 hour'")
	const spans = "SELECT string_agg(format('%s.%s', part, first), ' ' ORDER BY part, first) FROM _pg2db9.span"
	before := strings.Fields(db.QueryString(t, spans))
	r := run(t, "clone", "--source", withPassword(b.source.URL), "--target", p.target, "--profile", "db9", "--probe", "never", "--resume")
	require.Equal(t, OK, r.code, "%s\n%s", r.err, r.out)
	require.Subset(t, strings.Fields(db.QueryString(t, spans)), before)
	b.sameRows(t)
}

// R3: rows that the ledger knows and that somebody has deleted are a difference,
// which is told; the table can be loaded anew.
func TestR3RowsThatWentMissing(t *testing.T) {
	t.Parallel()
	b := setup(t, toResume)
	killed(t, b)
	b.target.Exec(t, "DELETE FROM small WHERE id <= 3")
	r := b.run(t, "clone", "--resume")
	require.Equal(t, Partial, r.code, "%s\n%s", r.err, r.out)
	require.Contains(t, r.last(), "public.small (the ledger holds 500 rows of it, but the target has 497")
	require.Contains(t, r.last(), "--redo public.small")
	require.NotContains(t, r.last(), "public.big (")
	b.ok(t, "clone", "--resume", "--redo", "small")
	b.sameRows(t)
}

// R11: a table without a key whose copy was broken off in the middle has no row
// twice: its committed beginning is read, proved and skipped.
func TestR11TableWithoutAKey(t *testing.T) {
	t.Parallel()
	b := setup(t, "CREATE TABLE nokey (x int, t text); INSERT INTO nokey SELECT i % 1000, repeat('same ', 35) FROM generate_series(1, 25000) i")
	p := startThroughStandIn(t, b, "SELECT count(*) >= 1 FROM _pg2db9.span")
	p.kill(t)
	require.Equal(t, "f", b.target.QueryString(t, "SELECT bool_or(final) FROM _pg2db9.span"), "in mid-part")
	r := run(t, "clone", "--source", withPassword(b.source.URL), "--target", p.target, "--profile", "db9", "--probe", "never", "--resume")
	require.Equal(t, OK, r.code, "%s\n%s", r.err, r.out)
	require.Equal(t, "25000 25 25", b.target.QueryString(t, "SELECT sum(n) || ' ' || min(n) || ' ' || max(n) FROM (SELECT count(*) n FROM nokey GROUP BY x) c"))
}

// T9: a table that was rewritten between the interruption and the resume has
// other blocks under the same rows: nothing of the kept snapshot's blocks is used.
func TestT9RewrittenBeforeResume(t *testing.T) {
	t.Parallel()
	b := setup(t, toResume)
	p := startThroughStandIn(t, b, "SELECT count(*) >= 3 FROM _pg2db9.span")
	p.kill(t)
	b.source.Exec(t, "DELETE FROM big WHERE id % 2 = 0 AND id BETWEEN 1000 AND 2000; CLUSTER big USING big_pkey; ALTER TABLE big SET (fillfactor = 90)")
	b.source.Exec(t, "VACUUM FULL big")
	r := run(t, "clone", "--source", withPassword(b.source.URL), "--target", p.target, "--profile", "db9", "--probe", "never", "--resume")
	require.Equal(t, OK, r.code, "%s\n%s", r.err, r.out)
	require.Contains(t, r.err, "is gone: a new one is taken")
	b.sameRows(t)
}

// R10: the indexes of partitions that stand were not all attached when the run was
// broken off: the parent's is whole at the end.
func TestResumeAttachesIndexes(t *testing.T) {
	t.Parallel()
	b := setup(t, `CREATE TABLE p (id int PRIMARY KEY, t text) PARTITION BY RANGE (id);
		CREATE TABLE p0 PARTITION OF p FOR VALUES FROM (0) TO (1000); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (1000) TO (2000);
		CREATE INDEX p_t ON p (t); INSERT INTO p SELECT i, 'row ' || i FROM generate_series(1, 1500) i`)
	proxy := pgtest.NewProxy(t, b.target.Cluster())
	hit := proxy.Add(pgtest.Rule{Action: pgtest.Stall, Dir: pgtest.ToServer, Match: pgtest.Contains("ATTACH PARTITION \"public\".\"p1_pkey\"")})
	p := start(t, "clone", "--source", b.source.URL, "--target", proxy.URL(b.target.Name), "--jobs", "1")
	select {
	case <-hit.Fired():
	case err := <-p.done:
		t.Fatalf("it ended: %v\n%s", err, p.err)
	}
	p.kill(t)
	hit.Release()
	require.Equal(t, "t", b.target.QueryString(t, "SELECT bool_or(NOT indisvalid) FROM pg_index"), "in the middle of it")
	b.ok(t, "clone", "--resume")
	require.Equal(t, "6 0", b.target.QueryString(t, "SELECT count(*) FILTER (WHERE indisvalid) || ' ' || count(*) FILTER (WHERE NOT indisvalid) FROM pg_index WHERE indrelid::regclass::text IN ('p', 'p0', 'p1')"))
}

// T20, R10: rows that changed under a table whose foreign keys stand already are
// mended all the same: the keys are taken away, and made again after the rows.
func TestResumeReloadsAReferencedTable(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"reload", "reconcile"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			b := setup(t, `CREATE TABLE parent (id int PRIMARY KEY, t text); INSERT INTO parent SELECT i, 'p' || i FROM generate_series(1, 100) i;
				CREATE TABLE child (id int PRIMARY KEY, parent_id int REFERENCES parent ON DELETE CASCADE); INSERT INTO child SELECT i, i FROM generate_series(1, 100) i;
				CREATE TABLE bad (id int PRIMARY KEY, v int); INSERT INTO bad VALUES (1, 1), (2, -1)`)
			b.target.Exec(t, `CREATE FUNCTION no() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN
				IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() WHERE object_identity = 'public.bad' AND command_tag = 'CREATE TABLE') THEN
					EXECUTE 'ALTER TABLE public.bad ADD CONSTRAINT positive CHECK (v > 0)'; END IF; END$$;
				CREATE EVENT TRIGGER positive ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION no()`)
			r := b.run(t, "clone")
			require.Equal(t, Partial, r.code, "%s\n%s", r.err, r.out)
			const keys = "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND convalidated"
			require.Equal(t, "1", b.target.QueryString(t, keys))
			b.source.Exec(t, "UPDATE bad SET v = 2; UPDATE parent SET t = 'changed' WHERE id = 7; INSERT INTO parent VALUES (101, 'new')")
			b.ok(t, "clone", "--resume", "--on-changed", way)
			require.Equal(t, "1", b.target.QueryString(t, keys))
			require.Equal(t, "101 100 changed", b.target.QueryString(t, "SELECT (SELECT count(*) FROM parent) || ' ' || (SELECT count(*) FROM child) || ' ' || (SELECT t FROM parent WHERE id = 7)"))
		})
	}
}
