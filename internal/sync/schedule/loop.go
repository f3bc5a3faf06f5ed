package schedule

import (
	"context"
	"sync"
	"time"
)

// lookEvery is how often the loop looks at the clock at least: one that was set, or
// a machine that slept, is noticed within it.
const lookEvery = time.Minute

// Clock tells the time, and waits.
type Clock interface {
	// Now is what the wall's clock shows.
	Now() time.Time
	// Timer gives a sign after a while; stop ends it.
	Timer(d time.Duration) (sign <-chan time.Time, stop func())
}

// Wall is the machine's clock.
type Wall struct{}

// Now is without the reading of a clock that stands still while a machine sleeps.
func (Wall) Now() time.Time { return time.Now().Round(0) }

// Timer is a timer.
func (Wall) Timer(d time.Duration) (<-chan time.Time, func()) {
	t := time.NewTimer(d)
	return t.C, func() { t.Stop() }
}

// Loop runs a schedule.
type Loop struct {
	Schedule *Schedule
	Clock    Clock

	// Begin gives the work of a run; the work is done beside the loop, and its
	// context ends when the loop's does.
	Begin func(Run) func(context.Context) Outcome

	// Reload asks for Load, whose answer replaces the units; where it is an
	// error, all stays as it is, and Load has told.
	Reload <-chan struct{}
	Load   func(context.Context) ([]Unit, *time.Location, error)

	// Stop, when closed, begins no further run; those under way end.
	Stop <-chan struct{}

	// Turn hears of each turn of the loop, at least every minute; nil: nobody does.
	Turn func(now time.Time, units []UnitStatus)
}

// ended is a run that came to its end.
type ended struct {
	run Run
	out Outcome
}

// Serve runs until Stop is closed and the last run has ended, or the context
// ends, and with it the runs.
func (l *Loop) Serve(ctx context.Context) error {
	var runs sync.WaitGroup
	defer runs.Wait()
	done := make(chan ended)
	under, stopping, stop := 0, false, l.Stop
	for {
		if !stopping && ctx.Err() == nil {
			for _, run := range l.Schedule.Take(l.Clock.Now()) {
				work := l.Begin(run)
				under++
				runs.Go(func() { done <- ended{run, work(ctx)} })
			}
		}
		if l.Turn != nil {
			l.Turn(l.Clock.Now(), l.Schedule.Status())
		}
		if under == 0 && (stopping || ctx.Err() != nil) {
			return ctx.Err()
		}
		over := ctx.Done()
		if ctx.Err() != nil {
			over = nil // the runs' ends are waited for
		}
		wait := lookEvery // while it stops, nothing is due
		if !stopping && ctx.Err() == nil {
			wait = l.wait()
		}
		sign, quiet := l.Clock.Timer(wait)
		select {
		case e := <-done:
			under--
			l.Schedule.Done(e.run, e.out, l.Clock.Now())
		case <-l.Reload:
			if units, zone, err := l.Load(ctx); err == nil {
				l.Schedule.Replace(units, zone, l.Clock.Now())
			}
		case <-stop:
			stopping, stop = true, nil
		case <-over:
		case <-sign:
		}
		quiet()
	}
}

// wait is how long nothing is due.
func (l *Loop) wait() time.Duration {
	next := l.Schedule.Next()
	if next.IsZero() {
		return lookEvery
	}
	return min(max(next.Sub(l.Clock.Now()), 0), lookEvery)
}
