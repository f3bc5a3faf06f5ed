package run

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/bench/result"
	"github.com/pg2db9/pg2db9/internal/bench/shape"
	"github.com/pg2db9/pg2db9/internal/dial"
)

// A search comes to the best of a grid whose rates have one summit, with fewer
// runs than the grid has, for each shape by itself; it stops where nothing is
// faster by more than noise.
func TestSearchClimbs(t *testing.T) {
	t.Parallel()
	target, err := dial.Parse(dial.Target, "postgres://h/d?sslmode=disable")
	require.NoError(t, err)
	p := params(t, "narrow", "text")
	p.Target, p.Search, p.Size, p.Repeat = target, true, 0, 2
	p.Grid.Jobs, p.Grid.Pipeline, p.Grid.BatchBytes = []int{1, 2, 4, 8, 16}, []int{1, 2, 4}, []int64{500_000, 1_000_000, 2_000_000}
	p.Grid.PrimaryKey = []string{KeyInline, KeyAfter}
	best := map[string]result.Settings{
		"narrow": {Jobs: 8, BatchBytes: 1_000_000, Pipeline: 4, PrimaryKey: KeyAfter, Order: "key", Shape: "narrow"},
		"text":   {Jobs: 1, BatchBytes: 2_000_000, Pipeline: 1, PrimaryKey: KeyInline, Order: "key", Shape: "text"},
	}
	runs := 0
	m := &measurement{p: p, res: &result.Result{}, target: target, shapes: map[string]shape.Shape{}, measure: func(_ context.Context, s result.Settings) (result.Run, error) {
		runs++
		far := func(a, b float64) float64 { return math.Abs(math.Log2(a / b)) }
		b := best[s.Shape]
		d := far(float64(s.Jobs), float64(b.Jobs)) + far(float64(s.Pipeline), float64(b.Pipeline)) + far(float64(s.BatchBytes), float64(b.BatchBytes))
		if s.PrimaryKey != b.PrimaryKey {
			d++
		}
		return result.Run{Rate: 100 * math.Pow(0.8, d), Bytes: 1}, nil
	}}
	require.NoError(t, m.climb(t.Context()))
	require.Less(t, runs, 2*2*5*3*3*2/2, "half of the grid at most")
	for _, c := range m.res.Cells {
		if c.Summary().Rate > 99 {
			require.Equal(t, best[c.Settings.Shape], c.Settings)
			delete(best, c.Settings.Shape)
		}
	}
	require.Empty(t, best, "both summits were found")
}
