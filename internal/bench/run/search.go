package run

import (
	"context"
	"fmt"
	"slices"

	"github.com/pg2db9/pg2db9/internal/bench/result"
)

// gain is by how much another value of a setting must be faster to be taken: less
// is noise.
const gain = 1.02

// axis is a setting that a search may change.
type axis struct {
	name   string
	values []int64 // ascending
	get    func(s *result.Settings) int64
	set    func(s *result.Settings, v int64)
}

// axes are the settings that have more than one value.
func (m *measurement) axes() []axis {
	g := m.p.Grid
	wide := func(list []int) []int64 {
		out := make([]int64, len(list))
		for i, v := range list {
			out[i] = int64(v)
		}
		return out
	}
	all := []axis{
		{"jobs", wide(g.Jobs), func(s *result.Settings) int64 { return int64(s.Jobs) }, func(s *result.Settings, v int64) { s.Jobs = int(v) }},
		{"pipeline", wide(g.Pipeline), func(s *result.Settings) int64 { return int64(s.Pipeline) }, func(s *result.Settings, v int64) { s.Pipeline = int(v) }},
		{"batch-bytes", g.BatchBytes, func(s *result.Settings) int64 { return s.BatchBytes }, func(s *result.Settings, v int64) { s.BatchBytes = v }},
		{"batch-rows", g.BatchRows, func(s *result.Settings) int64 { return s.BatchRows }, func(s *result.Settings, v int64) { s.BatchRows = v }},
	}
	if m.target != nil && len(g.PrimaryKey) > 1 {
		all = append(all, axis{
			"primary-key",
			[]int64{0, 1},
			func(s *result.Settings) int64 { return int64(slices.Index(g.PrimaryKey, s.PrimaryKey)) },
			func(s *result.Settings, v int64) { s.PrimaryKey = g.PrimaryKey[v] },
		})
	}
	for i := range all {
		slices.Sort(all[i].values)
	}
	return slices.DeleteFunc(all, func(a axis) bool { return len(a.values) < 2 })
}

// climb goes from the first settings to better ones, a setting at a time and a
// step at a time, until no step of any is faster.
func (m *measurement) climb(ctx context.Context) error {
	// Every shape and order is a search of its own.
	var starts []result.Settings
	for _, s := range m.p.cells() {
		if !slices.ContainsFunc(starts, func(x result.Settings) bool { return x.Shape == s.Shape && x.Order == s.Order }) {
			starts = append(starts, s)
		}
	}
	for _, at := range starts {
		for better := true; better; {
			better = false
			for _, a := range m.axes() {
				next, err := m.along(ctx, a, at)
				if err != nil {
					return err
				}
				better = better || next != at
				at = next
			}
		}
		m.p.say(fmt.Sprintf("no step from %s is faster", at))
	}
	return nil
}

// along climbs along one setting, upwards, and downwards where that does not help.
func (m *measurement) along(ctx context.Context, a axis, at result.Settings) (result.Settings, error) {
	best, err := m.known(ctx, at)
	if err != nil {
		return at, err
	}
	i := slices.Index(a.values, a.get(&at))
	for _, step := range []int{1, -1} {
		moved := false
		for k := i + step; k >= 0 && k < len(a.values); k += step {
			next := at
			a.set(&next, a.values[k])
			rate, err := m.known(ctx, next)
			if err != nil {
				return at, err
			}
			if rate < best*gain {
				break
			}
			best, at, moved = rate, next, true
		}
		if moved {
			break
		}
	}
	return at, nil
}

// known is the rate under the settings, measured where it was not yet.
func (m *measurement) known(ctx context.Context, s result.Settings) (float64, error) {
	find := func() int {
		return slices.IndexFunc(m.res.Cells, func(c result.Cell) bool { return c.Settings == s })
	}
	if find() < 0 {
		if err := m.allow(m.written + int64(m.p.Repeat)*m.p.Size); err != nil {
			return 0, err
		}
		for range m.p.Repeat {
			if err := m.cell(ctx, s); err != nil {
				return 0, err
			}
		}
	}
	return m.res.Cells[find()].Summary().Rate, nil
}
