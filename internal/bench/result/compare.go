package result

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/pg2db9/pg2db9/internal/bench/stats"
)

const (
	// leastRepeats is how many runs of each a verdict needs: with fewer, a
	// difference at this level is found only by luck.
	leastRepeats = 7
	// level is the probability below which a difference is no accident.
	level = 0.01
	// pairedRepeats is from how many rounds on the runs are also held against each
	// other round by round: with fewer, that test hardly ever reaches the level.
	pairedRepeats = 10
)

// Verdict says how the second of two measurements compares with the first.
type Verdict string

// The verdicts. The zero value is none.
const (
	Faster  Verdict = "faster"
	Slower  Verdict = "slower"
	Same    Verdict = "same" // no difference was found
	Unknown Verdict = "unknown"
)

// Comparison is how two results compare.
type Comparison struct {
	Rows  []ComparedCell `json:"cells"`
	Notes []string       `json:"notes"`
}

// ComparedCell is how the runs under the same settings compare.
type ComparedCell struct {
	Settings Settings `json:"settings"`
	Verdict  Verdict  `json:"verdict"`
	A        float64  `json:"a_mb_per_s"` // medians
	B        float64  `json:"b_mb_per_s"`
	Change   float64  `json:"change"` // of the medians: -0.1 is ten percent slower
	P        float64  `json:"p"`
	Why      string   `json:"why,omitempty"` // of unknown
}

// Compare holds the runs of b against those of a, settings by settings.
func Compare(a, b *Result) *Comparison {
	c := &Comparison{Rows: []ComparedCell{}, Notes: []string{}}
	note := func(what, x, y string) {
		if x != y {
			c.Notes = append(c.Notes, fmt.Sprintf("the %s differs: %s and %s", what, x, y))
		}
	}
	note("kind of measurement", a.Kind, b.Kind)
	note("profile", a.Profile, b.Profile)
	note("machine", fmt.Sprint(a.Machine), fmt.Sprint(b.Machine))
	note("source", a.Source.name(), b.Source.name())
	note("target", a.Target.name(), b.Target.name())
	for i := range a.Cells {
		x := &a.Cells[i]
		k := slices.IndexFunc(b.Cells, func(y Cell) bool { return y.Settings == x.Settings })
		if k < 0 {
			c.Rows = append(c.Rows, ComparedCell{Settings: x.Settings, Verdict: Unknown, Why: "only the first has it"})
			continue
		}
		row := compareCells(x, &b.Cells[k])
		if a.Kind != b.Kind {
			row.Verdict, row.Why = Unknown, "other things were measured"
		}
		c.Rows = append(c.Rows, row)
	}
	for _, y := range b.Cells {
		if !slices.ContainsFunc(a.Cells, func(x Cell) bool { return x.Settings == y.Settings }) {
			c.Rows = append(c.Rows, ComparedCell{Settings: y.Settings, Verdict: Unknown, Why: "only the second has it"})
		}
	}
	return c
}

func (s *Server) name() string {
	if s == nil {
		return "none"
	}
	return s.Version + " at " + s.URL
}

func compareCells(a, b *Cell) ComparedCell {
	x, y := a.Rates(), b.Rates()
	row := ComparedCell{Settings: a.Settings, A: stats.Median(x), B: stats.Median(y), P: 1}
	if len(x) == 0 || len(y) == 0 {
		row.A, row.B = 0, 0
		row.Verdict, row.Why = Unknown, "a side has no runs"
		return row
	}
	row.Change = row.B/row.A - 1
	if len(x) < leastRepeats || len(y) < leastRepeats {
		row.Verdict, row.Why = Unknown, fmt.Sprintf("%d and %d runs are too few: %d of each are needed (--repeat, --append)", len(x), len(y), leastRepeats)
		return row
	}
	if n := turns(a, b); n < min(len(x), len(y)) {
		row.Verdict, row.Why = Unknown, "the runs of the two do not alternate, so that what the machines and servers did meanwhile cannot be told from them: run both in turn with --append"
		return row
	}
	row.P = probability(a, b)
	switch {
	case row.P >= level:
		row.Verdict = Same
	case row.B > row.A:
		row.Verdict = Faster
	default:
		row.Verdict = Slower
	}
	return row
}

// probability is that of rates as far apart as these where nothing differs. The ranks
// of all of them say most where noise is each run's own; ranks of the differences in
// each round where it is the round's, as that of another user of the machine. Nobody
// knows which it is beforehand, so both are asked, each at half the level.
func probability(a, b *Cell) float64 {
	x, y := a.Rates(), b.Rates()
	p := stats.MannWhitney(x, y)
	if len(x) < pairedRepeats || !rounds(a, b) || slices.Min(x) <= 0 || slices.Min(y) <= 0 {
		return p
	}
	for i := range x { // what slows a machine down takes a share
		x[i], y[i] = math.Log(x[i]), math.Log(y[i])
	}
	return min(1, 2*min(p, stats.SignedRank(x, y)))
}

// rounds says whether the runs of the two, in the order of time, are couples of one
// each: the first of both, the second of both, and so on.
func rounds(a, b *Cell) bool {
	if len(a.Runs) != len(b.Runs) {
		return false
	}
	for i := 1; i < len(a.Runs); i++ {
		last, next := a.Runs[i-1].Started, a.Runs[i].Started
		if b.Runs[i-1].Started.After(last) {
			last = b.Runs[i-1].Started
		}
		if b.Runs[i].Started.Before(next) {
			next = b.Runs[i].Started
		}
		if !last.Before(next) {
			return false
		}
	}
	return true
}

// turns is how often the runs of the two change over in the order of time.
func turns(a, b *Cell) int {
	type run struct {
		at    int64
		ofTwo int
	}
	var all []run
	for i, c := range []*Cell{a, b} {
		for _, r := range c.Runs {
			all = append(all, run{r.Started.UnixNano(), i})
		}
	}
	slices.SortFunc(all, func(x, y run) int { return int(min(max(x.at-y.at, -1), 1)) })
	n := 0
	for i := 1; i < len(all); i++ {
		if all[i].ofTwo != all[i-1].ofTwo {
			n++
		}
	}
	return n
}

// Regressed are the cells that are slower by more than the threshold (0.05 is
// five percent).
func (c *Comparison) Regressed(threshold float64) []ComparedCell {
	return slices.DeleteFunc(slices.Clone(c.Rows), func(r ComparedCell) bool { return r.Verdict != Slower || -r.Change <= threshold })
}

// Unknown are the cells of which nothing can be said.
func (c *Comparison) Unknown() []ComparedCell {
	return slices.DeleteFunc(slices.Clone(c.Rows), func(r ComparedCell) bool { return r.Verdict != Unknown })
}

// Text is the comparison for people.
func (c *Comparison) Text() string {
	var b strings.Builder
	for _, r := range c.Rows {
		switch r.Verdict {
		case Unknown:
			fmt.Fprintf(&b, "cannot tell  %s: %s\n", r.Settings, r.Why)
		case Same:
			fmt.Fprintf(&b, "the same     %s: %.1f and %.1f MB/s (%+.1f %%, p = %.3f)\n", r.Settings, r.A, r.B, 100*r.Change, r.P)
		case Faster, Slower:
			fmt.Fprintf(&b, "%-12s %s: %.1f and %.1f MB/s (%+.1f %%, p = %.4f)\n", r.Verdict, r.Settings, r.A, r.B, 100*r.Change, r.P)
		}
	}
	for _, n := range c.Notes {
		fmt.Fprintf(&b, "note: %s\n", n)
	}
	return b.String()
}
