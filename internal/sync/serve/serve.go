// Package serve is the process that runs a job file at its times: it puts the
// schedule, the engine of syncs, health and metrics together.
package serve

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/copier"
	"github.com/pg2db9/pg2db9/internal/metrics"
	"github.com/pg2db9/pg2db9/internal/sync"
	"github.com/pg2db9/pg2db9/internal/sync/jobfile"
	"github.com/pg2db9/pg2db9/internal/sync/schedule"
)

// How long a table that failed waits for its next try: it begins with the first
// and doubles up to the second, each varied by a tenth, so that many processes
// do not come back at once.
const (
	firstWait = 30 * time.Second
	mostWait  = 15 * time.Minute
	spread    = 0.1
)

// Params is what Serve needs.
type Params struct {
	File *jobfile.File

	// Load reads the file again; an error keeps the one before.
	Load func(context.Context) (*jobfile.File, error)

	// Run runs what is selected of a file, once.
	Run func(ctx context.Context, f *jobfile.File, sel sync.Selection) (*sync.Report, error)

	// Known is what the target's ledger says of tables.
	Known func(context.Context) ([]sync.Status, error)

	Clock  schedule.Clock
	Reload <-chan struct{} // asks for Load
	Stop   <-chan struct{} // closed: what runs comes to its end, nothing else is begun

	Listen  string        // address of the health endpoint; "" is none
	Metrics *metrics.Sync // at the same address; nil is none
	Version string        // of this program
	Tell    Teller
}

// Teller hears what happens. Its methods are called one after the other.
type Teller interface {
	// Listening tells the address of the health endpoint.
	Listening(addr string)
	// Noted tells what the schedule decides.
	Noted(schedule.Note)
	// Ran tells what came of a run: a report with what was done, and an error
	// where it could not begin or not go on.
	Ran(run schedule.Run, rep *sync.Report, err error)
	// Reloaded tells that the file was read again; with an error the one before
	// is kept.
	Reloaded(f *jobfile.File, err error)
}

// server is one Serve at work.
type server struct {
	Params
	file   *jobfile.File // that runs begin with; the loop's own
	health *health
	said   chan struct{} // holds one token: whoever has it may tell
}

// Serve runs until Stop is closed and the last run has ended, or ctx ends.
func Serve(ctx context.Context, p Params) error {
	s := &server{Params: p, file: p.File, said: make(chan struct{}, 1)}
	s.health = &health{now: p.Clock.Now, version: p.Version, file: p.File.Path, loaded: p.Clock.Now()}
	known, err := p.Known(ctx)
	if err != nil {
		return err
	}
	if p.Metrics != nil {
		p.Metrics.Know(inFile(p.File, known))
	}
	closeListener, err := s.listen(ctx)
	if err != nil {
		return err
	}
	defer closeListener()

	units := schedule.Units(p.File)
	loop := &schedule.Loop{
		Schedule: schedule.New(units, p.Clock.Now(), schedule.Options{
			Zone: p.File.Timezone, Rand: rand.Int64N, First: firstWait, Most: mostWait, Spread: spread,
			AtOnce: 1, // the engine has the target for itself
			Note:   func(n schedule.Note) { s.tell(func(t Teller) { t.Noted(n) }) },
			Last:   func(u schedule.Unit) time.Time { return lastBegan(u, known) },
		}),
		Clock: p.Clock, Begin: s.begin, Reload: p.Reload, Load: s.load, Stop: p.Stop, Turn: s.turn,
	}
	return loop.Serve(ctx)
}

// tell lets one thing be told at a time.
func (s *server) tell(what func(Teller)) {
	s.said <- struct{}{}
	defer func() { <-s.said }()
	what(s.Tell)
}

// lastBegan is when a unit last began, as far as the ledger knows: of its
// tables the one whose last run is the longest ago.
func lastBegan(u schedule.Unit, known []sync.Status) time.Time {
	var oldest time.Time
	for i := range known {
		k := &known[i]
		if k.Last == nil || !slices.Contains(u.Tables, k.Table) {
			continue
		}
		if oldest.IsZero() || k.Last.Began.Before(oldest) {
			oldest = k.Last.Began
		}
	}
	return oldest
}

// inFile is what is known of a file's tables.
func inFile(f *jobfile.File, known []sync.Status) []metrics.SyncTable {
	var out []metrics.SyncTable
	for _, t := range f.Tables {
		m := metrics.SyncTable{Table: t.Table.String()}
		for i := range known {
			if known[i].Table == t.Table {
				m.Success, m.Moment = known[i].Success, known[i].Moment
			}
		}
		out = append(out, m)
	}
	return out
}

// begin gives the work of a run, with the file as it is now.
func (s *server) begin(run schedule.Run) func(context.Context) schedule.Outcome {
	f := s.file
	sel := sync.Selection{Group: run.Unit.Group}
	if !run.Whole || sel.Group == "" {
		sel.Tables = run.Tables
	}
	return func(ctx context.Context) schedule.Outcome {
		rep, err := s.Run(ctx, f, sel)
		s.count(rep)
		s.tell(func(t Teller) { t.Ran(run, rep, err) })
		return outcome(ctx, run, rep, err)
	}
}

// outcome says which tables have to be tried again. What a stop kept from being
// run is none of them.
func outcome(ctx context.Context, run schedule.Run, rep *sync.Report, err error) schedule.Outcome {
	var held *copier.LeaseHeldError
	if errors.As(err, &held) {
		return schedule.Outcome{Busy: true}
	}
	if ctx.Err() != nil {
		return schedule.Outcome{}
	}
	done := map[catalog.Name]bool{}
	if rep != nil {
		for i := range rep.Tables {
			e := &rep.Tables[i]
			done[e.Table] = e.Good() || e.Verdict == sync.Skipped
		}
	}
	var out schedule.Outcome
	for _, t := range run.Tables {
		if !done[t] && (rep == nil || !rep.Stopped || err != nil) {
			out.Failed = append(out.Failed, t)
		}
	}
	return out
}

// count adds a run's tables to the metrics.
func (s *server) count(rep *sync.Report) {
	if s.Metrics == nil || rep == nil {
		return
	}
	for i := range rep.Tables {
		e := &rep.Tables[i]
		m := metrics.SyncRun{
			Table: e.Table.String(), Mode: string(e.Mode), Verdict: string(e.Verdict), Good: e.Good(), Ended: e.Ended, Duration: e.Ended.Sub(e.Began),
			Read: e.Read, Inserted: e.Inserted, Updated: e.Updated, Deleted: e.Deleted, Bytes: e.Bytes, Differs: e.Mode == jobfile.Mirror && e.Good(),
		}
		if e.Good() {
			m.Moment = e.Moment
		}
		s.Metrics.Ran(m)
	}
}

// load reads the job file again.
func (s *server) load(ctx context.Context) ([]schedule.Unit, *time.Location, error) {
	f, err := s.Load(ctx)
	if s.Metrics != nil {
		s.Metrics.Reloaded(err == nil)
	}
	s.health.reloaded(s.Clock.Now(), err)
	if err == nil {
		s.file = f
		if s.Metrics != nil {
			s.Metrics.Know(inFile(f, nil))
		}
	}
	s.tell(func(t Teller) { t.Reloaded(f, err) })
	if err != nil {
		return nil, nil, err
	}
	return schedule.Units(f), f.Timezone, nil
}

// turn shows the state of all units.
func (s *server) turn(now time.Time, units []schedule.UnitStatus) {
	stopping := false
	select {
	case <-s.Stop:
		stopping = true
	default:
	}
	s.health.turn(now, units, stopping)
	if s.Metrics == nil {
		return
	}
	out := make([]metrics.SyncUnit, len(units))
	for i, u := range units {
		out[i] = metrics.SyncUnit{Name: u.Name, Running: u.Running, Next: u.Next, Failing: len(u.Failing)}
	}
	s.Metrics.Units(out)
}
