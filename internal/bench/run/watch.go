package run

import (
	"context"
	_ "embed"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/internal/bench/result"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/event"
)

//go:embed queries/at_work.sql
var atWorkSQL string

const (
	watchEvery = 10 * time.Millisecond  // between two looks at what the jobs do
	pointEvery = 50 * time.Millisecond  // between two points of the series
	askEvery   = 100 * time.Millisecond // between two questions to a server
	// A look that is later than this was held up: this process was not given a
	// processor, and what the jobs seem to wait for is not it.
	heldUp = 40 * time.Millisecond
	// From this share of the time on, that is what limits.
	heldMost = 0.5
)

// watcher looks at a run while it is made.
type watcher struct {
	progress *event.Progress
	began    time.Time // of the first part
	last     time.Time
	full     time.Time // when all jobs were last seen at work
	spent    [event.WaitRetry + 1]time.Duration
	held     time.Duration // jobs times the time that looks came late
	series   []sample
}

// sample is how far a run had come.
type sample struct {
	at          time.Time
	rows, bytes int64
}

// under says that a job is at a part: not only begun, with its connections still to
// be made, nor sent whole, with another begun by the same job.
func under(r event.Running) bool {
	return !r.Whole && (r.Bytes > 0 || r.Waits != event.WaitNothing)
}

// look takes what the jobs do now for what they have done since the last look.
func (w *watcher) look(now time.Time, jobs int) sample {
	s := w.progress.Snapshot()
	at := sample{now, s.Rows, s.Bytes}
	if w.began.IsZero() {
		if !slices.ContainsFunc(s.Running, under) && s.Rows == 0 {
			return at
		}
		w.began, w.last, w.full = now, now, now
		w.series = append(w.series, at)
		return at
	}
	since := now.Sub(w.last)
	w.last = now
	if since > heldUp {
		w.held += time.Duration(min(jobs, len(s.Running))) * (since - watchEvery)
		since = watchEvery
	}
	working := 0
	for _, r := range s.Running {
		if under(r) {
			w.spent[r.Waits] += since
			working++
		}
	}
	if working >= min(jobs, s.TotalParts) {
		w.full = now
	}
	// A part that is given up is not counted any more: the run is over then.
	if last := w.series[len(w.series)-1]; now.Sub(last.at) >= pointEvery && at.bytes >= last.bytes {
		w.series = append(w.series, at)
	}
	return at
}

// watch looks until done is closed. over is called once, when the run has lasted
// or sent enough.
func (w *watcher) watch(done <-chan struct{}, jobs int, size int64, lasts time.Duration, over func()) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	called := false
	for {
		select {
		case <-done:
			return
		case now := <-tick.C:
			if real := time.Now(); real.Sub(now) > watchEvery {
				now = real // the tick was waiting for us
			}
			at := w.look(now, jobs)
			if called || w.began.IsZero() {
				continue
			}
			if lasts > 0 && now.Sub(w.began) >= lasts || size > 0 && at.bytes >= size {
				called = true
				over()
			}
		}
	}
}

// asker asks a server, during a run, how many of our sessions it works for.
type asker struct {
	conn *pgx.Conn
	name string // their application_name

	asked   int
	active  int64
	waiting int64 // of the active, those that wait for the network
	deaf    bool  // the server does not tell
}

// newAsker connects to the server; nil where there is none.
func newAsker(ctx context.Context, e *dial.Endpoint, name string) (*asker, error) {
	if e == nil {
		return nil, nil //nolint:nilnil // rows that are made have no server
	}
	conn, err := e.Connect(ctx, dial.Asker())
	if err != nil {
		return nil, err
	}
	return &asker{conn: conn, name: name}, nil
}

func (a *asker) close(ctx context.Context) {
	if a != nil {
		closeConn(ctx, a.conn)
	}
}

// ask asks until done is closed.
func (a *asker) ask(ctx context.Context, done <-chan struct{}) {
	if a == nil {
		return
	}
	a.asked, a.active, a.waiting = 0, 0, 0
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-done:
			cancel(errors.New("the run is over"))
		case <-ctx.Done():
		}
	}()
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	for !a.deaf {
		select {
		case <-done:
			return
		case <-tick.C:
		}
		var active, waiting, all int64
		err := a.conn.QueryRow(ctx, atWorkSQL, a.name).Scan(&active, &waiting, &all)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			a.deaf = true
		case all > 0:
			a.asked++
			a.active += active
			a.waiting += waiting
		}
	}
}

// leastAsked is how many answers tell how busy a server was.
const leastAsked = 3

// busy is the share of the jobs under way that the server worked for; false where
// it did not tell.
func (a *asker) busy(jobs float64) (float64, bool) {
	if a == nil || a.asked < leastAsked || jobs <= 0 {
		return 0, false
	}
	return min(1, float64(a.active-a.waiting)/(float64(a.asked)*jobs)), true
}

// waits tells what the jobs did with their time. What a job waits for is a
// server's work only as far as that server was at work: the rest was on its way.
func (w *watcher) waits(source, target *asker, nothing, made bool) result.Waits {
	var all time.Duration
	for _, d := range w.spent {
		all += d
	}
	if all+w.held <= 0 {
		return result.Waits{}
	}
	jobs := float64(all+w.held) / float64(max(w.last.Sub(w.began), 1)) // under way, on the mean
	// Now and then every process waits for a processor: the jobs did meanwhile what
	// they were seen to do before and after.
	held := w.held
	if float64(held) < heldMost*float64(all+held) {
		held = 0
	}
	all += held
	share := func(d time.Duration) float64 { return float64(d) / float64(all) }
	out := result.Waits{
		Source: share(w.spent[event.WaitSource]), Network: share(w.spent[event.WaitNetwork]), Target: share(w.spent[event.WaitTarget]),
		Client: share(w.spent[event.WaitNothing] + held), Other: share(w.spent[event.WaitRate] + w.spent[event.WaitGuard] + w.spent[event.WaitRetry]),
	}
	if nothing { // it is this program that takes the rows
		out.Client, out.Target = out.Client+out.Target, 0
	}
	if made {
		out.Client, out.Source = out.Client+out.Source, 0
	}
	if b, told := source.busy(jobs); told {
		work := min(out.Source, b)
		out.Network, out.Source, out.Told = out.Network+out.Source-work, work, true
	}
	if b, told := target.busy(jobs); told {
		work := min(out.Target, b)
		out.Network, out.Target, out.Told, out.Busy = out.Network+out.Target-work, work, true, b
	}
	return out
}

// latencies keeps how long batches took.
type latencies struct {
	mu    sync.Mutex
	took  []float64 // ms
	count int64
}
