package run

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/bench/result"
	"github.com/pg2db9/pg2db9/internal/bench/shape"
	"github.com/pg2db9/pg2db9/internal/bench/sim"
	"github.com/pg2db9/pg2db9/internal/db9sim"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// What the copy on paper foretells is what is measured, within 15 %: over a link
// with a rate for each connection and one for all, awaited and not, by one job and
// by several. What it is told of the link is the link's, of the run what a
// run of next to nothing takes. (In the short form within 30 %: a busy machine
// adds to seconds, not to minutes.)
func TestForetoldIsMeasured(t *testing.T) {
	t.Parallel()
	server := pgtest.Server(t)
	link := db9sim.LinkConfig{Delay: 10 * time.Millisecond, Rate: 1_500_000, TotalRate: 4_000_000}
	size, batch, within, jobs := int64(3<<20), int64(128<<10), 0.30, map[bool][]int{false: {1, 4}, true: {4}} // by whether answers are awaited
	if os.Getenv("BENCH_LONG") != "" {
		size, batch, within = 40<<20, 512<<10, 0.15
		jobs = map[bool][]int{false: {1, 2, 4, 8}, true: {1, 2, 4, 8}}
	}
	s, _ := shape.Named("text")
	for _, await := range []bool{false, true} {
		p := params(t)
		p.Grid.Shapes = []shape.Shape{s}
		p.Profile.BatchBytes, p.Profile.Await = batch, await
		p.Target = endpoint(t, dial.Target, throughLink(t, server.Database(t), link))
		p.Grid = OfProfile(p.Profile, 1)
		p.Grid.Jobs, p.Grid.Shapes = jobs[await], []shape.Shape{s}
		// A copy of next to nothing tells what a run takes beside its rows: connections,
		// the end of the load, the look at the ledger.
		p.Size = 1
		least, err := Run(t.Context(), p)
		require.NoError(t, err)
		p.Size = size
		res, err := Run(t.Context(), p)
		require.NoError(t, err)
		fixed := map[int]result.Run{}
		for _, c := range least.Cells {
			fixed[c.Settings.Jobs] = c.Runs[0]
		}
		for _, c := range res.Cells {
			r := c.Runs[0]
			m := newMaker(shape.New(s, shape.OrderKey, p.Seed), size, 0, c.Settings.Jobs)
			foretold := sim.Run(onPaper(res, c.Settings, m, link, await, fixed[c.Settings.Jobs]))
			t.Logf("await %v, %d jobs: foretold %.2f s, measured %.2f s", await, c.Settings.Jobs, foretold.Seconds, r.Seconds)
			require.InEpsilon(t, r.Seconds, foretold.Seconds, within, "await %v, %d jobs", await, c.Settings.Jobs)
		}
	}
}

// onPaper is the copy of a run.
func onPaper(res *result.Result, s result.Settings, m *maker, link db9sim.LinkConfig, await bool, least result.Run) sim.Params {
	p := sim.Params{
		Jobs: s.Jobs, RoundTrip: res.Target.RoundTrip / 1000, Rate: float64(link.Rate), Cap: float64(link.TotalRate), BatchBytes: s.BatchBytes,
	}
	if await { // BEGIN, COPY's beginning and end, the ledger row, COMMIT: none is sent before the last is answered
		p.BatchTrips = AwaitedTrips
		p.BatchTime = max(0, least.Latency.P50/1000-p.BatchTrips*p.RoundTrip)
	}
	p.Before = max(0, least.Seconds-least.Latency.P50/1000) // all but its one batch
	for _, part := range m.parts {
		p.Parts = append(p.Parts, part.Bytes)
	}
	return p
}
