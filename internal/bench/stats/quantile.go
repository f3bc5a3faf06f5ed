package stats

import (
	"math"
	"slices"
)

// Quantile is the value below which a share q (0 to 1) of the values lies, linear
// between neighbours; NaN of none.
func Quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	at := q * float64(len(sorted)-1)
	i := int(at)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}

// Median is the quantile of a half.
func Median(values []float64) float64 { return Quantile(values, 0.5) }

// Steady is the index from which on a series is steady: the values before it are
// those of the start. It is the one where the mean of what follows is known best
// (the marginal standard error rule, White 1997), looked for in the first half. ok
// is false where the series never settles: then the index is that half.
func Steady(series []float64) (from int, ok bool) {
	half := len(series) / 2
	best := math.Inf(1)
	// From the end, each with what follows it.
	var n, sum, squares float64
	for i := len(series) - 1; i >= 0; i-- {
		n++
		sum += series[i]
		squares += series[i] * series[i]
		if i > half {
			continue
		}
		// <= : of equals the one that keeps the most.
		if e := max(0, squares-sum*sum/n) / (n * n); e <= best {
			best, from = e, i
		}
	}
	return from, from < half || len(series) < 2
}
