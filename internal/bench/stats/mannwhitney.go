package stats

import (
	"math"
	"slices"
)

// exactMost is how many values a sample may have for the exact distribution;
// larger ones, and values that are equal, are judged by the normal one.
const exactMost = 30

// MannWhitney is the two-sided probability that two samples of one distribution
// lie as far apart as these, by their ranks (Mann and Whitney 1947): it asks
// nothing of the distribution's form. 1 where a sample is empty.
func MannWhitney(a, b []float64) float64 {
	n, m := len(a), len(b)
	if n == 0 || m == 0 {
		return 1
	}
	// U: pairs in which a's is the larger, a half of those that are equal.
	u, ties := 0.0, false
	for _, x := range a {
		for _, y := range b {
			switch {
			case x > y:
				u++
			case x == y:
				u += 0.5
				ties = true
			}
		}
	}
	u = min(u, float64(n*m)-u)
	if !ties && n <= exactMost && m <= exactMost {
		return min(1, 2*exactTail(n, m, int(u)))
	}
	return normalTail(a, b, u)
}

// exactTail is the share of all orders of n and m values in which U is at most u.
func exactTail(n, m, u int) float64 {
	// ways[j][k] is how many orders of i and j values have U = k.
	ways := make([][]float64, m+1)
	for j := range ways {
		ways[j] = make([]float64, n*m+1)
		ways[j][0] = 1 // of no value of a
	}
	for i := 1; i <= n; i++ {
		next := make([][]float64, m+1)
		for j := range next {
			next[j] = make([]float64, n*m+1)
			for k := range next[j] {
				// The largest of all is a's, above j of b's, or it is b's.
				if k >= j {
					next[j][k] += ways[j][k-j]
				}
				if j > 0 {
					next[j][k] += next[j-1][k]
				}
			}
		}
		ways = next
	}
	var all, tail float64
	for k, w := range ways[m] {
		all += w
		if k <= u {
			tail += w
		}
	}
	return tail / all
}

// normalTail is the two-sided tail by the normal distribution, corrected for
// equal values and for U being whole.
func normalTail(a, b []float64, u float64) float64 {
	n, m := float64(len(a)), float64(len(b))
	all := slices.Sorted(slices.Values(slices.Concat(a, b)))
	equal := 0.0
	for i := 0; i < len(all); {
		j := i
		for j < len(all) && all[j] == all[i] {
			j++
		}
		t := float64(j - i)
		equal += t*t*t - t
		i = j
	}
	variance := n * m / 12 * (n + m + 1 - equal/((n+m)*(n+m-1)))
	if variance <= 0 {
		return 1
	}
	z := (n*m/2 - u - 0.5) / math.Sqrt(variance)
	return min(1, math.Erfc(max(0, z)/math.Sqrt2))
}
