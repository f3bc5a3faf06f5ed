package copier

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/event"
	"github.com/pg2db9/pg2db9/verify/digest"
)

// maxReads is how many parts one source connection reads. Its table locks stay
// until its transaction ends: without a bound the workers of a database of many
// tables would take the lock table from everybody else on the source.
const maxReads = 64

// partState is what the run knows of one part.
type partState struct {
	part  Part
	claim claim
	doubt bool // somebody may still be writing it: take it over before the next batch

	next   int64 // rows committed
	bytes  int64
	sum    digest.Sum
	done   bool
	failed error

	read    int64 // by the source's tag of the last stream
	framed  int64 // rows of the last stream
	acked   int64 // rows by the target's tags, of the committed batches
	elapsed time.Duration

	rejected int64             // of next, the rows that the target refused
	left     map[int64]string  // those that the ledger held when the part was taken over last, with their digests
	careful  bool              // rows are refused: each batch is kept until it is answered
	known    map[int64]refusal // rows too large to be kept that are refused

	uncounted bool // a batch was committed whose count nobody has seen

	meter   *event.Meter
	started time.Time
}

// worker copies one part after the other over one pair of connections. Where
// the target allows a window, it goes on to the next part while the answers to
// the last batches are under way: many small tables then share round trips.
type worker struct {
	*copyRun
	link

	flying []*partState // sent whole, and not all answered
	placed bool         // it has a place at the gate
	round  *round
	share  func() int64 // bytes that wait to be copied, of each job
	back   func(*partState)
	rein   *rein // what it has read and not paid for goes with it from part to part
}

// work copies the parts that next gives, until it gives none.
func (w *worker) work(ctx context.Context, next func() *partState) {
	rows := true // it has a part in them
	for w.enter(ctx) {
		var s *partState
		if rows {
			if list := w.keys.early(w.share()); list != nil {
				w.toKeys(ctx)
				w.build(ctx, list)
				rows = w.round.join()
				continue
			}
			s = next()
		}
		if s == nil {
			if rows {
				if w.settleOwn(ctx); !w.round.idle() { // a part of its own went back to the queue: a server had no connection left
					continue
				}
				w.toKeys(ctx)
				rows = false
			}
			// Without its place: whoever it waits for may be waiting for one.
			if w.placed { // it may have been lost while what was under way was settled
				w.gate.leave()
				w.placed = false
			}
			if w.gate.tight() {
				w.close()
			}
			list := w.keys.wait(ctx)
			if list == nil {
				break
			}
			if w.placed = w.gate.enter(ctx); !w.placed {
				w.keys.give(list)
				break
			}
			w.build(ctx, list)
			rows = w.round.join()
			continue
		}
		if s.doubt && w.to != nil && w.gate.tight() { // its takeover needs a connection of its own
			w.rest(ctx)
		}
		w.begin(s)
		err := w.try(ctx, s)
		if err != nil && w.displaced(err) {
			w.rest(ctx)
			w.putBack(s)
			continue
		}
		w.flying = append(w.flying, s)
		if err == nil {
			s.meter.Whole()
			w.land(ctx)
			continue
		}
		w.crash(ctx, s, err)
	}
	w.rest(ctx)
	if w.placed {
		w.gate.leave()
	}
	if rows {
		w.round.leave()
	}
}

// begin tells that a part is under way.
func (w *worker) begin(s *partState) {
	w.keys.begin()
	s.started = time.Now()
	s.meter = w.Progress.Start(s.part.event())
	w.speeds.begin(s)
	w.Bus.Emit(event.PartStarted{Part: s.part.event()})
}

// end tells what became of a part.
func (w *worker) end(ctx context.Context, s *partState, err error) {
	defer w.keys.end()
	s.elapsed += time.Since(s.started)
	w.speeds.end(s, err == nil)
	if err == nil {
		w.Bus.Emit(event.PartDone{Part: s.part.event(), Rows: s.loaded(), Bytes: s.bytes, Elapsed: time.Since(s.started)})
		err = w.faults.hit(ctx, pointPartDone, nil)
	}
	w.Progress.Finish(s.meter, err == nil)
	if err != nil {
		w.fail(s, err)
		w.tellLedger(ctx, s)
		return
	}
	w.tableDone(s)
}

// land ends the parts whose last batch is answered.
func (w *worker) land(ctx context.Context) {
	w.flying = slices.DeleteFunc(w.flying, func(s *partState) bool {
		if s.done {
			w.end(ctx, s, nil)
		}
		return s.done
	})
}

// answers waits for all that is unanswered.
func (w *worker) answers(ctx context.Context) error {
	if w.to == nil {
		return nil
	}
	defer w.to.wire.watch(ctx)()
	err := w.to.await(ctx, 0)
	if err != nil && w.to.blame != nil {
		err = w.to.blame.writing(err)
	}
	return cause(ctx, err)
}

// crash brings what was under way on connections that failed to its end, part
// after part, each waited for. The error belongs to the batch whose answer it
// was, or else to the part present (which may be nil). Of the others only a wrong
// count is an error of their own: the rest failed with the connection.
func (w *worker) crash(ctx context.Context, present *partState, err error) {
	blamed := present
	if w.to != nil && w.to.blame != nil {
		for _, s := range w.flying {
			if s.part.ID == w.to.blame.part.ID {
				blamed = s
			}
		}
	}
	failed := map[int64]error{}
	if blamed != nil {
		failed[blamed.part.ID] = err
	}
	if w.to != nil {
		var until int64 // of no part
		if present != nil {
			until = present.part.ID
		}
		w.to.drain(ctx, until, failed)
	}
	w.land(ctx)
	sent := w.to != nil // where there was no connection, nobody can write
	w.drop()
	parts := w.flying
	w.flying = nil
	for _, s := range parts {
		first := failed[s.part.ID]
		var miscounted *countError
		if s != blamed && !errors.As(first, &miscounted) {
			first = nil
		}
		s.doubt = s.doubt || sent
		err := errNoPlace
		if w.placed || isClosed(w.Stop) || ctx.Err() != nil {
			err = w.alone(ctx, s, first)
		}
		if errors.Is(err, errNoPlace) {
			w.putBack(s)
			continue
		}
		w.end(ctx, s, err)
	}
}

// alone copies what is left of one part to its end, going on from the last
// commit when a connection breaks or the target asks to try again. err is why
// the part's first try failed; nil where it only shared the connection of one
// that did. The error returned is the part's.
func (w *worker) alone(ctx context.Context, s *partState, err error) error {
	wait := newBackOff()
	trouble := time.Now() // since when there was no progress
	for attempt := 1; ; attempt++ {
		before := s.next
		if err == nil {
			if err = w.try(ctx, s); err == nil {
				err = w.answers(ctx)
			}
			if err == nil {
				return nil
			}
		}
		s.doubt = s.doubt || w.to != nil
		w.drop()
		if s.next > before {
			attempt = 0
			trouble = time.Now()
			wait.Reset()
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if w.displaced(err) {
			return errNoPlace
		}
		if w.carefully(s, err) {
			err = nil
			continue
		}
		var miscounted *countError
		if errors.As(err, &miscounted) && w.Profile.Window > 1 && !w.Profile.Await {
			return errors.Join(err, w.disown(ctx, s))
		}
		if errors.Is(err, errStopped) || !passes(err) {
			return err
		}
		if exhausted(err, attempt, time.Since(trouble), w.patience()) {
			if dial.Classify(err) == dial.Lost {
				w.away.Store(true)
			}
			return err
		}
		pause := wait.NextBackOff()
		if pause == backoff.Stop {
			return err
		}
		w.gate.retried()
		w.Bus.Emit(event.PartRetry{Part: s.part.event(), Err: err, Attempt: attempt, After: pause})
		s.meter.Wait(event.WaitRetry)
		if err := w.pause(ctx, pause); err != nil {
			return err
		}
		err = nil
	}
}

// try is attempt, where a panic is the part's failure.
func (w *worker) try(ctx context.Context, s *partState) error {
	return shielded(s.part, func() error { return w.attempt(ctx, s) })
}

// shielded is f, where a panic is the part's failure.
func shielded(p Part, f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("part %d: internal error: %v; please report it with this: %s", p.ID, r, firstLines(debug.Stack(), 12))
		}
	}()
	return f()
}

// pause waits, unless the run is stopped.
func (c *copyRun) pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-c.Stop:
		return errStopped
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// attempt copies what is left of a part over the link's connections. Where the
// target allows a window, the answers to its last batches may be outstanding.
func (w *worker) attempt(ctx context.Context, s *partState) error {
	c, l := w.copyRun, &w.link
	again := s.doubt
	if s.doubt {
		if err := c.takeover(ctx, s); err != nil {
			return err
		}
		s.meter.Reset(s.next, s.bytes)
		if s.done {
			return nil
		}
		if isClosed(c.Stop) {
			return errStopped
		}
	}
	if err := c.connect(ctx, l); err != nil {
		return err
	}
	l.from.meter = s.meter
	l.from.reads++
	defer l.from.wire.watch(ctx)()
	defer l.to.wire.watch(ctx)()
	if err := w.calm(ctx, s); err != nil {
		return cause(ctx, err)
	}
	if err := c.ready(ctx, l.from, s, again); err != nil {
		return cause(ctx, err)
	}
	t := &c.Plan.Transfers[s.part.Transfer]
	canon, err := streamCanon(t)
	if err != nil {
		return fmt.Errorf("table %s: %w", t.Target, err)
	}
	r := &relay{
		from: l.from, to: l.to, profile: c.Profile, table: t, part: s.part, claim: s.claim, left: s.left,
		copyIn: copyInSQL(t) + formatSQL(t), canon: canon, utf8: c.checkUTF8, huge: c.huge, stop: c.Stop, meter: s.meter, faults: c.faults, between: w.between, latency: c.gate.latency, batches: c.Batches, rein: w.rein,
		committed: func(b span, acked int64) {
			s.next, s.done = b.last, b.final
			s.rejected += int64(len(b.rejected))
			s.bytes += b.bytes
			s.sum.Merge(b.sum)
			s.acked += acked
			c.away.Store(false)
			c.gate.committed(b.bytes)
		},
	}
	c.rejecting(r, s)
	s.meter.Wait(event.WaitNothing) // but what it reads and writes from here
	read, err := r.run(ctx, s.next, s.sum)
	s.read, s.framed = read, r.framed
	return cause(ctx, err)
}

// ready locks a part's table, where that is still to be done, and arranges how
// the part is read.
func (c *copyRun) ready(ctx context.Context, from *sourceConn, s *partState, again bool) error {
	if from.made != nil {
		return nil
	}
	if err := c.Snapshot.ensure(ctx, from, s.part.Relation, again); err != nil {
		return err
	}
	return from.arrange(s.part.Keys != nil, c.filtered)
}

// takeover fences off whoever may still write the part (our own lost session
// above all) and believes the ledger only then.
func (c *copyRun) takeover(ctx context.Context, s *partState) error {
	// On a connection of its own, in place of the one that broke: the wait for a
	// surviving session must not hold up the other workers.
	own := newLedger(c.Target, c.ledger.settings, c.Run)
	own.wait, own.patience = c.ledger.wait, c.patience()
	defer own.close(ctx)
	claim, spans, err := own.takeover(ctx, s.claim)
	if err != nil {
		return err
	}
	t, err := committed(spans)
	if err != nil {
		return err
	}
	if c.Log != nil {
		c.Log.InfoContext(ctx, "part taken over", "part", s.part.ID, "table", s.part.Target.String(), "epoch", claim.epoch, "rows", t.next)
	}
	s.claim, s.doubt = claim, false
	s.next, s.bytes, s.sum, s.done = t.next, t.bytes, t.sum, t.final
	s.refound(t)
	c.forget(s)
	// Awaited, a batch's COPY is acknowledged before its ledger row is sent. In a
	// window its count may have been on its way when the connection broke.
	s.uncounted = s.uncounted || s.loaded() > s.acked && !c.Profile.Await && c.Profile.Window > 1
	s.acked = s.loaded()
	if t.final { // committed by a session whose answer was lost
		s.read, s.framed = t.next, t.next
	}
	return nil
}

// disown takes a part's batches out of the ledger that a window let commit
// before the count of their rows was found wrong: the rows stand on the target,
// but nobody may build on them.
func (c *copyRun) disown(ctx context.Context, s *partState) error {
	own := newLedger(c.Target, c.ledger.settings, c.Run)
	own.wait, own.patience = c.ledger.wait, c.patience()
	defer own.close(ctx)
	err := own.disown(ctx, s.claim)
	s.next, s.bytes, s.sum, s.done, s.acked, s.rejected = 0, 0, digest.Sum{}, false, 0, 0
	return err
}

// answerWait is how long a target may take for one answer to a bounded batch,
// where it has no statement timeout of its own.
const answerWait = 2 * time.Minute

// answersWithin is how long one answer of the target's may take. Where batches
// are not bounded, an answer may rightly take hours.
func (c *copyRun) answersWithin() time.Duration {
	switch {
	case c.answerWait > 0:
		return c.answerWait
	case c.Profile.BatchRows == 0 && c.Profile.BatchBytes == 0:
		return 0
	default:
		return max(answerWait, 2*time.Duration(c.Profile.StatementLimit)*time.Millisecond)
	}
}

// connect opens what the link lacks.
func (c *copyRun) connect(ctx context.Context, l *link) (err error) {
	defer l.count()
	if err := c.connectTarget(ctx, l); err != nil {
		return err
	}
	return c.connectSource(ctx, l)
}

// connectSource opens the link's connection to the source, if it lacks one, and
// gives back the locks of one that has read much.
func (c *copyRun) connectSource(ctx context.Context, l *link) (err error) {
	if c.Made != nil {
		if l.from == nil {
			l.from = openMade(c.Made)
		}
		return nil
	}
	if l.from == nil {
		l.from, err = openSource(ctx, c.Source, c.reader, c.Snapshot)
		return err
	}
	if l.from.reads >= maxReads || l.from.reads > 0 && c.Snapshot.yields() {
		defer l.from.wire.watch(ctx)()
		if err = l.from.rejoin(c.Snapshot); err != nil {
			err = fmt.Errorf("joining the source's snapshot again: %w", goneFrom(c.Snapshot.ID, err))
		}
	}
	return cause(ctx, err)
}

// connectTarget opens the link's connection to the target, if it lacks one.
func (c *copyRun) connectTarget(ctx context.Context, l *link) (err error) {
	if l.to != nil {
		return nil
	}
	if l.to, err = openTarget(ctx, c.ahead.take(ctx), c.Target, c.writer, c.Run); err != nil {
		return err
	}
	l.to.patience = c.answersWithin()
	return nil
}

func firstLines(b []byte, n int) string {
	lines := strings.SplitN(string(b), "\n", n+1)
	return strings.Join(lines[:min(n, len(lines))], "\n")
}
