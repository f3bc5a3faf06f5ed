package run

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/bench/shape"
	"github.com/pg2db9/pg2db9/internal/bench/sim"
	"github.com/pg2db9/pg2db9/internal/db9sim"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// What the copy on paper foretells is what is measured, within 15 %: over a link
// with a rate for each connection and one for all, awaited and not, by one job and
// by several. What it is told of the link is the link's, of the run what a run of
// next to nothing takes. (A busy machine adds to seconds, not to minutes: the short
// form holds what the link alone takes, which nothing can undercut.)
func TestForetoldIsMeasured(t *testing.T) {
	t.Parallel()
	link := db9sim.LinkConfig{Delay: 20 * time.Millisecond, Rate: 400_000, TotalRate: 1_200_000}
	size, batch, jobs, awaits := int64(1_500_000), int64(100_000), []int{4}, []bool{true}
	if atLength() {
		size, batch, jobs, awaits = 20_000_000, 500_000, []int{1, 2, 4, 8}, []bool{false, true}
	}
	s, _ := shape.Named("text")
	p := params(t)
	p.Profile.BatchBytes = batch
	p.Grid = OfProfile(p.Profile, 1)
	p.Grid.Shapes = []shape.Shape{s}
	p.Target = endpoint(t, dial.Target, throughLink(t, pgtest.Server(t).Database(t), link))
	m := opened(t, p)
	for _, await := range awaits {
		m.p.Profile.Await = await
		for _, n := range jobs {
			set := m.p.cells()[0]
			set.Jobs, set.Pipeline = n, pipelineOf(m.p.Profile)
			// A copy of next to nothing tells what a run takes beside its rows:
			// connections, the end of the load, the look at the ledger.
			m.p.Size = 1
			least, err := m.one(t.Context(), set)
			require.NoError(t, err)
			m.p.Size = size
			r, err := m.one(t.Context(), set)
			require.NoError(t, err)
			parts := newMaker(shape.New(s, shape.OrderKey, p.Seed), size, 0, n).parts
			foretold := sim.Params{
				Jobs: n, RoundTrip: m.res.Target.RoundTrip / 1000, Rate: float64(link.Rate), Cap: float64(link.TotalRate), BatchBytes: batch,
				Before: max(0, least.Seconds-least.Latency.P50/1000), // all but its one batch
			}
			for _, part := range parts {
				foretold.Parts = append(foretold.Parts, part.Bytes)
			}
			if await {
				foretold.BatchTrips = AwaitedTrips
				foretold.BatchTime = max(0, least.Latency.P50/1000-AwaitedTrips*foretold.RoundTrip)
			}
			seconds := sim.Run(foretold).Seconds
			t.Logf("await %v, %d jobs: foretold %.2f s, measured %.2f s", await, n, seconds, r.Seconds)
			require.Greater(t, r.Seconds, 0.9*float64(size)/float64(link.TotalRate))
			require.Greater(t, seconds, 0.9*float64(size)/float64(link.TotalRate))
			if atLength() {
				require.InEpsilon(t, r.Seconds, seconds, 0.15, "await %v, %d jobs", await, n)
			}
		}
	}
}
