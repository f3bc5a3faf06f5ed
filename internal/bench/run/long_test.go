package run

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/bench/result"
	"github.com/pg2db9/pg2db9/internal/bench/shape"
	"github.com/pg2db9/pg2db9/internal/db9sim"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// long skips what takes minutes. (stats and result have the short forms.)
func long(t *testing.T) {
	t.Helper()
	if !atLength() {
		t.Skip("BENCH_LONG=1 (make bench-long) makes it")
	}
}

// opened is a measurement that is ready for runs.
func opened(t *testing.T, p Params) *measurement {
	t.Helper()
	m := &measurement{p: p, res: &result.Result{Kind: p.kind(), Profile: p.Profile.Name, Program: p.Program, Machine: result.Machine{CPUs: 1}}, shapes: map[string]shape.Shape{}, makers: map[string]*shape.Maker{}}
	t.Cleanup(func() { require.NoError(t, m.close(t.Context())) })
	require.NoError(t, m.open(t.Context()))
	return m
}

// Of twenty comparisons of measured runs at most one calls the same thing
// different, and at least 18 find a link that is slower by ten percent.
func TestComparedRuns(t *testing.T) {
	long(t)
	server := pgtest.Server(t)
	through := func(rate int64) *measurement {
		p := params(t, "text")
		p.Profile.BatchBytes = 100_000
		p.Grid = OfProfile(p.Profile, 2)
		s, _ := shape.Named("text")
		p.Grid.Shapes, p.Size, p.Duration, p.Say = []shape.Shape{s}, 0, 700*time.Millisecond, nil
		p.Target = endpoint(t, dial.Target, throughLink(t, server.Database(t), db9sim.LinkConfig{TotalRate: rate}))
		return opened(t, p)
	}
	all := []*measurement{through(4_000_000), through(4_000_000), through(3_600_000)}
	cell := all[0].p.cells()[0]
	const comparisons, repeats = 20, 15
	wrong, found := 0, 0
	for range comparisons {
		for _, m := range all {
			m.res.Cells = nil
		}
		for range repeats {
			for _, m := range all {
				require.NoError(t, m.cell(t.Context(), cell))
			}
		}
		same, slow := result.Compare(all[0].res, all[1].res), result.Compare(all[0].res, all[2].res)
		t.Logf("%s%s", same.Text(), slow.Text())
		if same.Rows[0].Verdict != result.Same {
			wrong++
		}
		if slow.Rows[0].Verdict == result.Slower {
			found++
		}
	}
	require.LessOrEqual(t, wrong, 1)
	require.GreaterOrEqual(t, found, 18)
}

// What is recommended, measured again beside the fastest of the grid, is within
// five percent of it: near by, and over a link with round trips.
func TestRecommendedIsBest(t *testing.T) {
	long(t)
	server := pgtest.Server(t)
	for name, link := range map[string]db9sim.LinkConfig{"near": {}, "far": {Delay: 25 * time.Millisecond, Rate: 1_000_000, TotalRate: 8_000_000}} {
		t.Run(name, func(t *testing.T) {
			p := params(t, "text")
			p.Target = endpoint(t, dial.Target, throughLink(t, server.Database(t), link))
			p.Profile.BatchBytes = 200_000
			p.Grid = OfProfile(p.Profile, 1)
			s, _ := shape.Named("text")
			p.Grid.Shapes, p.Grid.Jobs, p.Grid.Pipeline = []shape.Shape{s}, []int{1, 4, 8, 16}, []int{1, 8}
			p.Size, p.Duration, p.Repeat = 0, 4*time.Second, 3
			res, err := Run(t.Context(), p)
			require.NoError(t, err)
			t.Log(res.Text())
			fastest := slices.MaxFunc(res.Cells, func(a, b result.Cell) int { return int(1e3 * (a.Summary().Rate - b.Summary().Rate)) })
			best := res.Best.Settings
			best.Shape, best.Order = fastest.Settings.Shape, fastest.Settings.Order
			m := opened(t, p)
			for range 5 {
				require.NoError(t, m.cell(t.Context(), best))
				if fastest.Settings != best {
					require.NoError(t, m.cell(t.Context(), fastest.Settings))
				}
			}
			rate := m.res.Cells[0].Summary().Rate
			if fastest.Settings != best {
				require.GreaterOrEqual(t, rate, 0.95*m.res.Cells[1].Summary().Rate)
			}
		})
	}
}
