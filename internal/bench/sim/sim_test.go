package sim

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// What can be reckoned by hand comes out as it does there.
func TestByHand(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		p    Params
		want Result
	}{
		"one stream":           {Params{Parts: []int64{100, 100}, Jobs: 1, Rate: 10, Connect: 1, PartTrips: 2, RoundTrip: 0.5}, Result{Seconds: 1 + 2*(1+10), Busy: 20.0 / 23}},
		"two streams":          {Params{Parts: []int64{100, 100}, Jobs: 2, Rate: 10}, Result{Seconds: 10, Busy: 1}},
		"more jobs than parts": {Params{Parts: []int64{100, 100}, Jobs: 9, Rate: 10}, Result{Seconds: 10, Busy: 1}},
		"a cap":                {Params{Parts: []int64{100, 100}, Jobs: 2, Rate: 10, Cap: 10}, Result{Seconds: 20, Busy: 1}},
		"a cap that one alone does not meet": {Params{Parts: []int64{100, 50}, Jobs: 2, Rate: 10, Cap: 10}, Result{
			Seconds: 15, Busy: (10*2 + 5) / 30.0, Tail: 5, // half of 10 each for 10 s, then 50 bytes at 10
		}},
		"batches that are awaited": {Params{Parts: []int64{100}, Jobs: 1, Rate: 10, BatchBytes: 10, BatchTrips: 4, RoundTrip: 0.25}, Result{Seconds: 20, Busy: 1}},
		"a measured curve":         {Params{Parts: []int64{100, 100, 100}, Jobs: 3, Curve: []Point{{1, 10}, {4, 16}}}, Result{Seconds: 300 / 14.0, Busy: 1}},
		"before and after":         {Params{Parts: []int64{10}, Jobs: 1, Rate: 10, Before: 2, After: 3}, Result{Seconds: 6, Busy: 1}},
		"nothing":                  {Params{Jobs: 4, Rate: 10}, Result{}},
	} {
		got := Run(c.p)
		require.InDelta(t, c.want.Seconds, got.Seconds, 1e-9, name)
		require.InDelta(t, c.want.Busy, got.Busy, 1e-9, name)
		require.InDelta(t, c.want.Tail, got.Tail, 1e-9, name)
		require.Equal(t, got, Run(c.p), "the same each time")
	}
}

// Whatever the sizes, no copy is faster than its bytes at the cap, more streams are
// never slower, and parts that are cut smaller leave a shorter tail.
func TestWhatAlwaysHolds(t *testing.T) {
	t.Parallel()
	for _, bytes := range []int64{1e9, 1e11, 1e13} {
		last := math.Inf(1)
		for _, jobs := range []int{1, 2, 4, 8, 16, 32, 64} {
			p := Params{Parts: Even(bytes, 1<<30), Jobs: jobs, Rate: 6e5, Cap: 6e6, RoundTrip: 0.15, PartTrips: 2, Connect: 0.25, BatchBytes: 2e6, BatchTrips: 4}
			got := Run(p).Seconds
			require.GreaterOrEqual(t, got, float64(bytes)/6e6)
			require.LessOrEqual(t, got, last*(1+1e-9))
			last = got
		}
	}
	coarse, fine := Params{Parts: Even(1e9, 3e8), Jobs: 3, Rate: 1e6}, Params{Parts: Even(1e9, 1e7), Jobs: 3, Rate: 1e6}
	require.Less(t, Run(fine).Tail, Run(coarse).Tail)
}
