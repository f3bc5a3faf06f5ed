package run

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/bench/result"
	"github.com/pg2db9/pg2db9/internal/bench/shape"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func endpoint(t *testing.T, side dial.Side, url string) *dial.Endpoint {
	t.Helper()
	e, err := dial.Parse(side, url)
	require.NoError(t, err)
	return e
}

// params measure made rows of a shape under the profile of a PostgreSQL.
func params(t *testing.T, shapes ...string) Params {
	t.Helper()
	p := Params{
		Profile: ddlgen.Postgres(), Grid: OfProfile(ddlgen.Postgres(), 2), Size: 1 << 20, Repeat: 1, Seed: 1, Program: "test",
		Ask: func(int64) error { return errors.New("asked") },
		Say: func(text string) { t.Log(text) },
	}
	for _, name := range shapes {
		s, ok := shape.Named(name)
		require.True(t, ok)
		p.Grid.Shapes = append(p.Grid.Shapes, s)
	}
	return p
}

// everything that stands in a database and is no system's.
const everything = `SELECT coalesce(string_agg(n.nspname || '.' || coalesce(c.relname, ''), ' ' ORDER BY 1), '') FROM pg_namespace n LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relkind IN ('r', 'v', 'S')
	WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\_t%'`

const noTrace = "public."

// sane requires that a cell's numbers can be.
func sane(t *testing.T, c result.Cell, repeats int) {
	t.Helper()
	require.Len(t, c.Runs, repeats)
	for _, r := range c.Runs {
		require.Positive(t, r.Rate, "%s", c.Settings)
		require.Positive(t, r.RowRate)
		require.Positive(t, r.Rows)
		require.Positive(t, r.Batches)
		require.Positive(t, r.Seconds)
		require.Zero(t, r.Retries)
		require.LessOrEqual(t, r.Latency.P50, r.Latency.P95)
		require.LessOrEqual(t, r.Latency.P95, r.Latency.P99)
		w := r.Waits
		if w.Limit() == result.LimitUnknown {
			require.Less(t, r.Seconds, 0.1, "a run that lasted was looked at")
			continue
		}
		require.InDelta(t, 1, w.Source+w.Network+w.Target+w.Client+w.Other, 0.001, "%+v", w)
		var n int64
		for _, b := range r.Latency.Of {
			n += b.Count
		}
		require.Equal(t, r.Batches, n)
	}
}

// U13: a source alone, a target alone and both are measured at 1, 4 and 16
// streams, as is the program by itself; nothing is left behind.
func TestU13SourceTargetAndBoth(t *testing.T) {
	t.Parallel()
	server := pgtest.Server(t)
	source, target := server.Database(t), server.Database(t)
	source.Exec(t, `CREATE TYPE mood AS ENUM ('good', 'bad'); CREATE TABLE big (id bigint PRIMARY KEY, m mood, t text, n numeric(10,2));
		INSERT INTO big SELECT n, 'bad', repeat('x', 200), n / 3.0 FROM generate_series(1, 20000) n; CREATE TABLE none (a int); CREATE TABLE "Odd name" ("a b" int); INSERT INTO "Odd name" VALUES (1), (NULL)`)
	for kind, set := range map[string]func(p *Params){
		result.KindSource: func(p *Params) { p.Source = endpoint(t, dial.Source, source.URL) },
		result.KindTarget: func(p *Params) { p.Target = endpoint(t, dial.Target, target.URL) },
		result.KindNone:   func(p *Params) { p.Size = 50 << 20 },
		result.KindBoth: func(p *Params) {
			p.Source, p.Target = endpoint(t, dial.Source, source.URL), endpoint(t, dial.Target, target.URL)
		},
	} {
		p := params(t, "narrow")
		p.Size, p.Grid.Jobs = 4<<20, []int{1, 4, 16}
		if kind == result.KindBoth || kind == result.KindSource {
			p.Size = 0
			p.Duration = time.Minute // they end by themselves
		}
		set(&p)
		res, err := Run(t.Context(), p)
		require.NoError(t, err, kind)
		require.Equal(t, kind, res.Kind)
		if kind == result.KindBoth {
			require.EqualValues(t, 20_002, res.Cells[0].Runs[0].Rows)
		}
		require.Len(t, res.Cells, 3, kind)
		for _, c := range res.Cells {
			sane(t, c, 1)
		}
		require.NotNil(t, res.Best)
		require.Equal(t, kind == result.KindTarget, len(res.Ceilings) == 1, kind)
		if p.Target != nil {
			require.Positive(t, res.Target.RoundTrip)
			require.Greater(t, res.Target.Connect, res.Target.RoundTrip)
			require.Contains(t, res.Target.Version, "PostgreSQL")
		}
	}
	require.Equal(t, noTrace, target.QueryString(t, everything))
}

// After a failure, and after an end in the middle, the target is as it was; one
// that has a ledger keeps it, without the measurement's runs.
func TestNothingIsLeft(t *testing.T) {
	t.Parallel()
	server := pgtest.Server(t)
	for name, ending := range map[string]func(t *testing.T, db *pgtest.DB, p *Params) context.Context{
		"failure": func(t *testing.T, db *pgtest.DB, _ *Params) context.Context {
			t.Helper()
			// The second table cannot be made.
			db.Exec(t, `CREATE FUNCTION refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
				IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() WHERE object_identity = 'pg2db9_bench.rows') AND nextval('public.tries') > 1 THEN RAISE 'no room'; END IF; END $$;
				CREATE SEQUENCE tries; CREATE EVENT TRIGGER refuse ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION refuse()`)
			return t.Context()
		},
		"interrupt": func(t *testing.T, _ *pgtest.DB, p *Params) context.Context {
			t.Helper()
			ctx, cancel := context.WithCancelCause(t.Context())
			p.Size, p.Duration, p.Repeat = 0, 300*time.Millisecond, 1000
			p.Say = func(string) { time.AfterFunc(100*time.Millisecond, func() { cancel(errors.New("interrupted")) }) }
			return ctx
		},
		"a refusal": func(t *testing.T, _ *pgtest.DB, p *Params) context.Context {
			t.Helper()
			p.Size = 6_000_000_000
			p.Repeat = 2
			return t.Context()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := server.Database(t)
			p := params(t, "narrow")
			p.Target, p.Repeat = endpoint(t, dial.Target, db.URL), 3
			ctx := ending(t, db, &p)
			before := db.QueryString(t, everything)
			res, err := Run(ctx, p)
			require.Error(t, err)
			require.ErrorContains(t, err, map[string]string{"failure": "no room", "interrupt": "interrupted", "a refusal": "asked"}[name])
			require.Equal(t, before, db.QueryString(t, everything))
			if name == "a refusal" {
				require.Empty(t, res.Cells)
			} else {
				require.Len(t, res.Cells[0].Runs, 1, "what was measured before is kept")
			}
		})
	}
}

// A schema that is no measurement's is not touched, by a measurement nor by its
// cleaning; nor is a ledger that was there.
func TestOthersAreNotTouched(t *testing.T) {
	t.Parallel()
	server := pgtest.Server(t)
	db := server.Database(t)
	db.Exec(t, "CREATE SCHEMA pg2db9_bench; CREATE TABLE pg2db9_bench.rows (mine int); INSERT INTO pg2db9_bench.rows VALUES (7)")
	p := params(t, "narrow")
	p.Target = endpoint(t, dial.Target, db.URL)
	_, err := Run(t.Context(), p)
	require.ErrorContains(t, err, "schema pg2db9_bench is on the target already")
	conn := db.Conn(t)
	_, err = Clean(t.Context(), conn)
	require.ErrorContains(t, err, "is no measurement's")
	require.Equal(t, "7", db.QueryString(t, "SELECT mine FROM pg2db9_bench.rows"))

	other := server.Database(t)
	src := server.Database(t)
	src.Exec(t, "CREATE TABLE t (a int); INSERT INTO t VALUES (1)")
	// A ledger of somebody's own run.
	both := params(t)
	both.Source, both.Target, both.Duration, both.Size = endpoint(t, dial.Source, src.URL), endpoint(t, dial.Target, other.URL), time.Minute, 0
	both.Filter = catalog.Filter{}
	other.Exec(t, "CREATE SCHEMA IF NOT EXISTS _pg2db9")
	_, err = Run(t.Context(), both)
	require.NoError(t, err)
	require.Contains(t, other.QueryString(t, everything), "_pg2db9.run", "the ledger's schema was there")
	require.NotContains(t, other.QueryString(t, everything), "pg2db9_bench")
	require.Equal(t, "0", other.QueryString(t, "SELECT (SELECT count(*) FROM _pg2db9.run) + (SELECT count(*) FROM _pg2db9.part) + (SELECT count(*) FROM _pg2db9.span) + (SELECT count(*) FROM _pg2db9.session)"))
}

// What a measurement that was killed has left is removed, but not while one is at
// work.
func TestCleanAfterAKill(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	target := endpoint(t, dial.Target, db.URL)
	conn := db.Conn(t)
	box, err := openSandbox(t.Context(), target, ddlgen.Postgres())
	require.NoError(t, err)
	m := &measurement{
		p: params(t, "narrow"), res: &result.Result{}, target: target, box: box,
		shapes: map[string]shape.Shape{"narrow": params(t, "narrow").Grid.Shapes[0]}, makers: map[string]*shape.Maker{},
	}
	s := result.Settings{Jobs: 1, Pipeline: 64, PrimaryKey: KeyInline, Order: "key", Shape: "narrow"}
	require.NoError(t, m.create(t.Context(), s, true))
	_, err = Clean(t.Context(), conn)
	require.ErrorContains(t, err, "a measurement is at work")
	require.NoError(t, box.conn.Close(t.Context())) // as a kill does, with all that stands
	c, err := Clean(t.Context(), conn)
	require.NoError(t, err)
	require.True(t, c.Schema)
	require.Equal(t, noTrace, db.QueryString(t, everything))
	c, err = Clean(t.Context(), conn)
	require.NoError(t, err)
	require.Equal(t, &Cleaned{Runs: []string{}}, c)
}
