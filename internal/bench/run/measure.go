package run

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pg2db9/pg2db9/copier"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/bench/result"
	"github.com/pg2db9/pg2db9/internal/bench/shape"
	"github.com/pg2db9/pg2db9/internal/event"
)

// errEnough ends a run that was stopped and does not come to its end by itself.
var errEnough = errors.New("enough was measured")

// grace is how long a run that has lasted long enough may take to end with its
// batches, at least.
const grace = time.Second

// one makes one run under the settings.
func (m *measurement) one(ctx context.Context, s result.Settings) (r result.Run, err error) {
	profile := m.p.profile(s)
	plan, made, err := m.rows(s)
	if err != nil {
		return r, err
	}
	if m.box != nil {
		if err := m.create(ctx, s, made != nil); err != nil {
			return r, err
		}
		defer func() { err = errors.Join(err, m.discard(ctx)) }()
	}
	w := &watcher{progress: &event.Progress{}}
	lat := &latencies{}
	var retries retryCounter
	c := copier.Params{
		Source: m.source, Target: m.target, Plan: plan, Profile: profile, Run: copier.NewRunID(), Jobs: s.Jobs,
		Tool: m.p.Program, Command: Command, Options: "{}", Bus: event.NewBus(&retries), Progress: w.progress, Batches: lat.add,
	}
	if made != nil {
		c.Made = made
	} else {
		c.Snapshot = m.tables.snapshot
	}
	copying := copier.Copy
	if m.target == nil {
		copying = copier.Discard
	}
	stop, ended := make(chan struct{}), make(chan struct{})
	c.Stop = stop
	within, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var late *time.Timer
	var looking sync.WaitGroup
	bound := m.p.Size
	if made != nil { // there are no more rows than that
		bound = 0
	}
	looking.Go(func() {
		w.watch(ended, s.Jobs, bound, m.p.Duration, func() {
			close(stop)
			late = time.AfterFunc(max(grace, m.p.Duration/4), func() { cancel(errEnough) })
		})
	})
	looking.Go(func() { m.askSource.ask(ctx, ended) })
	looking.Go(func() { m.askTarget.ask(ctx, ended) })
	r.Started = time.Now()
	cpu := cpuTime()
	res, err := copying(within, c)
	r.CPU = (cpuTime() - cpu).Seconds()
	now := time.Now()
	close(ended)
	looking.Wait()
	if late != nil {
		late.Stop()
	}
	m.run = c.Run
	if err != nil && !m.enough(ctx, within, err, stop) {
		return r, fmt.Errorf("measuring %s: %w", s, err)
	}
	if w.began.IsZero() { // over before anybody looked
		w.began = r.Started
	}
	bytes, rows := committed(res)
	r.Bytes, r.Rows = bytes, rows
	if n := len(w.series); n > 0 { // of a run that was cut off: what was on its way counts
		r.Bytes, r.Rows = max(bytes, w.series[n-1].bytes), max(rows, w.series[n-1].rows)
	}
	r.Batches, r.Retries, r.Latency = lat.count, retries.n.Load(), lat.summary()
	if m.box != nil && s.PrimaryKey == KeyAfter {
		if r.KeySeconds, err = m.keys(ctx); err != nil {
			return r, err
		}
		if bytes == 0 && r.Bytes > 0 {
			m.note(fmt.Sprintf("%s: no part of the rows was committed in time, so that the key after them is not in the rate: measure longer (--duration)", s))
		}
	}
	w.rate(&r, bytes, m.p.WarmUp, now)
	r.Waits = w.waits(m.askSource, m.askTarget, m.target == nil, made != nil)
	return r, nil
}

// enough says whether an error is nothing but the end that we asked for.
func (m *measurement) enough(ctx, within context.Context, err error, stop <-chan struct{}) bool {
	select {
	case <-stop:
	default:
		return false
	}
	if ctx.Err() != nil {
		return false
	}
	return errors.Is(context.Cause(within), errEnough) || copier.Stopped(err)
}

// committed is what a run has sent for good.
func committed(res *copier.Result) (bytes, rows int64) {
	if res == nil {
		return 0, 0
	}
	for _, t := range res.Tables {
		bytes, rows = bytes+t.Bytes, rows+t.Acked
	}
	return bytes, rows
}

// rows are what is copied under the settings: made rows, or the source's tables.
func (m *measurement) rows(s result.Settings) (*ddlgen.Plan, *maker, error) {
	if m.tables != nil {
		return m.tables.plan, nil, nil
	}
	key := s.Shape + "/" + s.Order
	if m.makers[key] == nil {
		of, ok := m.shapes[s.Shape]
		if !ok {
			return nil, nil, fmt.Errorf("there is no shape %q", s.Shape)
		}
		m.makers[key] = shape.New(of, shape.Order(s.Order), m.p.Seed)
	}
	return planOf(m.shapes[s.Shape]), newMaker(m.makers[key], m.p.Size, m.p.Duration, s.Jobs), nil
}

// create makes the tables of a run.
func (m *measurement) create(ctx context.Context, s result.Settings, made bool) error {
	inline := s.PrimaryKey == KeyInline
	m.keySQL = nil
	list := []string{}
	if made {
		list = append(list, m.shapes[s.Shape].CreateSQL(Schema, madeTable.Name, inline))
		m.keySQL = []string{shape.KeySQL(Schema, madeTable.Name)}
	} else {
		list, m.keySQL = m.tables.creates, m.tables.keys
		if inline {
			list = m.tables.inline
		}
	}
	for _, sql := range list {
		if err := m.box.exec(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}

// keys makes the primary keys after the rows, and says how long that took.
func (m *measurement) keys(ctx context.Context) (seconds float64, err error) {
	began := time.Now()
	for _, sql := range m.keySQL {
		if err := m.box.exec(ctx, sql); err != nil {
			return 0, err
		}
	}
	return time.Since(began).Seconds(), nil
}

// discard takes away what a run has made.
func (m *measurement) discard(ctx context.Context) error {
	ctx, cancel := wait(ctx, cleanTimeout, errors.New("cleaning up on the target takes too long: run pg2db9 bench clean"))
	defer cancel()
	err := m.box.empty(ctx)
	if m.run != "" {
		err = errors.Join(err, m.box.forget(ctx, m.run))
	}
	m.run = ""
	return err
}

// retryCounter counts retries.
type retryCounter struct{ n atomic.Int64 }

// On implements event.Listener.
func (c *retryCounter) On(e event.Event) {
	if _, ok := e.(event.PartRetry); ok {
		c.n.Add(1)
	}
}
