package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/ui/report"
)

// ruled is a source with a rule of every kind that a target must keep.
const ruled = `
	CREATE FUNCTION doubled(n numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT n * 2'; CREATE FUNCTION shown(n int) RETURNS int LANGUAGE plpgsql STABLE AS 'BEGIN RETURN n; END';
	CREATE TABLE parents (id int PRIMARY KEY, code text UNIQUE NOT NULL CHECK (code <> ''));
	CREATE TABLE t (
		id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text NOT NULL, parent int REFERENCES parents, n numeric(6,2) DEFAULT 1.5, at timestamptz DEFAULT now(),
		serial serial, low int, high int, twice numeric GENERATED ALWAYS AS (doubled(n)) STORED, odd text,
		CONSTRAINT in_order CHECK (low < high), CONSTRAINT positive CHECK (n > 0), UNIQUE (email) DEFERRABLE INITIALLY DEFERRED);
	CREATE UNIQUE INDEX t_lower ON t (lower(email)); CREATE UNIQUE INDEX t_partial ON t (low, high) WHERE n > 1; CREATE INDEX t_odd ON t (odd DESC NULLS LAST); CREATE INDEX t_gin ON t USING gin (to_tsvector('simple', odd));
	CREATE TABLE "Empty one" (a int PRIMARY KEY, b text NOT NULL);
	CREATE TABLE split (k int, v text, PRIMARY KEY (k)) PARTITION BY RANGE (k);
	CREATE TABLE split_1 PARTITION OF split FOR VALUES FROM (0) TO (100); CREATE TABLE split_2 PARTITION OF split FOR VALUES FROM (100) TO (200);
	CREATE TABLE watched (id serial PRIMARY KEY, v text NOT NULL, parent int REFERENCES parents);
	CREATE TABLE fixed (c character(5) PRIMARY KEY, b bit(3)); CREATE INDEX fixed_b ON fixed (b); INSERT INTO fixed VALUES ('abcde', '101'), ('ab', '001');
	CREATE TABLE log (n int);
	CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO public.log VALUES (1); RETURN NEW; END$$;
	CREATE TRIGGER note BEFORE INSERT OR UPDATE ON watched FOR EACH ROW EXECUTE FUNCTION note();
	CREATE VIEW v AS SELECT id, email FROM t WHERE shown(id) > 0; CREATE MATERIALIZED VIEW mv AS SELECT count(*) AS n FROM t; CREATE UNIQUE INDEX mv_n ON mv (n);
	CREATE FUNCTION total() RETURNS numeric LANGUAGE sql STABLE AS 'SELECT sum(n) FROM public.t';
	INSERT INTO parents SELECT i, 'c' || i FROM generate_series(1, 5) i;
	INSERT INTO t (email, parent, n, low, high, odd) SELECT 'e' || i, 1 + i % 5, i, i, i + 1, 'o' || i FROM generate_series(1, 20) i;
	INSERT INTO split SELECT i * 10, 'v' || i FROM generate_series(1, 15) i; INSERT INTO watched (v, parent) VALUES ('w', 1);`

const rowTaken = "the target took a row that it must refuse (rolled back)"

// behaved are the checks of a report that have a verdict, by kind and object.
func behaved(rep report.Report, verdict string) map[string]string {
	out := map[string]string{}
	for _, c := range rep.Behaviour {
		if c.Verdict == verdict {
			out[c.Kind+" "+c.Object] = c.Detail
		}
	}
	return out
}

// Whatever the target keeps is seen to be kept, nothing that was tried is left
// behind, and each rule that it has lost is named.
func TestVerifyBehaviour(t *testing.T) {
	t.Parallel()
	b := setup(t, ruled)
	b.ok(t, "clone")
	const held = `SELECT (SELECT string_agg(x::text, '|' ORDER BY id) FROM t x) || (SELECT count(*) FROM log) || (SELECT count(*) FROM split) || (SELECT count(*) FROM watched) || (` + positions + `)`
	before := b.target.QueryString(t, held)
	r, rep := b.reported(t, "verify", "--behaviour")
	require.Equal(t, OK, r.code, "%s\n%s", r.err, r.out)
	require.Equal(t, before, b.target.QueryString(t, held), "a try left something behind")
	require.Empty(t, behaved(rep, "mismatch"))
	require.Equal(t, map[string]string{
		"not null public.Empty one.a":                    "the table holds no row to try it with",
		"not null public.Empty one.b":                    "the table holds no row to try it with",
		"unique public.Empty one.Empty one_pkey":         "the table holds no row to try it with: none has a value in its columns",
		"not null public.split.k":                        "each row tried is refused by something else first (SQLSTATE 23514)",
		"unique public.t.t_email_key":                    "each row tried is refused by t_lower first (SQLSTATE 23505)",
		"foreign key public.watched.watched_parent_fkey": "trigger note would act, and what it does beside rows is not taken back",
		"routine public.note()":                          "a trigger alone calls it",
	}, behaved(rep, "skipped"))
	kept := behaved(rep, "match")
	require.Len(t, kept, 51)
	for name, want := range map[string]string{
		"unique public.t.t_pkey": "refused with SQLSTATE 23505", "unique public.t.t_lower": "refused with SQLSTATE 23505", "unique public.split.split_pkey": "refused with SQLSTATE 23505",
		"check public.t.in_order": "refused with SQLSTATE 23514", "not null public.t.email": "refused with SQLSTATE 23502", "foreign key public.t.t_parent_fkey": "refused with SQLSTATE 23503",
		"default public.t.n": "a row that is there got 1.50", "identity public.t.id": "a row that is there got 21", "default public.watched.id": "a copy of a row got 2",
		"generated public.t.twice": "20 rows hold the same", "index public.t_odd": "valid, and a row was found by it", "index public.fixed_pkey": "valid, and a row was found by it", "index public.fixed_b": "valid, and a row was found by it", "index public.t_gin": "valid and ready; no row was looked up by it",
		"view public.v": "20 rows", "materialized view public.mv": "1 rows; 1 on the source since its last REFRESH", "routine public.total()": "both sides answer '210.00'",
	} {
		require.Equal(t, want, kept[name], name)
	}
	require.Contains(t, r.last(), "; 51 checks of behaviour passed, 7 not tried")

	// Each rule that is lost is named, and so is what answers otherwise.
	b.target.Exec(t, `ALTER TABLE t DROP CONSTRAINT positive, DROP CONSTRAINT t_parent_fkey; ALTER TABLE parents DROP CONSTRAINT parents_code_key;
		DROP INDEX t_partial; DROP INDEX t_odd; DROP INDEX t_lower; SELECT setval('t_id_seq', 3);
		CREATE OR REPLACE FUNCTION doubled(n numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT n * 3';
		CREATE OR REPLACE FUNCTION total() RETURNS numeric LANGUAGE sql STABLE AS 'SELECT sum(n) + 1 FROM public.t';
		CREATE OR REPLACE FUNCTION shown(n int) RETURNS int LANGUAGE plpgsql STABLE AS $$BEGIN RAISE EXCEPTION 'broken'; END$$;
		UPDATE pg_index SET indisvalid = false WHERE indexrelid = 't_gin'::regclass`)
	r, rep = b.reported(t, "verify", "--behaviour")
	require.Equal(t, Differences, r.code, "%s\n%s", r.err, r.out)
	require.Equal(t, map[string]string{
		"check public.t.positive": rowTaken, "foreign key public.t.t_parent_fkey": rowTaken, "unique public.parents.parents_code_key": "it is not on the target", "unique public.t.t_partial": "it is not on the target",
		"unique public.t.t_lower": "it is not on the target", "index public.t_lower": "it is not on the target", "index public.t_partial": "it is not on the target",
		"index public.t_odd": "it is not on the target", "index public.parents_code_key": "it is not on the target",
		"index public.t_gin":            "it is not valid: its build did not come to its end; REINDEX it, or drop and create it",
		"generated public.t.twice":      "20 of 20 rows hold another value",
		"identity public.t.id":          `the number that comes next is there already: ERROR: duplicate key value violates unique constraint "t_pkey" (SQLSTATE 23505)`,
		"routine public.shown(integer)": "the target refuses it: ERROR: broken (SQLSTATE P0001)", "routine public.total()": "'210.00' on the source, '211.00' on the target",
		"view public.v": "the target does not answer it: ERROR: broken (SQLSTATE P0001)",
	}, behaved(rep, "mismatch"))
	require.Empty(t, behaved(rep, "errored"))
}

// Through a target with DB9's worst documented side, whose catalog tells little,
// whatever can be tried is, nothing stays, and what cannot be says why.
func TestVerifyBehaviourThroughStandIn(t *testing.T) {
	t.Parallel()
	b := setup(t, `CREATE TABLE parents (id int PRIMARY KEY, code text UNIQUE NOT NULL);
		CREATE TABLE t (id bigserial PRIMARY KEY, parent int REFERENCES parents, n int CHECK (n > 0), v text NOT NULL DEFAULT 'x');
		CREATE UNIQUE INDEX t_n ON t (n); CREATE VIEW v AS SELECT n FROM t;
		CREATE FUNCTION one() RETURNS int LANGUAGE sql STABLE AS 'SELECT 1';
		INSERT INTO parents SELECT i, 'c' || i FROM generate_series(1, 3) i; INSERT INTO t (parent, n) SELECT 1 + i % 3, i FROM generate_series(1, 9) i`)
	sim, db := standIn(t)
	b.target = db
	args := []string{"--source", withPassword(b.source.URL), "--target", sim.URL(), "--probe", "never", "--profile", "db9"}
	r := run(t, append([]string{"clone"}, args...)...)
	require.Equal(t, OK, r.code, "%s\n%s", r.err, r.out)
	rules := func() (result, report.Report) {
		t.Helper()
		js := filepath.Join(t.TempDir(), "r.json")
		r := run(t, append([]string{"verify", "--behavior", "--report", js}, args...)...)
		var rep report.Report
		data, err := os.ReadFile(js)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(data, &rep))
		return r, rep
	}
	r, rep := rules()
	require.Equal(t, OK, r.code, "%s\n%s", r.err, r.out)
	b.same(t, "parents", "t")
	require.Equal(t, "9 true", db.QueryString(t, "SELECT last_value || ' ' || is_called FROM t_id_seq"))
	kept := behaved(rep, "match")
	require.Len(t, kept, 12)
	for name, want := range map[string]string{
		"check public.t.t_n_check": "refused with SQLSTATE 23514", "foreign key public.t.t_parent_fkey": "refused with SQLSTATE 23503", "not null public.t.v": "refused with SQLSTATE 23502",
		"unique public.t.t_n": "refused with SQLSTATE 23505", "unique public.parents.parents_code_key": "refused with SQLSTATE 23505", "view public.v": "9 rows", "routine public.one()": "both sides answer '1'",
	} {
		require.Equal(t, want, kept[name], name)
	}
	skipped := behaved(rep, "skipped")
	require.Equal(t, "the target does not tell whether it is built", skipped["index public.t_n"])
	require.Contains(t, skipped["value public.t.id"], "does not give back a number")
	require.Equal(t, len(rep.Behaviour), len(kept)+len(skipped))

	db.Exec(t, "ALTER TABLE t DROP CONSTRAINT t_n_check, DROP CONSTRAINT t_parent_fkey; DROP INDEX t_n")
	r, rep = rules()
	require.Equal(t, Differences, r.code, "%s\n%s", r.err, r.out)
	require.Equal(t, map[string]string{"foreign key public.t.t_parent_fkey": rowTaken, "unique public.t.t_n": rowTaken}, behaved(rep, "mismatch"))
}
