package copier

import (
	"context"
	"errors"
	"fmt"

	"github.com/pg2db9/pg2db9/internal/event"
)

// newGate returns the run's gate: Jobs places at first, and from then on as many
// as the target takes, between the bounds.
func (c *copyRun) newGate() *gate {
	least := c.MinJobs
	if c.MaxJobs <= c.Jobs && least == 0 {
		least = c.Jobs // fixed
	} else if least == 0 {
		least = 1
	}
	g := newGate(newController(c.Jobs, least, max(c.MaxJobs, c.Jobs)), c.Stop, func(limit int, why string) {
		if c.Log != nil {
			c.Log.Info("jobs", "limit", limit, "why", why)
		}
	})
	if c.faults != nil && c.faults.gateWindow > 0 {
		g.window = c.faults.gateWindow
	}
	return g
}

// enter makes sure of the worker's place before its next part. It gives up its
// connections before it waits for one: others may have the place then, and need
// them.
func (w *worker) enter(ctx context.Context) bool {
	if w.placed && !w.gate.yield() {
		return true
	}
	if w.placed {
		w.placed = false
		w.rest(ctx)
	}
	w.placed = w.gate.enter(ctx)
	return w.placed
}

// settleOwn brings what this worker has under way to its end.
func (w *worker) settleOwn(ctx context.Context) {
	if err := w.answers(ctx); err != nil {
		w.crash(ctx, nil, err)
	}
	w.land(ctx)
}

// rest brings what is under way to its end and closes the connections.
func (w *worker) rest(ctx context.Context) {
	w.settleOwn(ctx)
	w.close()
}

// between is called at the end of a batch, where no transaction is open on the
// target: a worker that is one too many waits there, with what it has sent
// answered.
func (w *worker) between(ctx context.Context) error {
	if !w.gate.yield() {
		return nil
	}
	w.placed = false
	if w.Log != nil {
		w.Log.DebugContext(ctx, "a job waits between two batches")
	}
	if err := w.to.await(ctx, 0); err != nil {
		w.placed = w.gate.enter(ctx)
		return err
	}
	if w.placed = w.gate.enter(ctx); w.placed {
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return errStopped
}

// calm waits before a part until the brake lets it begin. What was sent before is
// brought to its end first: a pause may be long.
func (w *worker) calm(ctx context.Context, s *partState) error {
	if w.rein == nil {
		w.rein = w.newRein(nil)
	}
	w.rein.meter = s.meter
	if state, _ := w.brake.now(); state == holdPause {
		if err := w.to.await(ctx, 0); err != nil {
			if w.to.blame != nil {
				err = w.to.blame.writing(err)
			}
			return err
		}
		w.land(ctx)
	}
	return w.rein.wait(ctx, false)
}

// errNoPlace is a part that goes back to the queue: its worker has lost its place.
var errNoPlace = errors.New("a server has no connection for another job")

// displaced says that a server refused this worker a connection while others
// have theirs. The worker has lost its place; the part goes back to the queue.
func (w *worker) displaced(err error) bool {
	if !w.placed || !w.gate.refused(err) {
		return false
	}
	w.placed = false
	w.Bus.Emit(event.Note{Text: fmt.Sprintf("a server has no connection for another job: %d go on (%v)", w.gate.limit(), err)})
	return true
}

// putBack gives a part back to the queue, for whoever has a place.
func (w *worker) putBack(s *partState) {
	defer w.keys.end()
	w.Progress.Finish(s.meter, false)
	w.back(s)
}
