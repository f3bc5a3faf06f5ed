package sync

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/copier"
	"github.com/pg2db9/pg2db9/internal/sync/jobfile"
)

const family = `CREATE TABLE parent (id int PRIMARY KEY, code text UNIQUE);
	CREATE TABLE child (id int PRIMARY KEY, parent int NOT NULL REFERENCES parent, v text);
	CREATE TABLE a (id int PRIMARY KEY, b int); CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a); ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b;`

// S21: tables of a group arrive in the order of their foreign keys, which stand, and go
// in the opposite one, whatever the file's order and the modes; tables that refer to
// one another need two passes.
func TestS21GroupsInForeignKeyOrder(t *testing.T) {
	t.Parallel()
	b := setup(t, `groups: [{name: g}]
tables:
- {table: public.child, group: g, mode: upsert, cursor: id, deletes: digest, verify: digest}
- {table: public.parent, group: g, mode: mirror}
- {table: public.a, group: g, mode: mirror}
- {table: public.b, group: g, mode: mirror}
`, family, `INSERT INTO parent VALUES (1, 'one'), (2, 'two'), (3, 'three'); INSERT INTO child VALUES (1, 1), (2, 2), (3, 3)`)
	b.source.Exec(t, `DELETE FROM child WHERE id = 3; DELETE FROM parent WHERE id = 3; INSERT INTO parent VALUES (4, 'four'); INSERT INTO child VALUES (4, 4);
		UPDATE child SET parent = 4 WHERE id = 2; DELETE FROM parent WHERE id = 2;
		INSERT INTO a VALUES (1, NULL); INSERT INTO b VALUES (1, 1); INSERT INTO a VALUES (2, 1); INSERT INTO b VALUES (2, 2)`)
	b.run(t)
	b.same(t, "parent", "child", "a", "b")
	b.source.Exec(t, `DELETE FROM b WHERE id = 2; UPDATE a SET b = NULL; DELETE FROM b; DELETE FROM a; INSERT INTO a VALUES (7, NULL); INSERT INTO b VALUES (7, 7); UPDATE parent SET code = 'swap' || id`)
	b.run(t)
	b.same(t, "parent", "child", "a", "b")

	// Two rows that refer to one another cannot come one after the other: that is said,
	// and the other tables are not held up.
	b.source.Exec(t, `UPDATE a SET b = 7; INSERT INTO a VALUES (8, NULL); INSERT INTO b VALUES (8, 8); UPDATE a SET b = 8 WHERE id = 8; INSERT INTO parent VALUES (9, 'nine')`)
	rep, err := b.runner(t).Run(t.Context(), Selection{})
	require.NoError(t, err)
	require.Contains(t, entry(t, rep, "a").Err+entry(t, rep, "b").Err, "violates foreign key constraint")
	require.Equal(t, Match, entry(t, rep, "parent").Verdict)
}

// S20, R5, R6: runs on one target do not overlap: while the owner lives the second is
// refused and names it; a run whose process died is fenced off, and its traces go;
// a table that fails says why, keeps what it held, and does not stop the others.
func TestS20R5R6OneRunAtATime(t *testing.T) {
	t.Parallel()
	b := setup(t, "tables: [{table: public.a, mode: mirror}, {table: public.b, mode: append, cursor: id}, {table: public.c, mode: mirror}]",
		"CREATE TABLE a (id int PRIMARY KEY, v text); CREATE TABLE b (id int PRIMARY KEY); CREATE TABLE c (id int PRIMARY KEY)")
	b.source.Exec(t, "INSERT INTO a VALUES (1, 'a'); INSERT INTO b VALUES (1); INSERT INTO c VALUES (1)")
	b.run(t)

	// Another machine's run, whose owner renews its lease.
	b.target.Exec(t, `INSERT INTO _pg2db9.run (run, command, tool, source, profile, schema_hash, plan_hash, options, snapshot, taken, state, owner, lease)
		VALUES ('19990101T000000Z-other', 'sync', '', '', '', '', '', '{}', '', '', 'creating', 'another machine', now() + interval '15 seconds')`)
	renew := make(chan struct{})
	renewed := make(chan struct{})
	conn := connect(t, b.target)
	go func() {
		defer close(renewed)
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				_, _ = conn.Exec(t.Context(), "UPDATE _pg2db9.run SET lease = now() + interval '15 seconds' WHERE owner = 'another machine'")
			case <-renew:
				return
			}
		}
	}()
	_, err := b.runner(t).Run(t.Context(), Selection{})
	close(renew)
	<-renewed
	var held *copier.LeaseHeldError
	require.ErrorAs(t, err, &held)
	require.Equal(t, "another machine", held.Owner)

	// It dies: its lease runs out by the target's clock, and its records go, by which
	// its writers would know themselves; and so do those that a process left which was
	// killed while it took them away.
	b.target.Exec(t, `UPDATE _pg2db9.run SET lease = now() + interval '1 second'; INSERT INTO _pg2db9.part (run, part, target_schema, target_name, relation_schema, relation_name, bytes, taken, epoch, token)
		SELECT run, 1, 'public', 'a', 'public', 'a', 0, '', 1, '' FROM unnest(ARRAY['19990101T000000Z-other', '19980101T000000Z-half']) run`)
	b.source.Exec(t, "INSERT INTO a VALUES (2, 'refused'); INSERT INTO b VALUES (2); INSERT INTO c VALUES (2)")
	b.target.Exec(t, "ALTER TABLE a ADD CHECK (v <> 'refused')")
	rep, err := b.runner(t).Run(t.Context(), Selection{})
	require.NoError(t, err)
	require.Equal(t, "0 0", b.target.QueryString(t, "SELECT (SELECT count(*) FROM _pg2db9.run) || ' ' || (SELECT count(*) FROM _pg2db9.part)"))
	require.Equal(t, Failed, entry(t, rep, "a").Verdict)
	require.Contains(t, entry(t, rep, "a").Err, "a_v_check")
	require.Equal(t, "1", b.target.QueryString(t, "SELECT count(*) FROM a"))
	b.same(t, "b", "c")

	list, err := ReadStatus(t.Context(), connect(t, b.target))
	require.NoError(t, err)
	require.Len(t, list, 3)
	require.Equal(t, []Verdict{Failed, Match, Match}, []Verdict{list[0].Last.Verdict, list[1].Last.Verdict, list[2].Last.Verdict})
	require.Equal(t, "2", list[1].Watermark)
	require.True(t, list[0].Success.Before(list[1].Success))
	history, err := History(t.Context(), connect(t, b.target), &list[0].Table, 1)
	require.NoError(t, err)
	require.Len(t, history, 1)
	require.Contains(t, history[0].Err, "a_v_check")

	// Chosen tables alone.
	b.source.Exec(t, "INSERT INTO b VALUES (3); INSERT INTO c VALUES (3)")
	rep, err = b.runner(t).Run(t.Context(), Selection{Tables: []catalog.Name{{Schema: "public", Name: "c"}}})
	require.NoError(t, err)
	require.Len(t, rep.Tables, 1)
	require.Equal(t, "2 3", b.target.QueryString(t, "SELECT (SELECT count(*) FROM b) || ' ' || (SELECT count(*) FROM c)"))
	require.ErrorContains(t, b.runner(t).Check(Selection{Group: "none"}), "has no group")
}

// A source whose columns changed is noticed before anything is written; adapt carries
// an added column that takes NULL, and nothing else.
func TestSyncNoticesChangedColumns(t *testing.T) {
	t.Parallel()
	b := setup(t, "tables: [{table: public.t, mode: upsert, cursor: id, verify: digest, on_schema_change: adapt}, {table: public.s, mode: mirror}]",
		"CREATE TABLE t (id int PRIMARY KEY, v text); CREATE TABLE s (id int PRIMARY KEY)")
	b.source.Exec(t, "INSERT INTO t VALUES (1, 'a'); INSERT INTO s VALUES (1)")
	b.run(t)
	b.source.Exec(t, "ALTER TABLE t ADD extra numeric(5,2); INSERT INTO t VALUES (2, 'b', 1.5); ALTER TABLE s ADD extra int; INSERT INTO s VALUES (2, 2)")
	rep, err := b.runner(t).Run(t.Context(), Selection{})
	require.NoError(t, err)
	require.Equal(t, Match, entry(t, rep, "t").Verdict, entry(t, rep, "t").Err)
	b.same(t, "t")
	require.Contains(t, entry(t, rep, "s").Err, "has new columns (extra); nothing was written")
	require.Equal(t, "1", b.target.QueryString(t, "SELECT count(*) FROM s"))
	b.source.Exec(t, "ALTER TABLE t ALTER v TYPE varchar(9), ADD strict int NOT NULL DEFAULT 1; INSERT INTO t VALUES (3, 'c')")
	rep, err = b.runner(t).Run(t.Context(), Selection{})
	require.NoError(t, err)
	require.Contains(t, entry(t, rep, "t").Err, "column v is character varying(9), and was text; column strict is new, and NOT NULL")
	require.Equal(t, "2", b.target.QueryString(t, "SELECT count(*) FROM t"))
	b.target.Exec(t, "ALTER TABLE t ADD strict int NOT NULL DEFAULT 1; ALTER TABLE s ADD extra int")
	for _, name := range []string{"t", "s"} {
		require.NoError(t, b.runner(t).Reset(t.Context(), catalog.Name{Schema: "public", Name: name}))
	}
	b.run(t)
	b.same(t, "t", "s")
}

// Triggers that would fire on the target, and foreign keys that would change other
// tables' rows, are refused unless they are named.
func TestSyncRefusesWhatWouldFire(t *testing.T) {
	t.Parallel()
	const tables = `CREATE TABLE t (id int PRIMARY KEY, v text); CREATE TABLE heard (id int); CREATE TABLE up (id int PRIMARY KEY); CREATE TABLE down (id int PRIMARY KEY, up int)`
	b := setup(t, "", tables)
	b.target.Exec(t, `CREATE FUNCTION hear() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.heard VALUES (NEW.id); RETURN NEW; END';
		INSERT INTO t VALUES (0, 'x'); CREATE TRIGGER ear AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION hear(); ALTER TABLE down ADD CONSTRAINT chain FOREIGN KEY (up) REFERENCES up ON DELETE CASCADE;
		INSERT INTO up VALUES (1), (2); INSERT INTO down VALUES (1, 1), (2, 2)`)
	b.source.Exec(t, "INSERT INTO t VALUES (0, 'x'), (1, 'a'); INSERT INTO up VALUES (2)")
	for _, c := range []struct{ table, want, heard string }{
		{"{table: public.t, mode: append, cursor: id}", "trigger ear of table public.t on the target would act", "0"},
		{"{table: public.t, mode: append, cursor: id, allow: [ear]}", "", "1"},
		{"{table: public.up, mode: mirror}", "a foreign key of public.down", "1"},
		{"{table: public.up, mode: mirror, allow: [chain]}", "", "1"},
	} {
		b.file = "tables: [" + c.table + "]"
		e := b.one(t)
		if c.want == "" {
			require.True(t, e.Good(), "%s: %s", c.table, e.Err)
		} else {
			require.Equal(t, Failed, e.Verdict, c.table)
			require.Contains(t, e.Err, c.want)
		}
		require.Equal(t, c.heard, b.target.QueryString(t, "SELECT count(*) FROM heard"), c.table)
	}
	require.Equal(t, "2", b.target.QueryString(t, "SELECT string_agg(id::text, ' ') FROM down"))

	// Mirror keeps ordinary triggers from acting, where its role may.
	b.source.Exec(t, "INSERT INTO t VALUES (2, 'b')")
	b.file = "tables: [{table: public.t, mode: mirror}]"
	b.run(t)
	require.Equal(t, "1", b.target.QueryString(t, "SELECT count(*) FROM heard"))
}

// What the file asks for and the catalog has not is a fault of the file, told with its
// line before anything is written.
func TestSyncFaultsOfTheFile(t *testing.T) {
	t.Parallel()
	b := setup(t, "", "CREATE TABLE t (id int PRIMARY KEY, v text, n int UNIQUE); CREATE TABLE bag (a int); CREATE TABLE p (id int) PARTITION BY RANGE (id); CREATE TABLE p1 PARTITION OF p DEFAULT")
	for table, want := range map[string]string{
		"{table: public.gone, mode: mirror}":                         "sync.yaml:2: tables.public.gone: the source has no table public.gone",
		"{table: public.p1, mode: mirror}":                           "is a partition",
		"{table: public.bag, mode: upsert, cursor: a}":               "has no primary key",
		"{table: public.t, mode: append, cursor: none}":              `has no column "none"`,
		"{table: public.t, mode: upsert, cursor: id, key: [n]}":      "(n) is no primary key and no unique constraint",
		"{table: public.t, mode: mirror, columns: [id, nope]}":       "has no column nope",
		"{table: public.t, mode: full, columns: [id], where: 'no('}": "where",
	} {
		b.file = "tables:\n- " + table + "\n- {table: public.bag, mode: mirror}\n"
		if table[:18] == "{table: public.bag" {
			b.file = "tables:\n- " + table + "\n"
		}
		_, err := b.runner(t).Run(t.Context(), Selection{})
		require.ErrorContains(t, err, want, table)
		var fault *jobfile.Error
		if errors.As(err, &fault) {
			require.Equal(t, 2, fault.Line, table)
		}
	}
	require.Equal(t, "0", b.target.QueryString(t, "SELECT count(*) FROM pg_namespace WHERE nspname = '_pg2db9'"), "something was written")

	b.file = "tables: [{table: public.t, mode: mirror, columns: [id, v], where: id < 10}, {table: public.p, mode: upsert, cursor: id, key: [id]}]"
	_, err := b.runner(t).Run(t.Context(), Selection{})
	require.ErrorContains(t, err, "no primary key and no unique constraint")
	b.file = "tables: [{table: public.t, mode: mirror, columns: [id, v], where: id < 10}]"
	b.source.Exec(t, "INSERT INTO t VALUES (1, 'a', 1), (20, 'b', 2)")
	b.target.Exec(t, "ALTER TABLE t DROP n; INSERT INTO t VALUES (1, 'x'), (30, 'y')")
	b.run(t)
	require.Equal(t, "1 a", b.target.QueryString(t, "SELECT string_agg(id || ' ' || v, ',') FROM t"))
}

// An interrupt ends a run between two batches: what is not finished is said to be so,
// and the next run goes on.
func TestSyncStops(t *testing.T) {
	t.Parallel()
	b := setup(t, "tables: [{table: public.a, mode: mirror}, {table: public.b, mode: append, cursor: id}]", "CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY); INSERT INTO a VALUES (0); INSERT INTO b VALUES (0)")
	b.source.Exec(t, "INSERT INTO a SELECT generate_series(1, 50); INSERT INTO b SELECT generate_series(1, 50)")
	stop := make(chan struct{})
	b.faults = &faults{at: func(point string) error {
		if point == "repaired" {
			close(stop)
		}
		return nil
	}}
	runner := b.runner(t)
	runner.p.Stop = stop
	rep, err := runner.Run(t.Context(), Selection{})
	require.NoError(t, err)
	require.True(t, rep.Stopped)
	require.False(t, rep.Good())
	for _, e := range rep.Tables {
		require.Equal(t, Skipped, e.Verdict, "%s: %s", e.Table, e.Err)
	}
	b.same(t, "a")
	require.Equal(t, "1", b.target.QueryString(t, "SELECT count(*) FROM b"))
	b.faults = nil
	b.run(t)
	b.same(t, "a", "b")
}
