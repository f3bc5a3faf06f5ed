package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/ui/report"
)

// viewed is a source with views upon views, materialized ones among them, one
// whose rows are older than those that it reads.
const viewed = `CREATE TABLE sales (id int PRIMARY KEY, day date NOT NULL, amount numeric(10,2));
	INSERT INTO sales SELECT i, '2024-01-01'::date + i % 5, i FROM generate_series(1, 20) i;
	CREATE VIEW c_days AS SELECT day, sum(amount) AS total FROM sales GROUP BY day;
	CREATE MATERIALIZED VIEW b_best AS SELECT day, total FROM c_days WHERE total > 40;
	CREATE UNIQUE INDEX b_best_day ON b_best (day);
	CREATE VIEW a_named AS SELECT day::text || '!' AS name FROM b_best;
	CREATE MATERIALIZED VIEW a_stored AS SELECT name FROM a_named;
	CREATE MATERIALIZED VIEW older AS SELECT id FROM sales;
	CREATE MATERIALIZED VIEW empty AS SELECT id FROM sales WITH NO DATA;
	INSERT INTO sales SELECT i, '2023-01-01', 1 FROM generate_series(21, 23) i;`

// reported runs a command and reads its report.
func (b *bundle) reported(t *testing.T, command string, args ...string) (result, report.Report) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "r.json")
	r := b.run(t, command, append(args, "--report", file)...)
	data, err := os.ReadFile(file)
	require.NoError(t, err, r.err)
	var rep report.Report
	require.NoError(t, json.Unmarshal(data, &rep))
	return r, rep
}

func viewsOf(rep report.Report) map[string]report.View {
	out := map[string]report.View{}
	for _, v := range rep.Views {
		out[v.Target] = v
	}
	return out
}

// T22: views and materialized views are made by dependency, filled once and in
// order, proved and counted, under both profiles. Rows that are older on the
// source than what they were made of are no difference, and are told of.
func TestCloneViews(t *testing.T) {
	t.Parallel()
	for _, profile := range []string{"postgres", "db9"} {
		t.Run(profile, func(t *testing.T) {
			t.Parallel()
			b := setup(t, viewed)
			r, rep := b.reported(t, "clone", "--profile", profile)
			require.Equal(t, OK, r.code, "%s\n%s", r.err, r.out)
			require.Contains(t, r.last(), ", 6 views;")
			b.same(t, "sales", "c_days", "a_stored", "b_best", "a_named")
			views := viewsOf(rep)
			require.Len(t, views, 6)
			for _, v := range views {
				require.Equal(t, "match", v.Verdict, v.Detail)
			}
			require.Equal(t, [2]int64{20, 23}, [2]int64{views["public.older"].SourceRows, views["public.older"].TargetRows})
			require.Contains(t, views["public.older"].Detail, "since its last REFRESH")
			require.Contains(t, strings.Join(rep.Notes, "\n"), "materialized view public.older has 23 rows on the target and 20 on the source")
			require.Equal(t, views["public.b_best"].SourceRows, views["public.b_best"].TargetRows)
			require.Equal(t, int64(report.Uncounted), views["public.empty"].TargetRows)
			require.Equal(t, "f", b.target.QueryString(t, "SELECT relispopulated FROM pg_class WHERE relname = 'empty'"))
			require.Equal(t, "t", b.target.QueryString(t, "SELECT indisunique FROM pg_index WHERE indexrelid = 'b_best_day'::regclass"))

			r, rep = b.reported(t, "verify", "--profile", profile)
			require.Equal(t, OK, r.code, "%s\n%s", r.err, r.out)
			require.Equal(t, int64(20), viewsOf(rep)["public.older"].SourceRows)

			// Once more over the whole: what stands there is dropped in an order that works, or kept.
			b.source.Exec(t, "INSERT INTO sales VALUES (100, '2025-01-01', 1000)")
			b.ok(t, "clone", "--profile", profile, "--on-existing", "drop")
			require.Equal(t, "24", b.target.QueryString(t, "SELECT count(*) FROM older"))
			b.source.Exec(t, "INSERT INTO sales VALUES (101, '2025-01-02', 1000)")
			b.ok(t, "clone", "--profile", profile, "--on-existing", "truncate")
			require.Equal(t, "25", b.target.QueryString(t, "SELECT count(*) FROM older"), "it is filled anew")
		})
	}
}

// What is missing or other on the target is a difference, and named.
func TestVerifyFindsViews(t *testing.T) {
	t.Parallel()
	for _, profile := range []string{"postgres", "db9"} {
		t.Run(profile, func(t *testing.T) {
			t.Parallel()
			b := setup(t, viewed)
			b.ok(t, "clone", "--profile", profile)
			if profile == "db9" { // of a PostgreSQL a statement that succeeded is believed
				b.target.Exec(t, "DROP INDEX b_best_day")
				r, rep := b.reported(t, "verify", "--profile", profile)
				require.Equal(t, Differences, r.code, "%s\n%s", r.err, r.out)
				require.Equal(t, "index b_best_day: expected index, found none", viewsOf(rep)["public.b_best"].Detail)
			}
			for _, c := range []struct{ sql, view, detail string }{
				{"DROP MATERIALIZED VIEW a_stored", "public.a_stored", "it is not on the target"},
				{"DROP VIEW a_named", "public.a_named", "it is not on the target"},
				{"REFRESH MATERIALIZED VIEW older WITH NO DATA", "public.older", "not been populated"},
				{"DROP MATERIALIZED VIEW b_best; DROP VIEW c_days; CREATE VIEW c_days AS SELECT day, 1::bigint AS total FROM sales", "public.c_days", "type of column total: expected numeric, found bigint"},
				{"DROP VIEW c_days; CREATE VIEW c_days AS SELECT sum(amount) AS total, day FROM sales GROUP BY day", "public.c_days", "position"},
				{"DROP VIEW c_days; CREATE VIEW c_days AS SELECT day FROM sales", "public.c_days", "column total (numeric) is not on the target"},
			} {
				b.target.Exec(t, c.sql)
				r, rep := b.reported(t, "verify", "--profile", profile)
				require.Equal(t, Differences, r.code, "%s\n%s", r.err, r.out)
				require.Equal(t, "mismatch", viewsOf(rep)[c.view].Verdict, c.sql)
				require.Contains(t, viewsOf(rep)[c.view].Detail, c.detail)
			}
		})
	}
}

// A view that the target refuses stops nothing but what needs it: the run is
// partial, and goes on from there.
func TestRefusedView(t *testing.T) {
	t.Parallel()
	b := setup(t, viewed)
	b.target.Exec(t, `CREATE FUNCTION public.refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
		IF to_regclass('public.c_days') IS NOT NULL THEN RAISE EXCEPTION 'not this one'; END IF; END $$;
		CREATE EVENT TRIGGER refuse ON ddl_command_end WHEN TAG IN ('CREATE VIEW') EXECUTE FUNCTION public.refuse();`)
	r, rep := b.reported(t, "clone")
	require.Equal(t, Partial, r.code, "%s\n%s", r.err, r.out)
	status := map[string]string{}
	for _, s := range rep.Statements {
		status[s.ID] = s.Status + ": " + s.Reason
	}
	require.Contains(t, status["views/public.c_days"], "failed: ERROR: not this one")
	require.Equal(t, "skipped: it needs views/public.c_days, which failed", status["views/public.b_best"])
	require.Contains(t, status["indexes/public.b_best/b_best_day"], "skipped")
	require.Equal(t, "skipped: it was not created", status["refresh/public.b_best"])
	require.NotContains(t, status, "refresh/public.older")
	views := viewsOf(rep)
	require.Len(t, views, 2, "those that could not be made are no verdict")
	require.Equal(t, "match", views["public.older"].Verdict)
	require.Equal(t, int64(23), views["public.older"].TargetRows)

	b.target.Exec(t, "DROP EVENT TRIGGER refuse; DROP FUNCTION public.refuse()")
	b.ok(t, "schema", "--apply", "post-data")
	b.ok(t, "verify")
	b.same(t, "a_stored", "c_days")
}

// A materialized view is not filled from a table that lacks rows.
func TestViewOfAnIncompleteTable(t *testing.T) {
	t.Parallel()
	b := setup(t, viewed)
	b.target.Exec(t, `CREATE FUNCTION public.downgrade() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
		IF (SELECT atttypid = 'numeric'::regtype FROM pg_attribute WHERE attrelid = to_regclass('public.sales') AND attname = 'amount') THEN
			ALTER TABLE public.sales ALTER amount TYPE double precision;
		END IF; END $$;
		CREATE EVENT TRIGGER downgrade ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION public.downgrade();`)
	r, rep := b.reported(t, "clone", "--profile", "db9")
	require.Equal(t, Partial, r.code, "%s\n%s", r.err, r.out)
	for _, s := range rep.Statements {
		if s.ID == "refresh/public.older" {
			require.Equal(t, "the rows of public.sales, which it reads, are not all there", s.Reason)
			return
		}
	}
	require.Fail(t, "the refresh was not skipped")
}

// N7: a view of more than a mebibyte arrives whole.
func TestViewOfAMebibyte(t *testing.T) {
	t.Parallel()
	b := setup(t, "CREATE TABLE t (a int PRIMARY KEY); CREATE VIEW long AS SELECT a, '"+strings.Repeat("long ", 250_000)+"'::text AS b, 'the end'::text AS z FROM t")
	b.ok(t, "clone")
	md5 := "SELECT md5(pg_get_viewdef('long'::regclass))"
	require.Equal(t, b.source.QueryString(t, md5), b.target.QueryString(t, md5))
}

// T22: a materialized view over routines, one with a search_path of its own; one
// that only works with the caller's is a failure that is listed, and stops
// nothing else.
func TestViewsOverRoutines(t *testing.T) {
	t.Parallel()
	b := setup(t, `CREATE SCHEMA app; CREATE TABLE app.rates (r numeric); INSERT INTO app.rates VALUES (2);
		CREATE TABLE public.t (id int PRIMARY KEY); INSERT INTO public.t SELECT generate_series(1, 5);
		CREATE FUNCTION app.inner_rate() RETURNS numeric LANGUAGE sql STABLE SET search_path = app AS 'SELECT max(r) FROM rates';
		CREATE FUNCTION app.rate() RETURNS numeric LANGUAGE plpgsql STABLE AS 'BEGIN RETURN app.inner_rate(); END';
		CREATE MATERIALIZED VIEW public.a_rated AS SELECT id * app.rate() AS v FROM public.t;
		CREATE FUNCTION app.loose() RETURNS numeric LANGUAGE plpgsql STABLE AS 'BEGIN RETURN (SELECT max(r) FROM rates); END';
		SET search_path = app, public;
		CREATE MATERIALIZED VIEW public.b_loose AS SELECT id * app.loose() AS v FROM public.t;`)
	r, rep := b.reported(t, "clone")
	require.Equal(t, Partial, r.code, "%s\n%s", r.err, r.out)
	require.Len(t, rep.Statements, 1)
	require.Equal(t, "refresh/public.b_loose", rep.Statements[0].ID)
	require.Contains(t, rep.Statements[0].Reason, `relation "rates" does not exist`)
	b.same(t, "public.a_rated")
	views := viewsOf(rep)
	require.Equal(t, [2]int64{5, 5}, [2]int64{views["public.a_rated"].SourceRows, views["public.a_rated"].TargetRows})
	require.Equal(t, "match", views["public.b_loose"].Verdict, "its definition")
}

// Views over a renamed table, in a renamed schema, are the same by
// other names: counted under their own on each side.
func TestMappedViews(t *testing.T) {
	t.Parallel()
	b := setup(t, "CREATE SCHEMA app; SET search_path = app;"+viewed)
	m := mappingFile(t, "schemas:\n  app: shop\ntables:\n  app.sales:\n    name: purchases\n")
	r, rep := b.reported(t, "clone", "--mapping", m)
	require.Equal(t, OK, r.code, "%s\n%s", r.err, r.out)
	views := viewsOf(rep)
	require.Len(t, views, 6, r.out)
	require.Equal(t, [2]int64{20, 23}, [2]int64{views["shop.older"].SourceRows, views["shop.older"].TargetRows})
	require.Equal(t, "app.older", views["shop.older"].Source)
	sum := b.source.QueryString(t, "SELECT sum(total) FROM app.c_days")
	require.Equal(t, sum, b.target.QueryString(t, "SELECT sum(total) FROM shop.c_days"))
}
