package result

import (
	"fmt"
	"math"
	"slices"
)

// even is the difference of rates below which the cheaper settings are as good:
// fewer jobs spare both servers, and leave connections to others.
const even = 0.03

// Recommend finds the best of what was measured. Shapes and orders are no
// settings: the best are those that do best over all of them (the geometric mean
// of the rates), each shape counting the same.
func (r *Result) Recommend() *Recommendation {
	type group struct {
		of    Settings
		log   float64
		cells []*Cell
	}
	var groups []*group
	for i := range r.Cells {
		c := &r.Cells[i]
		if len(c.Runs) == 0 {
			continue
		}
		of := c.Settings
		of.Shape, of.Order = "", ""
		k := slices.IndexFunc(groups, func(g *group) bool { return g.of == of })
		if k < 0 {
			k = len(groups)
			groups = append(groups, &group{of: of})
		}
		groups[k].cells = append(groups[k].cells, c)
	}
	if len(groups) == 0 {
		return nil
	}
	for _, g := range groups {
		for _, c := range g.cells {
			g.log += math.Log(max(c.Summary().Rate, 1e-9)) / float64(len(g.cells))
		}
	}
	fastest := slices.MaxFunc(groups, func(a, b *group) int { return cmpFloat(a.log, b.log) })
	best := fastest
	for _, g := range groups {
		if g.log >= fastest.log+math.Log(1-even) && cheaper(g.of, best.of) {
			best = g
		}
	}
	s := best.cells[0].Summary()
	rec := &Recommendation{Settings: best.cells[0].Settings, Rate: math.Exp(best.log), Limit: s.Waits.Limit()}
	rec.Settings.Shape, rec.Settings.Order = "", ""
	if len(groups) == 1 {
		rec.Reasons = append(rec.Reasons, "the only settings that were measured")
	} else {
		slowest := slices.MinFunc(groups, func(a, b *group) int { return cmpFloat(a.log, b.log) })
		rec.Reasons = append(rec.Reasons, fmt.Sprintf("%.1f MB/s; the slowest of %d settings (%s) gave %.1f MB/s", rec.Rate, len(groups), slowest.of.short(), math.Exp(slowest.log)))
		if best != fastest {
			rec.Reasons = append(rec.Reasons, fmt.Sprintf("%s was no more than %.0f %% faster, and takes more of both servers", fastest.of.short(), 100*even))
		}
	}
	rec.Reasons = append(rec.Reasons, r.advice(rec.Limit, s, best.of))
	return rec
}

func cmpFloat(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// cheaper says that a takes less of the servers than b.
func cheaper(a, b Settings) bool {
	if a.Jobs != b.Jobs {
		return a.Jobs < b.Jobs
	}
	return a.Pipeline < b.Pipeline
}

// short are the settings that a recommendation chooses.
func (s Settings) short() string {
	s.Shape, s.Order = "", ""
	text := s.String()
	return text[:len(text)-len(", ")]
}

// advice says what limits, and what would help.
func (r *Result) advice(limit string, s Summary, of Settings) string {
	share := func(f float64) string { return fmt.Sprintf("%.0f %%", 100*f) }
	switch limit {
	case LimitUnknown:
		return "what limits cannot be told: the runs were over before anybody looked; measure longer (--duration, --size)"
	case LimitTarget:
		if s.Waits.Busy >= busy {
			return fmt.Sprintf("the target limits: its sessions were at work %s of the time; a larger one, or fewer indexes while loading, would be faster", share(s.Waits.Busy))
		}
		return fmt.Sprintf("the target limits: jobs waited for it %s of the time", share(s.Waits.Target))
	case LimitNetwork:
		text := fmt.Sprintf("the network limits: jobs waited for bytes on their way %s of the time", share(s.Waits.Network))
		if r.Target != nil && r.Target.RoundTrip > 5 {
			text += fmt.Sprintf(" (a round trip takes %.0f ms)", r.Target.RoundTrip)
		}
		if of.Pipeline <= 1 && r.Kind != KindSource {
			text += "; more jobs, larger batches and --pipeline hide round trips, running closer to the servers removes them"
		} else {
			text += "; more jobs use more connections side by side, running closer to the servers is faster"
		}
		return text
	case LimitSource:
		return fmt.Sprintf("the source limits: jobs waited for its rows %s of the time; more jobs read more tables and parts at once while it has processors for them", share(s.Waits.Source))
	}
	return fmt.Sprintf("this machine limits: jobs worked, or waited for a processor, %s of the time; more processors, or fewer other programs on it, would be faster", share(s.Waits.Client))
}
