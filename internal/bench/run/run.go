package run

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/pg2db9/pg2db9/internal/bench/result"
	"github.com/pg2db9/pg2db9/internal/bench/shape"
	"github.com/pg2db9/pg2db9/internal/dial"
)

// Application is the name of a measurement's sessions on both servers.
const Application = "pg2db9 bench"

// measurement is one Run under way.
type measurement struct {
	p      Params
	res    *result.Result
	source *dial.Endpoint
	target *dial.Endpoint
	shapes map[string]shape.Shape
	makers map[string]*shape.Maker // by shape and order
	tables *tables                 // nil: rows are made
	box    *sandbox                // nil: rows go to nothing

	askSource *asker
	askTarget *asker
	written   int64 // bytes
	asked     bool  // the user agreed to write much

	run    string   // the last one, in the ledger
	keySQL []string // of its tables

	measure func(context.Context, result.Settings) (result.Run, error) // nil: one; tests of the search have no server
}

// note keeps what was otherwise than one might think.
func (m *measurement) note(text string) {
	if !slices.Contains(m.res.Notes, text) {
		m.res.Notes = append(m.res.Notes, text)
	}
}

// Run measures. The target is left as it was, whatever happens. What was measured
// before an error, or before ctx ended, is in the result beside it.
func Run(ctx context.Context, p Params) (_ *result.Result, err error) {
	started := time.Now()
	m := &measurement{p: p, shapes: map[string]shape.Shape{}, makers: map[string]*shape.Maker{}}
	m.res = &result.Result{
		Version: result.Version, Program: p.Program, Kind: p.kind(), Started: started, Profile: p.Profile.Name, Simulated: p.Simulated, Seed: p.Seed,
		Machine:  result.Machine{OS: runtime.GOOS, Arch: runtime.GOARCH, CPUs: runtime.NumCPU(), GOMAXPROCS: runtime.GOMAXPROCS(0), Go: runtime.Version()},
		Ceilings: []result.Ceiling{}, Cells: []result.Cell{}, Notes: []string{},
	}
	for _, n := range p.Notes {
		m.note(n)
	}
	defer func() {
		err = errors.Join(err, m.close(ctx))
		m.res.Seconds = time.Since(started).Seconds()
		m.res.Best = m.res.Recommend()
	}()
	if err := m.open(ctx); err != nil {
		return m.res, err
	}
	if err := m.ceilings(ctx); err != nil {
		return m.res, err
	}
	if p.Search {
		return m.res, m.climb(ctx)
	}
	cells := m.p.cells()
	if err := m.allow(int64(len(cells)*p.Repeat) * p.Size); err != nil {
		return m.res, err
	}
	// All cells in turn, and again: what servers and machine do meanwhile is spread
	// over all of them. Each round begins with another.
	for round := range p.Repeat {
		for i := range cells {
			if err := m.cell(ctx, cells[(i+round)%len(cells)]); err != nil {
				return m.res, err
			}
		}
	}
	m.order(cells)
	return m.res, nil
}

// cell makes one more run under the settings.
func (m *measurement) cell(ctx context.Context, s result.Settings) error {
	measure := m.one
	if m.measure != nil {
		measure = m.measure
	}
	r, err := measure(ctx, s)
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if err != nil {
		return err
	}
	i := slices.IndexFunc(m.res.Cells, func(c result.Cell) bool { return c.Settings == s })
	if i < 0 {
		i = len(m.res.Cells)
		m.res.Cells = append(m.res.Cells, result.Cell{Settings: s})
	}
	c := &m.res.Cells[i]
	c.Runs = append(c.Runs, r)
	m.p.say(fmt.Sprintf("%s: %.1f MB/s (run %d)", s, r.Rate, len(c.Runs)))
	if m.target == nil {
		return nil
	}
	m.written += r.Bytes
	if m.written+r.Bytes > AskAbove {
		return m.allow(m.written + r.Bytes)
	}
	return nil
}

// allow asks before much is written.
func (m *measurement) allow(bytes int64) error {
	if m.target == nil || bytes <= AskAbove || m.asked {
		return nil
	}
	m.asked = true
	return m.p.Ask(bytes)
}

// order puts the cells into the order of the grid.
func (m *measurement) order(cells []result.Settings) {
	slices.SortStableFunc(m.res.Cells, func(a, b result.Cell) int {
		return slices.Index(cells, a.Settings) - slices.Index(cells, b.Settings)
	})
}

// ceilings measures what the program passes on by itself, shape by shape.
func (m *measurement) ceilings(ctx context.Context) error {
	if m.tables != nil || m.target == nil {
		return nil
	}
	const lasts = 150 * time.Millisecond
	own := &measurement{p: m.p, shapes: m.shapes, makers: m.makers}
	own.p.Source, own.p.Target, own.p.Size, own.p.Duration, own.p.WarmUp = nil, nil, 0, lasts, 0
	for _, s := range m.p.Grid.Shapes {
		set := own.p.cells()[0]
		set.Shape, set.Jobs = s.Name, slices.Max(m.p.Grid.Jobs)
		r, err := own.one(ctx, set)
		if err != nil {
			return err
		}
		m.res.Ceilings = append(m.res.Ceilings, result.Ceiling{Shape: s.Name, Jobs: set.Jobs, Rate: r.Rate})
	}
	return nil
}

// close leaves both servers as they were.
func (m *measurement) close(ctx context.Context) error {
	m.askSource.close(ctx)
	m.askTarget.close(ctx)
	if m.tables != nil {
		m.tables.snapshot.Close(ctx)
	}
	if m.box == nil {
		return nil
	}
	return m.box.close(ctx)
}
