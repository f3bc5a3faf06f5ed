package copier

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/event"
	"github.com/pg2db9/pg2db9/verify/digest"
)

// Discard reads the rows of every transfer of the plan as Copy does, through the
// same relay and the same batches, to a target that keeps nothing: what a source
// can give, and what this program can pass on. There is no ledger, and so nothing
// to resume; the first error ends it. When Stop is closed parts under way end with
// their batch, and the result says what was read by then.
func Discard(ctx context.Context, p Params) (*Result, error) {
	started := time.Now()
	if p.Made != nil {
		p.Snapshot = &Snapshot{Taken: started}
	}
	c := &copyRun{Params: p, huge: semaphore.NewWeighted(1), brake: newBrake(p.MaxRate), reader: ReaderSettings(p.Profile)}
	c.checkUTF8 = p.Profile.Map
	parts, err := c.cut(ctx)
	if err != nil {
		return nil, err
	}
	var bytes int64
	for _, part := range parts {
		bytes += part.Bytes
	}
	p.Progress.Plan(len(parts), bytes)
	d := &discard{copyRun: c, res: &Result{Run: p.Run, Tables: make([]TableResult, len(p.Plan.Transfers))}}
	for i, t := range p.Plan.Transfers {
		d.res.Tables[i].Target, d.res.Tables[i].Source = t.Target, t.Source
	}
	for _, part := range parts {
		d.res.Tables[part.Transfer].Parts++
	}
	queue := make(chan Part, len(parts))
	for _, part := range parts {
		queue <- part
	}
	close(queue)
	g, ctx := errgroup.WithContext(ctx)
	for range min(p.Jobs, len(parts)) {
		g.Go(func() error { return d.work(ctx, queue) })
	}
	err = g.Wait()
	d.res.Elapsed = time.Since(started)
	return d.res, err
}

// discard is one Discard under way.
type discard struct {
	*copyRun
	mu  sync.Mutex
	res *Result
}

// work reads parts until there are none, or the run is to end.
func (d *discard) work(ctx context.Context, queue <-chan Part) error {
	l := &link{to: openNothing()}
	defer l.drop()
	for part := range queue {
		if isClosed(d.Stop) {
			return nil
		}
		if err := d.part(ctx, l, part); err != nil && !errors.Is(err, errStopped) {
			return err
		}
	}
	return nil
}

// part reads one part.
func (d *discard) part(ctx context.Context, l *link, part Part) error {
	if err := d.connectSource(ctx, l); err != nil {
		return err
	}
	s := &partState{part: part, claim: claim{run: d.Run, part: part.ID, epoch: firstEpoch}, started: time.Now()}
	s.meter = d.Progress.Start(part.event())
	l.from.meter = s.meter
	l.from.reads++
	defer l.from.wire.watch(ctx)()
	defer l.to.wire.watch(ctx)()
	if err := d.ready(ctx, l.from, s, false); err != nil {
		return cause(ctx, err)
	}
	t := &d.Plan.Transfers[part.Transfer]
	canon, err := digest.ForRow(canons(t))
	if err != nil {
		return fmt.Errorf("table %s: %w", t.Target, err)
	}
	var sum digest.Sum
	r := &relay{
		from: l.from, to: l.to, profile: d.Profile, table: t, part: part, claim: s.claim,
		copyIn: copyInSQL(t), canon: canon, utf8: d.checkUTF8, huge: d.huge, stop: d.Stop, meter: s.meter,
		between: func(context.Context) error { return nil }, latency: func(time.Duration) {}, batches: d.Batches, rein: d.newRein(s.meter),
		committed: func(b span, acked int64) {
			sum.Merge(b.sum)
			s.bytes += b.bytes
			s.acked += acked
			s.done = b.final
		},
	}
	s.meter.Wait(event.WaitNothing)
	read, err := r.run(ctx, 0, digest.Sum{})
	if err == nil {
		err = l.to.await(ctx, 0)
	}
	d.Progress.Finish(s.meter, true)
	d.mu.Lock()
	defer d.mu.Unlock()
	table := &d.res.Tables[part.Transfer]
	table.Read += read
	table.Framed += r.framed
	table.Acked += s.acked
	table.Bytes += s.bytes
	table.Digest.Merge(sum)
	if s.done {
		table.PartsDone++
	}
	if dial.Classify(err) == dial.Lost && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if errors.Is(err, errStopped) { // the rest of this part's rows are not wanted any more
		l.drop()
		l.to = openNothing()
	}
	return cause(ctx, err)
}
