package stats

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestQuantiles(t *testing.T) {
	t.Parallel()
	v := []float64{5, 1, 4, 2, 3}
	require.InDelta(t, 3, Median(v), 0)
	require.InDelta(t, 4.6, Quantile(v, 0.9), 1e-9)
	require.InDelta(t, 5, Quantile(v, 1), 0)
	require.Equal(t, []float64{5, 1, 4, 2, 3}, v, "the values stay as they are")
	require.True(t, math.IsNaN(Median(nil)))
}

// The probabilities are those of published tables.
func TestMannWhitneyAgainstKnownValues(t *testing.T) {
	t.Parallel()
	low, high := []float64{1, 2, 3, 4, 5, 6, 7}, []float64{8, 9, 10, 11, 12, 13, 14}
	require.InDelta(t, 2.0/3432, MannWhitney(low, high), 1e-12, "of C(14,7) orders one at each end")
	require.InDelta(t, 2.0/3432, MannWhitney(high, low), 1e-12)
	require.InDelta(t, 2.0/20, MannWhitney([]float64{1, 2, 3}, []float64{4, 5, 6}), 1e-12)
	// Mann and Whitney's table for 4 and 5 values: P(U <= 6) = 0.206.
	require.InDelta(t, 2*0.206, MannWhitney([]float64{1.1, 2.2, 3.3, 4.4}, []float64{2.1, 3.2, 4.3, 5.4, 6.5}), 1e-3)
	require.InDelta(t, 1, MannWhitney(low, low), 0.01, "equal samples")
	require.InDelta(t, 1, MannWhitney([]float64{3, 3, 3}, []float64{3, 3, 3}), 0)
	require.InDelta(t, 1, MannWhitney(nil, low), 0)
	// The normal distribution agrees with the exact one where both can be had.
	r := rand.New(rand.NewPCG(1, 2))
	a, b := noise(r, 30, 100, 5), noise(r, 30, 103, 5)
	exact := MannWhitney(a, b)
	u := 0.0
	for _, x := range a {
		for _, y := range b {
			if x > y {
				u++
			}
		}
	}
	require.InDelta(t, exact, normalTail(a, b, min(u, 900-u)), 0.01)
}

// The probabilities are those of published tables: of so many choices of signs so few
// have a smaller sum of ranks.
func TestSignedRankAgainstKnownValues(t *testing.T) {
	t.Parallel()
	pairs := func(differences ...float64) (a, b []float64) {
		for i, d := range differences {
			a, b = append(a, 100*float64(i)+d), append(b, 100*float64(i))
		}
		return a, b
	}
	for want, d := range map[float64][]float64{
		2.0 / 256:   {1, 2, 3, 4, 5, 6, 7, 8},
		50.0 / 1024: {1, 2, 3, 4, 5, 6, 7, -8, 9, 10},
		38.0 / 4096: {-1, -2, -3, -4, -5, -6, 7, -8, -9, -10, -11, -12},
		2.0 / 32:    {1, 1, 1, 1, 1, 0, 0},
		12.0 / 32:   {1, 1, 1, 1, -1},
		1:           {0, 0},
	} {
		a, b := pairs(d...)
		require.InDelta(t, want, SignedRank(a, b), 1e-12, "%v", d)
		require.InDelta(t, want, SignedRank(b, a), 1e-12, "%v", d)
	}
	require.InDelta(t, 1, SignedRank(nil, nil), 0)
	// The normal distribution goes on where the exact one ends.
	r := rand.New(rand.NewPCG(8, 9))
	a, b := noise(r, exactPairs+1, 100, 5), noise(r, exactPairs+1, 101.5, 5)
	require.InDelta(t, SignedRank(a[1:], b[1:]), SignedRank(a, b), 0.02)
}

func noise(r *rand.Rand, n int, mean, spread float64) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = mean + spread*r.NormFloat64()
	}
	return out
}

// A series that warms up is steady from there on; one that only falls never is.
func TestSteady(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	var series []float64
	for i := range 12 {
		series = append(series, float64(i)*8)
	}
	series = append(series, noise(r, 60, 100, 3)...)
	from, ok := Steady(series)
	require.True(t, ok)
	require.InDelta(t, 12, from, 3)
	from, ok = Steady(noise(r, 60, 100, 3))
	require.True(t, ok)
	require.Less(t, from, 25)
	for i := range series {
		series[i] = float64(1000 - 10*i)
	}
	_, ok = Steady(series)
	require.False(t, ok)
	from, ok = Steady(nil)
	require.Zero(t, from)
	require.True(t, ok)
}
