package ui

import (
	"io"
	"sync"
	"time"

	"github.com/pg2db9/pg2db9/internal/event"
)

// Mode is how a run is shown.
type Mode int

// The modes.
const (
	Plain Mode = iota + 1 // lines on stderr
	Bars                  // bars on a terminal
	JSON                  // objects on stdout
)

// Options is what New needs.
type Options struct {
	Mode     Mode
	Quiet    bool      // no progress, only what went wrong
	Err      io.Writer // where lines and bars go
	Out      io.Writer // where JSON lines go
	Progress *event.Progress

	Interval time.Duration    // between progress lines; 0 is the mode's own
	Tick     <-chan time.Time // instead of a ticker, for tests
	Now      func() time.Time // for tests; nil is time.Now
}

// interval between progress outputs where the options set none.
func (m Mode) interval() time.Duration {
	switch m {
	case Bars:
		return 200 * time.Millisecond
	case JSON:
		return time.Second
	case Plain:
	}
	return 10 * time.Second
}

// sampleEvery is how often meters are read, so that the rates of rarely printed
// lines rest on more than two points.
const sampleEvery = 500 * time.Millisecond

// printer is one way to show a run. Its methods are called from one goroutine
// at a time.
type printer interface {
	event(e event.Event)
	progress(s sample)
	writer() io.Writer // for text that must not tear what is shown
	close()
}

// UI listens to a run and shows it.
type UI struct {
	interval time.Duration

	mu       sync.Mutex
	p        printer
	progress *event.Progress
	sampler  *sampler
	stage    stage
	printed  time.Time // of the last progress output
	closed   bool

	stop chan struct{}
	done chan struct{}
}

var _ event.Listener = (*UI)(nil)

// New returns a UI whose sampling goroutine runs until Close.
func New(o Options) *UI {
	if o.Now == nil {
		o.Now = time.Now
	}
	u := &UI{
		progress: o.Progress, interval: o.Interval, sampler: newSampler(),
		stop: make(chan struct{}), done: make(chan struct{}),
	}
	if u.interval == 0 {
		u.interval = o.Mode.interval()
	}
	switch {
	case o.Mode == JSON:
		u.p = &jsonLines{lines: &Lines{w: o.Out, now: o.Now}, quiet: o.Quiet, errs: o.Err}
	case o.Mode == Bars && !o.Quiet:
		u.p = newBars(o.Err)
	default:
		u.p = &plain{w: o.Err, quiet: o.Quiet}
	}
	u.printed = o.Now()
	go u.run(o.Tick)
	return u
}

// run samples until the UI is closed.
func (u *UI) run(tick <-chan time.Time) {
	defer close(u.done)
	if tick == nil {
		t := time.NewTicker(min(sampleEvery, u.interval))
		defer t.Stop()
		tick = t.C
	}
	for {
		select {
		case <-u.stop:
			return
		case at := <-tick:
			u.sample(at, false)
		}
	}
}

// sample reads the meters and prints progress when it is due, or asked for.
func (u *UI) sample(at time.Time, now bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.closed {
		return
	}
	s := u.sampler.next(u.progress.Snapshot(), u.stage)
	if now || at.Sub(u.printed) >= u.interval {
		u.printed = at
		u.p.progress(s)
	}
}

// Watch shows other meters from now on: verification has its own.
func (u *UI) Watch(p *event.Progress) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.progress, u.sampler = p, newSampler()
}

// Kick prints progress at once (SIGUSR1).
func (u *UI) Kick() { u.sample(time.Now(), true) }

// On implements event.Listener.
func (u *UI) On(e event.Event) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.closed {
		return
	}
	switch e := e.(type) {
	case event.PhaseStarted:
		u.stage = stage{phase: e.Phase, items: e.Items}
	case event.PhaseDone:
		u.stage = stage{}
	case event.StatementDone:
		if u.stage.phase != dataPhase { // else it is one beside the copies, of which the meters tell
			u.stage.done++
		}
	case event.TableVerified:
		u.stage.done++
	case event.StatementFailed:
		u.stage.done++
		u.stage.failed++
	default:
	}
	u.p.event(e)
}

// Writer is where other text for stderr goes, so that it does not tear the
// bars. It stays usable after Close.
func (u *UI) Writer() io.Writer { return uiWriter{u} }

type uiWriter struct{ u *UI }

// Write implements io.Writer.
func (w uiWriter) Write(b []byte) (int, error) {
	w.u.mu.Lock()
	defer w.u.mu.Unlock()
	return w.u.p.writer().Write(b)
}

// Close stops sampling and takes the bars off the terminal.
func (u *UI) Close() {
	u.mu.Lock()
	if u.closed {
		u.mu.Unlock()
		return
	}
	u.closed = true
	close(u.stop)
	u.mu.Unlock()
	<-u.done
	u.mu.Lock()
	defer u.mu.Unlock()
	u.p.close()
}
