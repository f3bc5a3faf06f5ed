package run

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/bench/result"
	"github.com/pg2db9/pg2db9/internal/bench/shape"
	"github.com/pg2db9/pg2db9/internal/db9sim"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// atLength asks for measurements that are long enough to be held to a figure: those of a
// machine that does nothing else.
func atLength() bool { return os.Getenv("BENCH_LONG") != "" }

// throughLink is a database behind a link of the stand-in, without its rules.
func throughLink(t *testing.T, db *pgtest.DB, link db9sim.LinkConfig) string {
	t.Helper()
	sim, err := db9sim.Start(context.WithoutCancel(t.Context()), db9sim.Config{Backend: db.URL, Rules: db9sim.None(), Link: link})
	require.NoError(t, err)
	t.Cleanup(sim.Close)
	return sim.URL()
}

// slowTable makes each row that a measurement sends cost the target work.
const slowTable = `CREATE FUNCTION work() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM count(*) FROM pg_catalog.generate_series(1, 2000); RETURN NEW; END $$;
	CREATE FUNCTION slow() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
		IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() WHERE object_identity = 'pg2db9_bench.rows') THEN
			CREATE TRIGGER work BEFORE INSERT ON pg2db9_bench.rows FOR EACH ROW EXECUTE FUNCTION public.work();
		END IF; END $$;
	CREATE EVENT TRIGGER slow ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION slow()`

// What limits is named in staged cases: a slow source, a slow link to either side,
// a slow target. (Round trips: TestC27RoundTripsAreMeasured. A slow client is staged by the command's test: it takes a
// process of its own.)
func TestLimitIsNamed(t *testing.T) {
	t.Parallel()
	server := pgtest.Server(t)
	lasts := 1200 * time.Millisecond
	if atLength() {
		lasts = 10 * time.Second
	}
	const rows = "CREATE TABLE big (id bigint, t text); INSERT INTO big SELECT n, repeat('x', 100) FROM generate_series(1, 60000) n"
	for name, c := range map[string]struct {
		limit string
		set   func(t *testing.T, p *Params)
	}{
		"slow source": {result.LimitSource, func(t *testing.T, p *Params) {
			t.Helper()
			src := server.Database(t)
			src.Exec(t, rows)
			p.Source, p.Target = endpoint(t, dial.Source, src.URL), endpoint(t, dial.Target, server.Database(t).URL)
			p.slower = func(x *tables) {
				c := &x.plan.Transfers[0].Columns[1]
				c.Select = "CAST(t || CAST((SELECT count(*) FROM pg_catalog.generate_series(1, 2000 + id % 2)) AS text) AS text)"
			}
		}},
		"slow link to the source": {result.LimitNetwork, func(t *testing.T, p *Params) {
			t.Helper()
			src := server.Database(t)
			src.Exec(t, rows)
			p.Source = endpoint(t, dial.Source, throughLink(t, src, db9sim.LinkConfig{TotalRate: 500_000}))
			p.Profile = ddlgen.Postgres()
		}},
		"slow link to the target": {result.LimitNetwork, func(t *testing.T, p *Params) {
			t.Helper()
			p.Target = endpoint(t, dial.Target, throughLink(t, server.Database(t), db9sim.LinkConfig{TotalRate: 500_000}))
			p.Profile.BatchBytes = 100_000
		}},
		"slow target": {result.LimitTarget, func(t *testing.T, p *Params) {
			t.Helper()
			db := server.Database(t)
			db.Exec(t, slowTable)
			p.Target = endpoint(t, dial.Target, db.URL)
			p.Profile.BatchRows = 500
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := params(t, "text")
			p.Size, p.Duration = 0, lasts
			c.set(t, &p)
			p.Grid = OfProfile(p.Profile, 2)
			s, _ := shape.Named("text")
			p.Grid.Shapes = []shape.Shape{s}
			res, err := Run(t.Context(), p)
			require.NoError(t, err)
			if !atLength() && res.Best.Limit == result.LimitClient { // of a machine that does other things too, that is the truth
				t.Log("this machine was too busy to tell what else would limit")
				return
			}
			require.Equal(t, c.limit, res.Best.Limit, "%+v\n%s", res.Cells[0].Runs[0].Waits, res.Text())
			require.Contains(t, res.Text(), "the "+c.limit+" limits")
		})
	}
}

// C27: round trips of 0, 50 and 200 ms (0 and 60 in the short form): they are measured first, what they cost is
// named, and batches under way hide them.
func TestC27RoundTripsAreMeasured(t *testing.T) {
	t.Parallel()
	server := pgtest.Server(t)
	rates := map[time.Duration][2]float64{}
	trips, lasts := []time.Duration{0, 60 * time.Millisecond}, time.Second
	if atLength() {
		trips, lasts = []time.Duration{0, 50 * time.Millisecond, 200 * time.Millisecond}, 5*time.Second
	}
	for _, trip := range trips {
		p := params(t, "narrow")
		p.Profile.BatchRows = 2000
		p.Target = endpoint(t, dial.Target, throughLink(t, server.Database(t), db9sim.LinkConfig{Delay: trip / 2}))
		p.Grid.BatchRows, p.Grid.Jobs, p.Grid.Pipeline = []int64{2000}, []int{1}, []int{1, 8}
		p.Size, p.Duration = 0, lasts
		res, err := Run(t.Context(), p)
		require.NoError(t, err)
		require.GreaterOrEqual(t, res.Target.RoundTrip, float64(trip.Milliseconds()))
		rates[trip] = [2]float64{res.Cells[0].Summary().Rate, res.Cells[1].Summary().Rate}
		if trip > 0 && atLength() { // else other work decides as much as the link
			require.Less(t, res.Target.RoundTrip, float64(trip.Milliseconds())+50)
			require.Equal(t, result.LimitNetwork, res.Cells[0].Summary().Waits.Limit())
			require.Equal(t, 8, res.Best.Settings.Pipeline)
		}
	}
	if !atLength() {
		return
	}
	for i, trip := range trips[1:] {
		require.Less(t, rates[trip][0], rates[trips[i]][0], "%v", rates)
	}
	far := rates[trips[len(trips)-1]]
	require.Greater(t, far[1], 2*far[0], "%v", rates)
}

// C25: ordered key ranges and scattered keys, by one stream and by several, with
// the key in place and after: all are measured, and the best is named over both
// orders.
func TestC25OrdersAndKeys(t *testing.T) {
	t.Parallel()
	p := params(t, "narrow")
	p.Target = endpoint(t, dial.Target, pgtest.Server(t).Database(t).URL)
	p.Size = 2 << 20
	p.Grid.Jobs, p.Grid.Orders, p.Grid.PrimaryKey = []int{1, 4}, []shape.Order{shape.OrderKey, shape.OrderRandom}, []string{KeyInline, KeyAfter}
	res, err := Run(t.Context(), p)
	require.NoError(t, err)
	require.Len(t, res.Cells, 8)
	for _, c := range res.Cells {
		sane(t, c, 1)
		require.Equal(t, c.Settings.PrimaryKey == KeyAfter, c.Runs[0].KeySeconds > 0)
	}
	require.Contains(t, []string{KeyInline, KeyAfter}, res.Best.Settings.PrimaryKey)
	require.Empty(t, res.Best.Settings.Order, "an order is no choice: the rows have it")
	require.Contains(t, res.Best.Reasons[0], "the slowest of 4 settings")
}
