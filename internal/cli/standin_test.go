package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/db9sim"
	"github.com/pg2db9/pg2db9/internal/pgtest"
	"github.com/pg2db9/pg2db9/internal/ui/report"
)

// standIn is a stand-in with strict rules before an empty database.
func standIn(t *testing.T) (*db9sim.Sim, *pgtest.DB) {
	t.Helper()
	db := pgtest.Server(t).Database(t)
	sim, err := db9sim.Start(t.Context(), db9sim.Config{Backend: db.URL, Rules: db9sim.Strict()})
	require.NoError(t, err)
	t.Cleanup(sim.Close)
	return sim, db
}

// Through a target with DB9's worst documented side rows are read back by
// SELECT, values that it prints in its own way are equal, and every verdict is a
// match.
func TestCloneThroughStandIn(t *testing.T) {
	t.Parallel()
	b := setup(t, shop+`
		CREATE MATERIALIZED VIEW by_state AS SELECT state, count(*) AS n, sum(total) AS total FROM paid GROUP BY state;
		CREATE UNIQUE INDEX by_state_state ON by_state (state);
		CREATE VIEW upon_state AS SELECT n FROM by_state;
		CREATE TABLE printed (a int, b bigint, f double precision, r real, n numeric, m numeric(12,4), t timestamptz, ts timestamp, i interval,
			j jsonb, ta text[], fa double precision[], ia int[], bo boolean, c char(5), mo money, ti time, d date, by bytea, PRIMARY KEY (a, b));
		INSERT INTO printed SELECT i % 3, i, i * 1e15, i / 3.0, i / 10.0, i, '2020-01-01'::timestamptz + i * '1.5 s'::interval, '2020-01-01'::timestamp + i * '1 ms'::interval,
			make_interval(months => i, days => i - 5, secs => i / 1000.0), jsonb_build_object('zz', i / 100.0, 'a', ARRAY['x', NULL, E'q"\\']), ARRAY['a b', NULL, 'x7', E'\\"'],
			ARRAY[i, 1e300, 'NaN'], ARRAY[i, NULL], i % 2 = 0, 'x' || i, i, '04:05:06'::time + i * '1 ms'::interval, '2020-01-01'::date + i, decode(lpad(to_hex(i), 4, '0'), 'hex')
			FROM generate_series(1, 300) i;`)
	sim, _ := standIn(t)
	js := filepath.Join(t.TempDir(), "r.json")
	r := run(t, "clone", "--source", withPassword(b.source.URL), "--target", sim.URL(), "--probe", "never", "--report", js)
	require.Equal(t, OK, r.code, "%s\n%s", r.err, r.out)
	data, err := os.ReadFile(js)
	require.NoError(t, err)
	var rep report.Report
	require.NoError(t, json.Unmarshal(data, &rep))
	require.Len(t, rep.Tables, 5)
	for _, x := range rep.Tables {
		require.Equal(t, "match", x.Verdict, "%s: %s", x.Target, x.Detail)
	}
	require.Len(t, rep.Views, 3)
	for _, x := range rep.Views {
		require.Equal(t, "match", x.Verdict, "%s: %s", x.Target, x.Detail)
		if x.Materialized {
			require.Equal(t, [2]int64{1, 1}, [2]int64{x.SourceRows, x.TargetRows})
		}
	}
}

// What a target changes in silence while it takes rows is found by reading them
// back: elements of arrays that it takes for numbers, where a profile says that
// arrays arrive as they are.
func TestStandInsLossesAreFound(t *testing.T) {
	t.Parallel()
	b := setup(t, `CREATE TABLE a (id int PRIMARY KEY, v text[]); INSERT INTO a VALUES (1, '{a,b}'), (2, '{"007"}');
		CREATE TABLE b (id int PRIMARY KEY, v text[]); INSERT INTO b VALUES (1, '{a,b}');`)
	sim, db := standIn(t)
	profile := filepath.Join(t.TempDir(), "believing.yaml")
	require.NoError(t, os.WriteFile(profile, []byte("arrays: true\n"), 0o600))
	r := run(t, "clone", "--source", withPassword(b.source.URL), "--target", sim.URL(), "--profile", profile)
	require.Equal(t, "{7}", db.QueryString(t, "SELECT v::text FROM a WHERE id = 2"), "the stand-in keeps such elements now: another loss must take its place here")
	require.Equal(t, Differences, r.code, "%s\n%s", r.err, r.out)
	require.Contains(t, r.last(), "verification found differences: public.a (2 rows on both sides, but their contents differ")
	require.NotContains(t, r.last(), "public.b")
}
