package stats

import (
	"cmp"
	"math"
	"slices"
)

// exactPairs is how many pairs may have the exact distribution.
const exactPairs = 100

// SignedRank is the two-sided probability that pairs of one distribution differ as
// much to one side as these, by the ranks of their differences (Wilcoxon 1945). What
// slows both of a pair down, as another user of the machine does, falls out, which by
// MannWhitney it does not. Pairs that are equal say nothing; 1 where no others are
// left. a and b must be of one length.
func SignedRank(a, b []float64) float64 {
	var d []float64
	for i := range a {
		if x := a[i] - b[i]; x != 0 {
			d = append(d, x)
		}
	}
	n := len(d)
	if n == 0 {
		return 1
	}
	slices.SortFunc(d, func(x, y float64) int { return cmp.Compare(math.Abs(x), math.Abs(y)) })
	// Twice the ranks are whole numbers, those of equal differences too.
	ranks := make([]int, n)
	up, all, squares := 0, 0, 0.0
	for i := 0; i < n; {
		j := i
		for j < n && math.Abs(d[j]) == math.Abs(d[i]) {
			j++
		}
		for k := i; k < j; k++ {
			ranks[k] = i + j + 1
			all += ranks[k]
			squares += float64(ranks[k]) * float64(ranks[k])
			if d[k] > 0 {
				up += ranks[k]
			}
		}
		i = j
	}
	up = min(up, all-up)
	if n > exactPairs {
		const half = 1 // of a step, in twice the ranks
		z := (float64(all)/2 - float64(up) - half) / math.Sqrt(squares/4)
		return min(1, math.Erfc(max(0, z)/math.Sqrt2))
	}
	// ways[s] is the share of all choices of signs whose positive ranks sum up to s.
	ways := make([]float64, all+1)
	ways[0] = 1
	for _, r := range ranks {
		for s := all; s >= 0; s-- {
			ways[s] /= 2
			if s >= r {
				ways[s] += ways[s-r] / 2
			}
		}
	}
	tail := 0.0
	for _, w := range ways[:up+1] {
		tail += w
	}
	return min(1, 2*tail)
}
