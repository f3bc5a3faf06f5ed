package schedule

import (
	"cmp"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/internal/sync/jobfile"
)

// grace is how late a run may begin and still count as on time: a machine that
// slept, or was stopped, is later than that.
const grace = time.Minute

// Options are what a schedule goes by, beside its units.
type Options struct {
	Zone   *time.Location
	AtOnce int                  // runs under way at once, at least 1
	Rand   func(n int64) int64  // in [0, n), for jitter
	First  time.Duration        // after a first failure
	Most   time.Duration        // between tries, at most
	Note   func(Note)           // nil: nobody listens
	Spread float64              // part of a wait by which it may vary, 0 to 1
	Last   func(Unit) time.Time // when a unit last began, zero: never, or not known; nil: never
}

// Schedule is the state of all units. It is not safe for concurrent use.
type Schedule struct {
	opts  Options
	units []*state
}

// state is one unit's.
type state struct {
	unit Unit
	due  time.Time // the next time of its cron line; zero: never
	at   time.Time // due and its jitter

	queued  Reason // waits for its turn; "" does not
	since   time.Time
	running bool
	missed  time.Time // the last time that came while it ran; zero: none did
	gone    bool      // no longer in the file; kept while it runs

	busy    *backoff.ExponentialBackOff // another process has the lease; nil: none
	busyAt  time.Time
	failing map[catalog.Name]*failure
}

// failure is a table that failed, and when it is tried again.
type failure struct {
	wait *backoff.ExponentialBackOff
	at   time.Time
}

// New begins a schedule. What was due between a unit's last run and now is
// missed.
func New(units []Unit, now time.Time, opts Options) *Schedule {
	s := &Schedule{opts: opts}
	if s.opts.Note == nil {
		s.opts.Note = func(Note) {}
	}
	for _, u := range units {
		s.units = append(s.units, s.begin(u, now))
	}
	return s
}

// begin is a unit that was not there before.
func (s *Schedule) begin(u Unit, now time.Time) *state {
	st := &state{unit: u, failing: map[catalog.Name]*failure{}}
	if s.opts.Last != nil {
		if last := s.opts.Last(u); !last.IsZero() && last.Before(now) {
			if due, err := u.Timing.Schedule.Next(last, s.opts.Zone); err == nil && !due.After(now) {
				s.late(st, due)
			}
		}
	}
	s.plan(st, now)
	return st
}

// late is a time that was missed.
func (s *Schedule) late(st *state, due time.Time) {
	if st.unit.Timing.Missed == jobfile.Skip {
		s.opts.Note(Note{What: LeftOut, Unit: st.unit.Name, At: due})
		return
	}
	s.opts.Note(Note{What: Late, Unit: st.unit.Name, At: due})
	st.queue(Missed, due)
}

func (st *state) queue(r Reason, due time.Time) {
	if st.queued == "" || st.queued == Retry { // a whole run includes what is tried again
		st.queued, st.since = r, due
	}
}

// plan finds the next time after t.
func (s *Schedule) plan(st *state, t time.Time) {
	st.due, st.at = time.Time{}, time.Time{}
	next, err := st.unit.Timing.Schedule.Next(t, s.opts.Zone)
	if err != nil {
		return
	}
	st.due, st.at = next, next
	if jitter := st.unit.Timing.Jitter; jitter > 0 && s.opts.Rand != nil {
		// Not beyond the time after it: that would be lost.
		if after, err := st.unit.Timing.Schedule.Next(next, s.opts.Zone); err == nil {
			jitter = min(jitter, after.Sub(next))
		}
		st.at = next.Add(time.Duration(s.opts.Rand(int64(jitter))))
	}
}

// Next is when something is due next; zero: nothing is.
func (s *Schedule) Next() time.Time {
	var first time.Time
	soonest := func(t time.Time) {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	for _, st := range s.units {
		if st.gone {
			continue
		}
		soonest(st.at)
		if st.running {
			continue
		}
		if st.queued == "" {
			soonest(st.retryAt())
		}
		soonest(st.busyAt)
	}
	return first
}

// retryAt is when the first failed table is tried again; zero: none failed.
func (st *state) retryAt() time.Time {
	var first time.Time
	for _, f := range st.failing {
		if first.IsZero() || f.at.Before(first) {
			first = f.at
		}
	}
	return first
}

// Take begins what is due. The caller says by Done what came of each run.
func (s *Schedule) Take(now time.Time) []Run {
	for _, st := range s.units {
		if !st.gone {
			s.look(st, now)
		}
	}
	var waiting []*state
	free := s.opts.AtOnce
	for _, st := range s.units {
		switch {
		case st.running:
			free--
		case st.queued != "" && !st.gone && !st.busyAt.After(now):
			waiting = append(waiting, st)
		}
	}
	slices.SortStableFunc(waiting, func(a, b *state) int { return a.since.Compare(b.since) })
	var out []Run
	for _, st := range waiting {
		if len(out) >= free {
			break
		}
		run := Run{Unit: st.unit, Tables: st.ready(now, st.queued == Retry), Reason: st.queued, Due: st.since}
		st.queued = ""
		if len(run.Tables) == 0 {
			s.opts.Note(Note{What: Waits, Unit: st.unit.Name, At: st.retryAt()})
			continue
		}
		run.Whole = len(run.Tables) == len(st.unit.Tables)
		st.running, st.busyAt = true, time.Time{}
		s.opts.Note(Note{What: Began, Unit: st.unit.Name, At: now, Run: &run})
		out = append(out, run)
	}
	return out
}

// look queues a unit whose time has come.
func (s *Schedule) look(st *state, now time.Time) {
	if !st.at.IsZero() && !st.at.After(now) {
		due, late := st.due, now.Sub(st.at) > grace
		if late {
			s.plan(st, now) // of several times that have passed one is made up for
		} else {
			s.plan(st, due)
		}
		switch {
		case st.running:
			st.missed = due
			s.opts.Note(Note{What: Overlaps, Unit: st.unit.Name, At: due})
		case late:
			s.late(st, due)
		default:
			st.queue(Due, due)
		}
	}
	if !st.busyAt.After(now) {
		st.busyAt = time.Time{} // its turn, when there is room
	}
	if at := st.retryAt(); !st.running && st.queued == "" && !at.IsZero() && !at.After(now) {
		st.queue(Retry, at)
	}
}

// ready lists the tables that can run: those that failed not before their time,
// and of a retry only those that failed.
func (st *state) ready(now time.Time, retry bool) []catalog.Name {
	var out []catalog.Name
	for _, t := range st.unit.Tables {
		f := st.failing[t]
		if f == nil && !retry || f != nil && !f.at.After(now) {
			out = append(out, t)
		}
	}
	return out
}

// Done ends a run.
func (s *Schedule) Done(run Run, out Outcome, now time.Time) {
	i := slices.IndexFunc(s.units, func(st *state) bool { return st.unit.Name == run.Unit.Name && st.running })
	if i < 0 {
		return
	}
	st := s.units[i]
	st.running = false
	s.opts.Note(Note{What: Ended, Unit: run.Unit.Name, At: now, Run: &run})
	if st.gone {
		s.units = slices.Delete(s.units, i, i+1)
		return
	}
	missed := st.missed
	st.missed = time.Time{}
	if out.Busy {
		s.wasBusy(st, run, now)
		return
	}
	st.busy, st.busyAt = nil, time.Time{}
	for _, t := range run.Tables {
		if slices.Contains(out.Failed, t) {
			s.failed(st, t, now)
		} else if st.failing[t] != nil {
			delete(st.failing, t)
			s.opts.Note(Note{What: Recovered, Unit: st.unit.Name, Table: t, At: now})
		}
	}
	switch {
	case missed.IsZero():
	case run.Reason == Retry && !run.Whole:
		st.queue(Missed, missed) // tables that fail keep no other from its time
	default:
		s.late(st, missed)
	}
}

// wasBusy tries a unit again until the lease is free, or leaves this time out.
func (s *Schedule) wasBusy(st *state, run Run, now time.Time) {
	if st.unit.Timing.Missed == jobfile.Skip && run.Reason != Retry {
		s.opts.Note(Note{What: LeftOut, Unit: st.unit.Name, At: run.Due})
		return
	}
	if st.busy == nil {
		st.busy = s.newWait()
	}
	st.busyAt = now.Add(st.busy.NextBackOff())
	st.queue(cmp.Or(run.Reason, Missed), run.Due)
	s.opts.Note(Note{What: IsBusy, Unit: st.unit.Name, At: st.busyAt})
}

func (s *Schedule) failed(st *state, t catalog.Name, now time.Time) {
	if !slices.Contains(st.unit.Tables, t) { // a reload took it away meanwhile
		return
	}
	f := st.failing[t]
	if f == nil {
		f = &failure{wait: s.newWait()}
		st.failing[t] = f
	}
	f.at = now.Add(f.wait.NextBackOff())
	s.opts.Note(Note{What: Failing, Unit: st.unit.Name, Table: t, At: f.at})
}

func (s *Schedule) newWait() *backoff.ExponentialBackOff {
	b := &backoff.ExponentialBackOff{InitialInterval: s.opts.First, RandomizationFactor: s.opts.Spread, Multiplier: 2, MaxInterval: s.opts.Most}
	b.Reset()
	return b
}

// Replace goes on with the units of another file. Those of the same name keep
// what is known of them; a run under way comes to its end.
func (s *Schedule) Replace(units []Unit, zone *time.Location, now time.Time) {
	moved := zone.String() != s.opts.Zone.String()
	s.opts.Zone = zone
	var kept []*state
	for _, u := range units {
		i := slices.IndexFunc(s.units, func(st *state) bool { return st.unit.Name == u.Name })
		if i < 0 {
			kept = append(kept, s.begin(u, now))
			continue
		}
		st := s.units[i]
		other := st.unit.Timing != u.Timing || moved || st.gone
		st.unit, st.gone = u, false
		for t := range st.failing {
			if !slices.Contains(u.Tables, t) {
				delete(st.failing, t)
			}
		}
		if other {
			s.plan(st, now)
		}
		kept = append(kept, st)
	}
	for _, st := range s.units {
		if st.running && !slices.Contains(kept, st) {
			st.gone = true
			kept = append(kept, st)
		}
	}
	s.units = kept
	s.opts.Note(Note{What: Reloaded, At: now})
}

// UnitStatus is what is known of a unit.
type UnitStatus struct {
	Name    string
	Running bool
	Next    time.Time // zero: never
	Failing []Again
}

// Again is a table that failed, and when it is tried again.
type Again struct {
	Table catalog.Name
	At    time.Time
}

// Status lists all units, in order.
func (s *Schedule) Status() []UnitStatus {
	out := make([]UnitStatus, 0, len(s.units))
	for _, st := range s.units {
		if st.gone {
			continue
		}
		u := UnitStatus{Name: st.unit.Name, Running: st.running, Next: st.at}
		for _, t := range st.unit.Tables {
			if f := st.failing[t]; f != nil {
				u.Failing = append(u.Failing, Again{Table: t, At: f.at})
			}
		}
		out = append(out, u)
	}
	return out
}
