package verify

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pg2db9/pg2db9/internal/event"
	"github.com/pg2db9/pg2db9/verify/digest"
)

const (
	liveHeld    = 16 << 20 // bytes that the keys of rows which wait for a look take, over all tables
	liveRowCost = 256      // of one, beside its key
	batchRows   = 500      // whose keys one statement asks for
	batchBytes  = 64 << 10 // of keys in it
)

// liveQueues are the rows of all tables that differ and may yet become equal. They
// have no values: those are read anew each time.
type liveQueues struct {
	list []*localising
	held atomic.Int64
}

// liveRows are those of one table, under its lock.
type liveRows struct {
	queues    *liveQueues
	rows      map[string]*liveRow // by key
	settled   int64
	moving    int64
	unchecked int64
	over      bool // the last look is done
}

// liveRow is a row that differs, as it was when last looked at.
type liveRow struct {
	key            []byte
	source, target digest.Sum // of what has no counterpart
	since          time.Time  // when it came to be so
	looks          int        // that saw the same
}

// attach lets a table's chunks put what they find into a queue.
func (q *liveQueues) attach(l *localising, chunks []*chunk) {
	if q == nil {
		return
	}
	l.live = &liveRows{queues: q, rows: map[string]*liveRow{}}
	q.list = append(q.list, l)
	for _, k := range chunks {
		k.then = l.await
	}
	if c := l.comparison; len(chunks) == 0 && c.source != c.target { // nobody knows where
		l.found.Unlocalised = max(l.found.Unlocalised, 1)
	}
}

// await puts what was found into the queue. The caller holds the lock.
func (l *localising) await(out *chunkResult) error {
	for _, p := range out.all {
		if p.kind == RowMissing {
			if p.copies -= l.excused.take(p.source, p.copies); p.copies == 0 {
				continue
			}
		}
		key := string(p.key())
		r := l.live.rows[key]
		if r == nil {
			cost := int64(liveRowCost + 2*len(key))
			if l.live.queues.held.Add(cost) > liveHeld {
				l.live.queues.held.Add(-cost)
				l.live.unchecked++
				continue
			}
			r = &liveRow{key: []byte(key), since: time.Now()}
			l.live.rows[key] = r
		}
		r.source, r.target = images(r.source, r.target, p)
	}
	return nil
}

// images adds a difference to what a row's sides hold.
func images(source, target digest.Sum, p pairFound) (digest.Sum, digest.Sum) {
	for range p.copies {
		if p.source != nil {
			source.AddHash(p.source.hi, p.source.lo)
		}
		if p.target != nil {
			target.AddHash(p.target.hi, p.target.lo)
		}
	}
	return source, target
}

// batches cut the queue into what is asked for at once, in the order of the key.
// Where the key cannot be asked for, its first column's value is; where that has
// no range, the tables are read whole, and only rows of the queue are kept.
func (l *localising) batches(last bool) []*chunk {
	l.mu.Lock()
	defer l.mu.Unlock()
	keys := make([][]byte, 0, len(l.live.rows))
	for _, r := range l.live.rows {
		keys = append(keys, r.key)
	}
	slices.SortFunc(keys, compareKeys)
	c := l.comparison
	asked, ranged := c.keyIsExact(), c.buckets.ranged()
	most := len(keys)
	switch {
	case asked:
		most = batchRows
	case ranged:
		most = mostRanges
	}
	var list []*chunk
	for len(keys) > 0 {
		k := &chunk{comparison: c, number: len(list), keys: map[string]bool{}}
		bytes, n := 0, 0
		for ; n < min(most, len(keys)) && (n == 0 || bytes < batchBytes || !asked); n++ {
			bytes += len(keys[n])
			k.keys[string(keys[n])] = true
			if asked {
				k.byKey = append(k.byKey, keys[n])
			}
		}
		if !asked && ranged {
			k.ranges = c.rangesOf(keys[:n])
		}
		k.rows = int64(n)
		k.then = func(out *chunkResult) error { return l.looked(k, out, last) }
		list = append(list, k)
		keys = keys[n:]
	}
	return list
}

// rangesOf are the places of keys whose first column has ranges. A value that has
// no place is in the last range, as in its bucket: then all is read.
func (c *comparison) rangesOf(keys [][]byte) []keyRange {
	first, _ := slices.BinarySearch(c.buckets.keys, c.buckets.first)
	var list []keyRange
	for _, key := range keys {
		at, ok := c.buckets.form.position(field(key, first))
		switch {
		case !ok, at == 0, at == math.MaxUint64, c.buckets.form.literal(at) == c.buckets.form.literal(at+1): // the ends of the order stand for what is beyond them
			return nil
		case len(list) > 0 && *list[len(list)-1].low == at:
			continue
		}
		next := at + 1
		list = append(list, keyRange{low: &at, high: &next})
	}
	return list
}

// lookAtRows reads some rows of the queue on both sides. What cannot be read stays
// in it, and is an error of the table when that was the last look.
func (w *watch) lookAtRows(ctx context.Context, l *localising, k *chunk, last bool) error {
	name := l.comparison.transfer.Target.String()
	meter := w.run.p.Progress.Start(event.Part{ID: -w.run.looks.Add(1), Table: name, Relation: name, Range: "rows that may settle"})
	started := time.Now()
	err := l.do(ctx, k, meter)
	w.run.p.Progress.Finish(meter, err == nil)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.elapsed += time.Since(started)
	if err == nil {
		return nil
	}
	w.run.p.Log.DebugContext(ctx, "rows that differ could not be looked at again", "table", name, "rows", len(k.keys), "error", err)
	if last || errors.Is(err, errNotTaken) {
		l.errs = append(l.errs, err)
	}
	return context.Cause(ctx)
}

// looked takes what a look saw. The caller holds the lock.
func (l *localising) looked(k *chunk, out *chunkResult, last bool) error {
	slices.SortStableFunc(out.all, func(a, b pairFound) int { return compareKeys(a.key(), b.key()) })
	all := out.all
	for len(all) > 0 {
		n := 1
		for n < len(all) && string(all[n].key()) == string(all[0].key()) {
			n++
		}
		pairs := all[:n]
		all = all[n:]
		key := string(pairs[0].key())
		delete(k.keys, key)
		r := l.live.rows[key]
		if r == nil { // one that was told before the list of them could not be written
			continue
		}
		if steady := l.seen(r, pairs); !last {
			continue
		} else if !steady {
			l.live.moving++
			l.drop(r)
			continue
		}
		l.drop(r)
		for _, p := range pairs {
			if err := l.tell(k, p); err != nil {
				return err
			}
		}
	}
	for key := range k.keys { // equal on both sides, or on neither
		if r := l.live.rows[key]; r != nil {
			l.live.settled++
			l.drop(r)
		}
	}
	return nil
}

// seen takes what a row is now, and says whether it has been that for long.
func (l *localising) seen(r *liveRow, pairs []pairFound) bool {
	var source, target digest.Sum
	for _, p := range pairs {
		source, target = images(source, target, p)
	}
	if source != r.source || target != r.target {
		r.source, r.target, r.since, r.looks = source, target, time.Now(), 0
		return false
	}
	r.looks++
	return l.run.steady(r.looks, steadyLooks, r.since)
}

func (l *localising) drop(r *liveRow) {
	delete(l.live.rows, string(r.key))
	l.live.queues.held.Add(-int64(liveRowCost + 2*len(r.key)))
}

// judgeLive gives a table its verdict after the last look: what was not seen equal,
// and not seen to stand still and differ, is Unknown.
func (l *localising) judgeLive(d *Data) {
	f := &l.found
	d.Live = &Live{
		Blocks: l.comparison.blocks, Settled: l.live.settled, Moving: l.live.moving, Unchecked: l.live.unchecked, Differ: f.Missing + f.Extra + f.Changed,
	}
	f.Unlocalised += l.live.unchecked + int64(len(l.live.rows))
	d.Excused = append(d.Excused, l.excused.list()...)
	d.SourceDigest, d.TargetDigest = "", "" // of no one moment
	err := errors.Join(l.errs...)
	if err == nil && len(l.live.rows) > 0 {
		err = fmt.Errorf("%s that differed were not looked at again", countedRows(int64(len(l.live.rows))))
	}
	switch {
	case d.Live.Differ > 0:
		d.Verdict, d.Found = Mismatch, f
		if err != nil {
			d.NotLocalised = err.Error()
		}
	case err != nil:
		d.Verdict, d.Err = Errored, fmt.Sprintf("rows that differed could not be looked at again: %v", err)
	case d.Live.Moving > 0 || f.Unlocalised > 0:
		d.Verdict, d.Err = Unknown, d.unsettled(f.Unlocalised)
	default:
		d.Verdict = Match
	}
}

// unsettled says why nobody knows whether a table is equal.
func (d *Data) unsettled(unread int64) string {
	facts := d.Live.facts()
	if unread > d.Live.Unchecked {
		facts = append(facts, countedRows(unread-d.Live.Unchecked)+" are in ranges that differ and are too large to be looked at again")
	}
	return "not settled: " + strings.Join(facts, "; ") + ". Let verify --live run again with a longer --deadline, or when fewer rows are written"
}

// atOnce does as much at once as there are jobs.
func (v *run) atOnce(ctx context.Context, work []func() error) error {
	var g errgroup.Group
	g.SetLimit(v.p.Jobs)
	for _, f := range work {
		if ctx.Err() != nil {
			break
		}
		g.Go(f)
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return context.Cause(ctx)
}
