package sync

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const refusedTables = `
	CREATE TABLE t1 (id int PRIMARY KEY, v text, n int UNIQUE, j json, b bool, w int NOT NULL UNIQUE);
	CREATE TABLE t2 (LIKE t1 INCLUDING ALL); CREATE TABLE t3 (LIKE t1 INCLUDING ALL); CREATE TABLE t4 (LIKE t1 INCLUDING ALL);
	CREATE TABLE t5 (LIKE t1 INCLUDING ALL); CREATE TABLE t6 (LIKE t1 INCLUDING ALL); CREATE TABLE t7 (LIKE t1 INCLUDING ALL);
	CREATE TABLE loose (id int PRIMARY KEY); CREATE TABLE bag1 (a int); CREATE TABLE bag2 (a int);
	CREATE TABLE watched (id int PRIMARY KEY, v text, code int UNIQUE NOT NULL); CREATE TABLE ruled (id int PRIMARY KEY); CREATE TABLE firm (id int PRIMARY KEY);
	CREATE TABLE up (id int PRIMARY KEY, code int UNIQUE NOT NULL); CREATE TABLE down (id int PRIMARY KEY, code int)`

const refusedTargets = `
	ALTER TABLE loose DROP CONSTRAINT loose_pkey; INSERT INTO loose VALUES (7), (7);
	CREATE FUNCTION noisy() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''fired''; END';
	CREATE TRIGGER ear BEFORE INSERT OR UPDATE OR DELETE ON watched FOR EACH ROW EXECUTE FUNCTION noisy();
	CREATE TRIGGER always BEFORE INSERT OR UPDATE OR DELETE ON firm FOR EACH ROW EXECUTE FUNCTION noisy(); ALTER TABLE firm ENABLE ALWAYS TRIGGER always;
	CREATE RULE nothing AS ON INSERT TO ruled DO INSTEAD NOTHING;
	ALTER TABLE down ADD CONSTRAINT follows FOREIGN KEY (code) REFERENCES up (code) ON UPDATE CASCADE`

// refusal is a table of a job file, and what is said of it.
type refusal struct{ table, want string }

// What the file asks for and its table cannot have is told with the line, all of it at
// once, before anything is written.
func TestSyncRefusesTheFile(t *testing.T) {
	t.Parallel()
	b := setup(t, "", refusedTables)
	list := []refusal{
		{"t1, mode: upsert, cursor: j", `tables.public.t1.cursor: column "j" of public.t1 is json, of which there is no largest value`},
		{"t2, mode: append, cursor: b", `tables.public.t2.cursor: column "b" of public.t2 is boolean, of which there is no largest value`},
		{"t3, mode: upsert, cursor: id, key: [n]", "tables.public.t3.key: (n) is no primary key and no unique constraint"}, // it may be NULL
		{"t4, mode: upsert, cursor: id, key: [v]", "tables.public.t4.key: (v) is no primary key and no unique constraint"},
		{"t5, mode: upsert, cursor: id, key: [w], deletes: digest", "tables.public.t5.deletes: deleted rows are found by the table's own key (id)"},
		{"t6, mode: mirror, key: [w]", "tables.public.t6.key: mirror compares by the key that the table has (id), not by another"},
		{"t7, mode: append, cursor: nope", `tables.public.t7.cursor: public.t7 has no column "nope"`},
		{"bag1, mode: append, cursor: a", "tables.public.bag1.mode: public.bag1 has no primary key"},
		{"bag2, mode: upsert, cursor: a", "tables.public.bag2.mode: public.bag2 has no primary key"},
		{"watched, mode: mirror, columns: [id, gone]", "tables.public.watched.columns.gone: public.watched has no column gone"},
		{"gone, mode: full", "tables.public.gone: the source has no table public.gone"},
	}
	b.file = jobOf(list)
	_, err := b.runner(t).Run(t.Context(), Selection{})
	for i, c := range list {
		require.ErrorContains(t, err, c.want)
		require.Regexp(t, fmt.Sprintf(`sync\.yaml:%d(:\d+)?: %s`, i+2, regexp.QuoteMeta(c.want)), err.Error())
	}
	require.Equal(t, "0", b.target.QueryString(t, "SELECT count(*) FROM pg_namespace WHERE nspname = '_pg2db9'"), "something was written")
}

// jobOf is a job file with a table a line, from the second on.
func jobOf(list []refusal) string {
	text := "tables:\n"
	for _, c := range list {
		text += "- {table: public." + c.table + "}\n"
	}
	return text
}

// What stands on the target in a mode's way is told of the table, with the reason and
// what to do, and its rows stay as they are.
func TestSyncRefusesTheTarget(t *testing.T) {
	t.Parallel()
	b := setup(t, "", refusedTables)
	b.target.Exec(t, refusedTargets)
	b.source.Exec(t, "INSERT INTO watched (id, code) VALUES (1, 1); INSERT INTO up VALUES (1, 1), (2, 2); INSERT INTO ruled VALUES (1); INSERT INTO firm VALUES (1); INSERT INTO loose VALUES (1)")
	b.target.Exec(t, "INSERT INTO up VALUES (1, 7)")
	const sums = `SELECT (SELECT count(*) FROM loose) || ' ' || (SELECT count(*) FROM watched) || ' ' || (SELECT count(*) FROM ruled)
		|| ' ' || (SELECT count(*) FROM firm) || ' ' || (SELECT count(*) || ' ' || sum(code) FROM up)`
	before := b.target.QueryString(t, sums)
	for _, list := range [][]refusal{{
		{"loose, mode: upsert, cursor: id", "table public.loose on the target has no unique index of (id), by which rows are known again: make one"},
		{"watched, mode: append, cursor: id", "trigger ear of table public.watched on the target would act on the rows that are written: disable it, or name it under allow"},
		{"ruled, mode: append, cursor: id", "rule nothing of table public.ruled on the target would act"},
		{"firm, mode: mirror", "trigger always of table public.firm on the target would act"},
		{"up, mode: upsert, cursor: id", "foreign key follows of public.down would change rows there when rows of public.up are updated: name it under allow"},
	}, {
		{"loose, mode: append, cursor: id", "has no unique index of (id)"},
		{"watched, mode: upsert, cursor: id, key: [code]", "trigger ear"},
		{"ruled, mode: full", "it has a rule"},
		{"up, mode: full", "foreign key follows of public.down refers to table public.up"},
	}} {
		b.file = jobOf(list)
		rep, err := b.runner(t).Run(t.Context(), Selection{})
		require.NoError(t, err)
		for _, c := range list {
			name, _, _ := strings.Cut(c.table, ",")
			require.Equal(t, Failed, entry(t, rep, name).Verdict, c.table)
			require.Contains(t, entry(t, rep, name).Err, c.want)
		}
	}
	require.Equal(t, before, b.target.QueryString(t, sums), "something was written")
}

// What a swap cannot keep is a reason not to begin it, and is named.
func TestSwapRefusals(t *testing.T) {
	t.Parallel()
	b := setup(t, "tables: [{table: public.t, mode: full}]", "CREATE TABLE t (id int PRIMARY KEY, v int)")
	b.source.Exec(t, "INSERT INTO t VALUES (1, 1)")
	b.target.Exec(t, "INSERT INTO t VALUES (7, 7)")
	for _, c := range []struct{ make, undo, want string }{
		{"CREATE MATERIALIZED VIEW m AS SELECT * FROM t", "DROP MATERIALIZED VIEW m", "materialized view public.m reads it"},
		{"ALTER TABLE t ENABLE ROW LEVEL SECURITY", "ALTER TABLE t DISABLE ROW LEVEL SECURITY", "it has row-level security"},
		{"CREATE STATISTICS st ON id, v FROM t", "DROP STATISTICS st", "it has extended statistics (st)"},
		{"CREATE PUBLICATION p_" + b.target.Name + " FOR TABLE t", "DROP PUBLICATION p_" + b.target.Name, "it is in a publication"},
		{"CREATE TABLE kid () INHERITS (t)", "DROP TABLE kid", "it inherits, or others inherit from it"},
		{"ALTER TABLE t ADD CONSTRAINT self FOREIGN KEY (v) REFERENCES t", "ALTER TABLE t DROP CONSTRAINT self", "foreign key self refers from it to itself"},
		{"CREATE FUNCTION f(t) RETURNS int LANGUAGE sql AS 'SELECT 1'", "DROP FUNCTION f(t)", "function public.f(public.t) depends on it"},
		{"CREATE TABLE typed (x t)", "DROP TABLE typed", "depends on it"},
		{"ALTER TABLE t REPLICA IDENTITY NOTHING", "ALTER TABLE t REPLICA IDENTITY DEFAULT", "it has a replica identity of its own"},
		{"CLUSTER t USING t_pkey", "ALTER TABLE t SET WITHOUT CLUSTER", "index t_pkey is clustered on"},
	} {
		b.target.Exec(t, c.make)
		e := b.one(t)
		require.Equal(t, Failed, e.Verdict, c.make)
		require.Contains(t, e.Err, "table public.t cannot be swapped for another: ", c.make)
		require.Contains(t, e.Err, c.want, c.make)
		require.Contains(t, e.Err, "use mode mirror or upsert", c.make)
		require.Equal(t, "7", b.target.QueryString(t, "SELECT string_agg(id::text, ' ') FROM ONLY t"), c.make)
		b.target.Exec(t, c.undo)
	}
	b.run(t) // the reasons are gone
	b.same(t, "t")
}
