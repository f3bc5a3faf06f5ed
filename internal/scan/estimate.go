package scan

import "math"

// z is the two-sided 95 % quantile of the normal distribution.
const z = 1.96

// estimate says how many of total rows have what k of n have, and the bounds of
// that (Wilson's). They hold as far as the rows of a block are no more alike
// than others: blocks are sampled, not rows.
func estimate(k, n int64, total float64) (count, low, high float64) {
	if n == 0 {
		return 0, 0, total
	}
	total = max(total, float64(n))
	p, m := float64(k)/float64(n), float64(n)
	center := (p + z*z/(2*m)) / (1 + z*z/m)
	half := z / (1 + z*z/m) * math.Sqrt(p*(1-p)/m+z*z/(4*m*m))
	low = max((center-half)*total, float64(k))
	high = min((center+half)*total, total-float64(n-k))
	return p * total, low, max(high, float64(k))
}
