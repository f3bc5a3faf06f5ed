package result

import (
	"fmt"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/pg2db9/pg2db9/internal/bench/stats"
)

// Summary is a cell's runs in a few numbers: medians, and the range of the rate.
type Summary struct {
	Rate, Least, Most float64 // MB/s
	RowRate           float64
	P50, P95, P99     float64 // ms
	CPUPerGB          float64 // seconds
	Batches, Retries  int64   // of all runs
	Waits             Waits
	Steady            int // runs whose rate settled
}

// of gathers a number of each run.
func (c *Cell) of(f func(*Run) float64) []float64 {
	out := make([]float64, len(c.Runs))
	for i := range c.Runs {
		out[i] = f(&c.Runs[i])
	}
	return out
}

// Rates are the runs' rates, MB/s.
func (c *Cell) Rates() []float64 { return c.of(func(r *Run) float64 { return r.Rate }) }

// Summary sums the runs up.
func (c *Cell) Summary() Summary {
	median := func(f func(*Run) float64) float64 { return stats.Median(c.of(f)) }
	s := Summary{
		Rate: stats.Median(c.Rates()), Least: stats.Quantile(c.Rates(), 0), Most: stats.Quantile(c.Rates(), 1),
		RowRate: median(func(r *Run) float64 { return r.RowRate }),
		P50:     median(func(r *Run) float64 { return r.Latency.P50 }),
		P95:     median(func(r *Run) float64 { return r.Latency.P95 }),
		P99:     median(func(r *Run) float64 { return r.Latency.P99 }),
		CPUPerGB: median(func(r *Run) float64 {
			if r.Bytes == 0 {
				return 0
			}
			return r.CPU / (float64(r.Bytes) / 1e9)
		}),
		Waits: Waits{
			Source:  median(func(r *Run) float64 { return r.Waits.Source }),
			Network: median(func(r *Run) float64 { return r.Waits.Network }),
			Target:  median(func(r *Run) float64 { return r.Waits.Target }),
			Client:  median(func(r *Run) float64 { return r.Waits.Client }),
			Other:   median(func(r *Run) float64 { return r.Waits.Other }),
			Busy:    median(func(r *Run) float64 { return r.Waits.Busy }),
		},
	}
	for i := range c.Runs {
		s.Batches += c.Runs[i].Batches
		s.Retries += c.Runs[i].Retries
		s.Waits.Told = s.Waits.Told || c.Runs[i].Waits.Told
		if c.Runs[i].Steady {
			s.Steady++
		}
	}
	return s
}

// What can limit a run.
const (
	LimitSource  = "source"
	LimitNetwork = "network"
	LimitTarget  = "target"
	LimitClient  = "client"
	LimitUnknown = "unknown" // over before anybody looked
)

// busy is the share of its time from which on a target counts as what limits,
// though the jobs find other things to do meanwhile.
const busy = 0.75

// Limit says what limited: what the jobs spent most of their time on, unless the
// target was at work nearly always.
func (w Waits) Limit() string {
	if w.Busy >= busy && w.Client < busy {
		return LimitTarget
	}
	limit, most := LimitUnknown, 0.0
	for _, x := range []struct {
		name  string
		share float64
	}{{LimitClient, w.Client}, {LimitSource, w.Source}, {LimitNetwork, w.Network}, {LimitTarget, w.Target}} {
		if x.share > most {
			limit, most = x.name, x.share
		}
	}
	return limit
}

// String are the settings in words, those that have a bound.
func (s Settings) String() string {
	parts := []string{fmt.Sprintf("jobs %d", s.Jobs)}
	if s.BatchRows > 0 {
		parts = append(parts, "batches of "+humanize.Comma(s.BatchRows)+" rows")
	}
	if s.BatchBytes > 0 {
		parts = append(parts, "batches of "+humanize.Bytes(uint64(s.BatchBytes)))
	}
	if s.Pipeline > 1 {
		parts = append(parts, fmt.Sprintf("%d under way", s.Pipeline))
	}
	if s.PrimaryKey != "" {
		parts = append(parts, "key "+s.PrimaryKey)
	}
	if s.Order != "" {
		parts = append(parts, "order "+s.Order)
	}
	return strings.Join(append(parts, s.Shape), ", ")
}
