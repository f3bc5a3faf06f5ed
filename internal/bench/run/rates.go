package run

import (
	"math"
	"slices"
	"time"

	"github.com/pg2db9/pg2db9/copier"
	"github.com/pg2db9/pg2db9/internal/bench/result"
	"github.com/pg2db9/pg2db9/internal/bench/stats"
)

const (
	leastWindow = 4   // points that a rate is measured over at least
	leastShare  = 0.3 // of a run's bytes: of fewer, most was taken by buffers before the window began, or after it
	mostPoints  = 240 // of a series, in the result
)

// add counts a batch.
func (l *latencies) add(b copier.Batch) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count++
	l.took = append(l.took, float64(b.Took)/float64(time.Millisecond))
}

// summary is how long they took.
func (l *latencies) summary() result.Latency {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := result.Latency{Of: []result.Bucket{}}
	if len(l.took) == 0 {
		return out
	}
	out.P50, out.P95, out.P99 = stats.Quantile(l.took, 0.5), stats.Quantile(l.took, 0.95), stats.Quantile(l.took, 0.99)
	slices.Sort(l.took)
	for _, ms := range l.took {
		up := math.Pow(math.Sqrt2, math.Ceil(2*math.Log2(max(ms, 1e-3))))
		up = math.Round(up*1e4) / 1e4
		if n := len(out.Of); n > 0 && out.Of[n-1].UpTo == up {
			out.Of[n-1].Count++
			continue
		}
		out.Of = append(out.Of, result.Bucket{UpTo: up, Count: 1})
	}
	return out
}

// rate fills in how fast a run was: over the part of it in which its rate had
// settled and all jobs were at work. keyed is how many bytes the key was made for.
func (w *watcher) rate(r *result.Run, keyed int64, warmUp time.Duration, ended time.Time) {
	series := w.series
	for len(series) > leastWindow && series[len(series)-1].at.After(w.full) {
		series = series[:len(series)-1]
	}
	var rates []float64
	for i := 1; i < len(series); i++ {
		rates = append(rates, float64(series[i].bytes-series[i-1].bytes)/series[i].at.Sub(series[i-1].at).Seconds())
	}
	from, settled := stats.Steady(rates)
	for from < len(rates) && series[from].at.Sub(w.began) < warmUp {
		from++
	}
	total := ended.Sub(w.began).Seconds()
	bytes, rows, seconds := float64(r.Bytes), float64(r.Rows), total
	if len(rates)-from >= leastWindow {
		first, last := series[from], series[len(series)-1]
		if n := float64(last.bytes - first.bytes); n >= leastShare*float64(r.Bytes) {
			bytes, rows, seconds = n, float64(last.rows-first.rows), last.at.Sub(first.at).Seconds()
			r.Steady, r.WarmUp = settled, first.at.Sub(w.began).Seconds()
		}
	}
	r.Seconds = total
	if keyed > 0 {
		seconds += r.KeySeconds * bytes / float64(keyed)
	}
	if seconds > 0 {
		r.Rate, r.RowRate = bytes/1e6/seconds, rows/seconds
	}
	r.Series = points(w.series, w.began)
}

// points are a series for the result: not more than are seen.
func points(series []sample, began time.Time) []result.Point {
	step := 1 + (len(series)-1)/mostPoints
	out := []result.Point{}
	for i := step; i < len(series); i += step {
		a, b := series[i-step], series[i]
		round := func(v float64) float64 { return math.Round(v*1000) / 1000 }
		out = append(out, result.Point{At: round(b.at.Sub(began).Seconds()), Rate: round(float64(b.bytes-a.bytes) / 1e6 / b.at.Sub(a.at).Seconds())})
	}
	return out
}
