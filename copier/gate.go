package copier

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgerrcode"

	"github.com/pg2db9/pg2db9/internal/dial"
)

// A measurement of the target takes so long at least, and so many batches of each
// place: with few of them it is chance how many end just before it does.
const (
	gateWindow  = 5 * time.Second
	gateBatches = 6
)

// gate gives the workers places, as many as the controller says. A worker holds
// its place from part to part; one that waits for a place between two parts holds
// no connection.
type gate struct {
	window time.Duration
	tell   func(limit int, why string) // a change; called under the lock
	stop   <-chan struct{}

	mu      sync.Mutex
	ctl     *controller
	active  int             // places taken
	waiting []chan struct{} // in order of arrival; closed when the place is given
	whole   int             // workers with both connections

	since  time.Time // of the window
	bytes  int64
	number int // of batches
	took   time.Duration
	cut    bool // a server has refused a connection
	fell   time.Time
}

func newGate(ctl *controller, stop <-chan struct{}, tell func(int, string)) *gate {
	return &gate{window: gateWindow, ctl: ctl, stop: stop, tell: tell, since: time.Now()}
}

// enter waits for a place; false when the run ends before there is one.
func (g *gate) enter(ctx context.Context) bool {
	g.mu.Lock()
	if g.active < g.ctl.limit && len(g.waiting) == 0 {
		g.active++
		g.mu.Unlock()
		return true
	}
	mine := make(chan struct{})
	g.waiting = append(g.waiting, mine)
	g.mu.Unlock()
	select {
	case <-mine:
		return true
	case <-ctx.Done():
	case <-g.stop:
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if i := slices.Index(g.waiting, mine); i >= 0 {
		g.waiting = slices.Delete(g.waiting, i, i+1)
		return false
	}
	g.active-- // it was given in the same moment
	g.admit()
	return false
}

// leave gives a place back.
func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.active--
	g.admit()
}

// yield gives the place back if there are more taken than the limit is now.
func (g *gate) yield() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.active <= g.ctl.limit {
		return false
	}
	g.active--
	return true
}

// admit gives free places to those who wait.
func (g *gate) admit() {
	for g.active < g.ctl.limit && len(g.waiting) > 0 {
		close(g.waiting[0])
		g.waiting = g.waiting[1:]
		g.active++
	}
}

// connected counts a worker that has both its connections, or has them no more.
func (g *gate) connected(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.whole += n
}

// refused takes its place from a worker that a server refused a connection, when
// others have theirs. When nobody has, the server is tried again as one that is
// away is.
func (g *gate) refused(err error) bool {
	if dial.SQLState(err) != pgerrcode.TooManyConnections {
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.whole == 0 {
		return false
	}
	g.cut = true
	g.active--
	g.step(measurement{refused: true, works: g.active})
	return true
}

// tight says that a server has refused a connection: none is to be had but in
// exchange for another.
func (g *gate) tight() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.cut
}

// retried counts an error that may pass. Several workers meet the same trouble:
// one fall a window is enough.
func (g *gate) retried() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if time.Since(g.fell) >= g.window {
		g.fell = time.Now()
		g.step(g.measured(1))
	}
}

// committed counts a batch, and ends the window when enough is known.
func (g *gate) committed(bytes int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.bytes += bytes
	g.number++
	if time.Since(g.since) >= g.window && g.number >= gateBatches*g.ctl.limit {
		g.step(g.measured(0))
	}
}

// latency counts how long the answer to a COMMIT took.
func (g *gate) latency(took time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.took += took
}

func (g *gate) measured(retries int) measurement {
	m := measurement{retries: retries, busy: g.active >= g.ctl.limit}
	if s := time.Since(g.since).Seconds(); s > 0 {
		m.rate = float64(g.bytes) / s
	}
	if g.number > 0 {
		m.latency = g.took / time.Duration(g.number)
	}
	return m
}

// step ends a window.
func (g *gate) step(m measurement) {
	limit, why := g.ctl.next(m)
	g.since, g.bytes, g.number, g.took = time.Now(), 0, 0, 0
	if why != "" {
		g.tell(limit, why)
	}
	g.admit()
}

// limit is how many may work at this moment.
func (g *gate) limit() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.ctl.limit
}
