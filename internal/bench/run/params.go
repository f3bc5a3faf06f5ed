package run

import (
	"context"
	"slices"
	"time"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/bench/result"
	"github.com/pg2db9/pg2db9/internal/bench/shape"
	"github.com/pg2db9/pg2db9/internal/dial"
)

// Params is what Run needs.
type Params struct {
	Source  *dial.Endpoint // nil: rows are made
	Target  *dial.Endpoint // nil: rows go to nothing
	Profile ddlgen.Profile
	Filter  catalog.Filter // of the source's tables

	Grid   Grid
	Search bool // climb to the best settings instead of measuring all

	Size     int64         // bytes of COPY TEXT of a run; 0 is no bound but Duration
	Duration time.Duration // of a run; 0 is no bound but Size
	WarmUp   time.Duration // left out of a run at least; what is more is found
	Repeat   int           // runs of each cell
	Seed     uint64

	// Ask is asked before more than AskAbove bytes are written; its error ends the
	// measurement.
	Ask func(bytes int64) error

	Notes     []string          // what is to be said about the rows, in the result
	Program   string            // name and version
	Simulated bool              // the target is known to be a stand-in
	Say       func(text string) // told what is done; nil is not

	slower func(*tables) // tests make a source slow by it
}

// AskAbove is how many bytes a measurement writes without a question.
const AskAbove = 10_000_000_000

// Grid are the values of each setting that are measured, every one with every
// other. Each has one at least.
type Grid struct {
	Jobs       []int
	BatchRows  []int64
	BatchBytes []int64
	Pipeline   []int
	PrimaryKey []string // inline, after
	Orders     []shape.Order
	Shapes     []shape.Shape
}

// AwaitedTrips is how many round trips a batch takes in which no row is sent, where
// each answer is awaited: those of BEGIN and the token, the end of COPY, the ledger
// row, and COMMIT.
const AwaitedTrips = 4

// The values of Settings.PrimaryKey.
const (
	KeyInline = "inline"
	KeyAfter  = "after"
)

// Tables is Settings.Shape where the rows are a source's own.
const Tables = "tables"

// OfProfile are the values that a profile has, for the settings that nobody named.
func OfProfile(p ddlgen.Profile, jobs int) Grid {
	key := KeyAfter
	if p.InlinePrimaryKey {
		key = KeyInline
	}
	return Grid{
		Jobs: []int{jobs}, BatchRows: []int64{p.BatchRows}, BatchBytes: []int64{p.BatchBytes}, Pipeline: []int{pipelineOf(p)},
		PrimaryKey: []string{key}, Orders: []shape.Order{shape.OrderKey},
	}
}

// pipelineOf is how many batches a profile has under way on a connection.
func pipelineOf(p ddlgen.Profile) int {
	if p.Await {
		return 1
	}
	return max(1, p.Window)
}

// kind is what is measured.
func (p *Params) kind() string {
	switch {
	case p.Source != nil && p.Target != nil:
		return result.KindBoth
	case p.Source != nil:
		return result.KindSource
	case p.Target != nil:
		return result.KindTarget
	}
	return result.KindNone
}

// cells are the settings of the grid. Those that mean nothing to what is measured
// are left out of them.
func (p *Params) cells() []result.Settings {
	g := p.Grid
	if p.Target == nil {
		g.PrimaryKey = []string{""}
	}
	orders, shapes := []string{""}, []string{Tables}
	if p.Source == nil {
		orders, shapes = nil, nil
		for _, o := range g.Orders {
			orders = append(orders, string(o))
		}
		for _, s := range g.Shapes {
			shapes = append(shapes, s.Name)
		}
	}
	var out []result.Settings
	for _, sh := range shapes {
		for _, order := range orders {
			for _, key := range g.PrimaryKey {
				for _, pipeline := range g.Pipeline {
					for _, bytes := range g.BatchBytes {
						for _, rows := range g.BatchRows {
							for _, jobs := range g.Jobs {
								s := result.Settings{Jobs: jobs, BatchRows: rows, BatchBytes: bytes, Pipeline: pipeline, PrimaryKey: key, Order: order, Shape: sh}
								if !slices.Contains(out, s) {
									out = append(out, s)
								}
							}
						}
					}
				}
			}
		}
	}
	return out
}

// profile is the profile under the settings of a cell.
func (p *Params) profile(s result.Settings) ddlgen.Profile {
	f := p.Profile
	f.BatchRows, f.BatchBytes = s.BatchRows, s.BatchBytes
	if s.Pipeline != pipelineOf(f) { // more than one batch cannot be awaited each
		f.Window, f.Await = s.Pipeline, f.Await && s.Pipeline <= 1
	}
	f.InlinePrimaryKey = s.PrimaryKey == KeyInline
	return f
}

func (p *Params) say(text string) {
	if p.Say != nil {
		p.Say(text)
	}
}

// wait is a context that outlives ctx, for cleaning up.
func wait(ctx context.Context, d time.Duration, cause error) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(context.WithoutCancel(ctx), d, cause)
}
