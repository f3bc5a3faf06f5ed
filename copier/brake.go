package copier

import (
	"context"
	"sync"
	"time"

	"github.com/pg2db9/pg2db9/internal/event"
	"github.com/pg2db9/pg2db9/internal/pace"
)

// hold is how far the source guard holds the readers back.
type hold int

const (
	holdNot   hold = iota
	holdSlow       // each rests for as long as it reads
	holdPause      // none reads, but where a transaction is open on the target
)

// What a reader does that is held back inside of an open transaction: it must
// not stand still there, or the transaction would idle for as long as the source
// is loaded.
const (
	crawl     = 9               // times as long resting as reading
	restMost  = 5 * time.Second // and no rest is longer
	paceEvery = 64 << 10        // bytes read between two looks at the brake
)

// brake holds the readers of a run back: under its rate, and as the guard says.
type brake struct {
	pace *pace.Pace

	mu      sync.Mutex
	state   hold
	changed chan struct{} // closed when the state changes
}

func newBrake(rate int64) *brake {
	return &brake{pace: pace.New(pace.Rate{Bytes: rate}), changed: make(chan struct{})}
}

// set changes the state, and wakes who waits.
func (b *brake) set(h hold) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.state != h {
		b.state = h
		close(b.changed)
		b.changed = make(chan struct{})
	}
}

func (b *brake) now() (hold, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.state, b.changed
}

// rein is the brake's hold on one reader.
type rein struct {
	brake *brake
	stop  <-chan struct{}
	meter *event.Meter
	owed  int64     // bytes read and not taken from the rate
	since time.Time // it has been reading
}

func (c *copyRun) newRein(m *event.Meter) *rein {
	return &rein{brake: c.brake, stop: c.Stop, meter: m, since: time.Now()}
}

// took counts bytes that were read, and waits where it must. Open says that a
// transaction is open on the target. A pause ends with errStopped when the run
// is to stop.
func (r *rein) took(ctx context.Context, bytes int, open bool) error {
	r.owed += int64(bytes)
	if r.owed < paceEvery {
		return nil
	}
	return r.wait(ctx, open)
}

// wait waits for the rate and the guard.
func (r *rein) wait(ctx context.Context, open bool) error {
	read := time.Since(r.since)
	defer func() { r.since = time.Now() }()
	d := r.brake.pace.Pay(r.owed, 0)
	r.owed = 0
	if d > 0 {
		if err := r.rest(ctx, d, nil, event.WaitRate); err != nil {
			return err
		}
	}
	for {
		state, changed := r.brake.now()
		switch {
		case state == holdNot:
			return nil
		case state == holdSlow:
			return r.rest(ctx, min(read, restMost), changed, event.WaitGuard)
		case open:
			return r.rest(ctx, min(crawl*read, restMost), changed, event.WaitGuard)
		}
		r.meter.Wait(event.WaitGuard)
		select {
		case <-changed:
			r.meter.Wait(event.WaitNothing)
		case <-r.stop:
			return errStopped
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// rest waits for a while, or until the state changes.
func (r *rein) rest(ctx context.Context, d time.Duration, changed <-chan struct{}, why event.Waits) error {
	r.meter.Wait(why)
	defer r.meter.Wait(event.WaitNothing)
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-changed:
	case <-r.stop: // the batch at hand comes to its end, and is the last
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}
