package verify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/event"
	"github.com/pg2db9/pg2db9/internal/keyset"
	"github.com/pg2db9/pg2db9/verify/digest"
)

const (
	attempts   = 2         // of one read, when its connection breaks: a read may be begun anew without harm
	meterBytes = 256 << 10 // between two updates of a meter
)

// read is one COPY from one side, or one chain of pages from the target: of a
// table, or a part of it.
type read struct {
	table    *comparison
	target   bool // else from the source
	relation catalog.Name
	sql      string
	pages    *keyset.Pages // nil is COPY
	part     part
	index    int // among the reads of its table
}

func (r *read) side() dial.Side {
	if r.target {
		return dial.Target
	}
	return dial.Source
}

// comparison is the work on one table's rows. Its reads may be under way at the
// same time.
type comparison struct {
	transfer *ddlgen.Transfer
	canons   []digest.Canon
	table    *Table // in the report; written by whoever finishes the last read
	buckets  *bucketing
	excused  *excuses     // rows that the target refused; nil is none
	again    bool         // it differs, and is read anew before that is said
	resumed  bool         // some of its reads may be another run's
	early    atomic.Int64 // reads that were another run's
	reads    int          // of both sides
	blocks   int          // parts of one side that are ranges of blocks, while it is written
	cut      string       // names how it is cut into reads, in the journal
	localise bool         // its rows are looked for, or all looked at: then it has no verdict yet
	verdict  Verdict      // of its sums

	mu             sync.Mutex
	pending        int // reads that are not finished
	source, target digest.Sum
	differences    *bucketDifference // where buckets are kept
	bytes          int64
	elapsed        time.Duration
	errs           []error
}

// seen is what one read saw.
type seen struct {
	sum     digest.Sum
	bytes   int64
	buckets *bucketSums // nil: none are kept
}

// add takes the result of a read and tells whether it was the last.
func (c *comparison) add(r *read, s seen, elapsed time.Duration, err error) (last bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.target {
		c.target.Merge(s.sum)
	} else {
		c.source.Merge(s.sum)
	}
	if s.buckets != nil {
		c.differences.add(s.buckets, r.target)
	}
	c.bytes += s.bytes
	c.elapsed += elapsed
	if err != nil {
		c.errs = append(c.errs, err)
	}
	c.pending--
	return c.pending == 0
}

// planReads cuts the tables' reads and sorts them, largest first, both sides
// mixed, so that neither server waits for the other and no large one is left
// for the end.
func (v *run) planReads(ctx context.Context, comparisons []*comparison) []*read {
	var reads, paged []*read
	var total int64
	add := func(r *read) {
		r.table.pending++
		total += r.part.bytes
		if r.target && v.p.Profile.ReadByKey {
			paged = append(paged, r)
		} else {
			reads = append(reads, r)
		}
	}
	var recalled []*read
	var unread []*comparison
	for _, c := range comparisons {
		if list := v.recall(c); list != nil {
			recalled = append(recalled, list...)
			c.pending, c.reads = len(list), len(list)
			continue
		}
		unread = append(unread, c)
	}
	v.chooseAllBuckets(ctx, unread)
	for _, c := range unread {
		t := c.transfer
		bytes := v.targetSizes[t.Target].heap + v.targetSizes[t.Target].toast
		if account, ok := v.accounts[t.Target]; ok {
			bytes = max(bytes, account.Bytes)
		}
		if v.p.Copied == nil && v.p.Profile.ReadByKey { // the target does not say how large its tables are
			bytes = v.sourceBytes(t)
		}
		add(&read{table: c, target: true, relation: t.Target, part: part{bytes: bytes}})
		if !v.readsSource(t) {
			continue
		}
		for _, relation := range t.Relations {
			s := v.sourceSizes[relation]
			add(&read{table: c, relation: relation, part: part{bytes: s.heap + s.toast}})
		}
	}
	limit := partBytes(total, v.p.Jobs)
	reads = slices.Concat(v.split(reads, limit), v.splitPages(ctx, paged, total))
	v.recordCuts(ctx, reads)
	return v.inOrder(append(reads, recalled...))
}

// readsSource says whether the source is read for a table's rows: where nobody
// copied them, or in a format whose digest says nothing about their text.
func (v *run) readsSource(t *ddlgen.Transfer) bool {
	return v.p.Copied == nil || t.Binary && !v.p.Certified
}

// inOrder sorts reads, largest first. Where buckets are kept, a table's reads
// follow each other: few tables' buckets are in memory at once.
func (v *run) inOrder(reads []*read) []*read {
	largest := map[*comparison]int64{}
	if v.p.Level.has(LevelRows) {
		for _, r := range reads {
			largest[r.table] = max(largest[r.table], r.part.bytes)
		}
	}
	slices.SortStableFunc(reads, func(a, b *read) int {
		if a.table == b.table || len(largest) == 0 {
			return cmp.Compare(b.part.bytes, a.part.bytes)
		}
		return cmp.Or(cmp.Compare(largest[b.table], largest[a.table]), a.table.transfer.Target.Compare(b.table.transfer.Target))
	})
	return reads
}

// split cuts large reads into ranges of blocks and writes every read's SQL.
func (v *run) split(whole []*read, limit int64) []*read {
	var reads []*read
	for _, w := range whole {
		s, major := v.sourceSizes[w.relation], v.sourceMajor
		if w.target {
			s, major = v.targetSizes[w.relation], v.targetMajor
		}
		parts := []part{{label: "whole", bytes: w.part.bytes}}
		if v.p.Live {
			parts = v.liveParts(w, s, major, limit)
		} else if v.p.Jobs > 1 {
			if p := cut(s, major, limit); len(p) > 1 {
				parts = p
			}
		}
		w.table.pending += len(parts) - 1
		for _, p := range parts {
			r := &read{table: w.table, target: w.target, relation: w.relation, part: p}
			r.sql = v.readSQL(r)
			reads = append(reads, r)
		}
	}
	return reads
}

// readSQL is the statement of a read by COPY.
func (v *run) readSQL(r *read) string {
	t := r.table.transfer
	exprs := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		if exprs[i] = c.Select; r.target {
			exprs[i] = c.ReadBack
		}
	}
	if r.target { // it holds no rows but those that were chosen
		return copySQL(exprs, r.relation, v.only(t), r.part.where)
	}
	return copySQL(exprs, r.relation, true, both(r.part.where, t.WhereOf(r.relation)))
}

// only says whether a target table is read with ONLY: a partition root's rows
// are in its leaves, an inheritance parent's are its own; a target that has
// neither may not know the word.
func (v *run) only(t *ddlgen.Transfer) bool {
	return (v.p.Profile.Inheritance || v.p.Profile.Partitions) && !v.found[t.Target].partitioned()
}

// sourceBytes is what the relations of a transfer take on the source.
func (v *run) sourceBytes(t *ddlgen.Transfer) (bytes int64) {
	for _, r := range t.Relations {
		bytes += v.sourceSizes[r].heap + v.sourceSizes[r].toast
	}
	return bytes
}

// compareRows executes the reads, as many at once as there are jobs. A table
// whose reads are all finished has its verdict at once. The error is the
// context's: what goes wrong with one table is that table's.
func (v *run) compareRows(ctx context.Context, reads []*read) error {
	var total int64
	for _, r := range reads {
		total += r.part.bytes
	}
	v.p.Progress.Plan(len(reads), total)
	var g errgroup.Group
	g.SetLimit(v.p.Jobs)
	for i, r := range reads {
		if ctx.Err() != nil {
			break
		}
		g.Go(func() error {
			started := time.Now()
			meter := v.p.Progress.Start(event.Part{
				ID: int64(i + 1), Table: r.table.transfer.Target.String(), Relation: r.relation.String(),
				Range: string(r.side()) + ", " + r.part.label, Bytes: r.part.bytes,
			})
			s, done := v.recalled(r)
			var err error
			if !done {
				s, err = v.read(ctx, r, meter)
			}
			v.p.Progress.Finish(meter, err == nil)
			if err != nil {
				err = fmt.Errorf("reading %s on the %s (%s): %w", r.relation, r.side(), r.part.label, err)
			}
			v.p.Log.DebugContext(ctx, "read for verification", "relation", r.relation, "side", r.side(), "part", r.part.label,
				"rows", s.sum.Rows, "bytes", s.bytes, "elapsed", time.Since(started), "error", err)
			switch {
			case done:
				r.table.early.Add(1)
			case err == nil:
				v.recordRead(ctx, r, s)
			}
			if r.table.add(r, s, time.Since(started), err) {
				v.conclude(r.table)
			}
			return nil
		})
	}
	_ = g.Wait() // each table has its own error
	return context.Cause(ctx)
}

// excuse counts what the transfers lose as announced, as many tables at once as
// there are jobs: rows of which a column is not what it was, by its own canonical
// form alone. A table whose losses cannot be counted cannot be judged.
func (v *run) excuse(ctx context.Context, comparisons []*comparison) error {
	if !v.p.Level.has(LevelRows) {
		return nil
	}
	var g errgroup.Group
	g.SetLimit(v.p.Jobs)
	for _, c := range comparisons {
		if ctx.Err() != nil {
			break
		}
		if !lossy(c.transfer) {
			continue
		}
		g.Go(func() error {
			losses, err := v.countLosses(ctx, c)
			c.table.Data.Excused = losses
			if err != nil {
				c.errs = append(c.errs, err)
			}
			return nil
		})
	}
	_ = g.Wait() // each table has its own error
	return context.Cause(ctx)
}

// read executes one read, once more when its connection breaks.
func (v *run) read(ctx context.Context, r *read, meter *event.Meter) (s seen, err error) {
	if r.pages != nil {
		return v.readPages(ctx, r, meter)
	}
	for attempt := 1; ; attempt++ {
		s, err = v.readOnce(ctx, r, meter)
		if err == nil || attempt == attempts || ctx.Err() != nil {
			return s, err
		}
		if class := dial.Classify(err); class != dial.Lost && class != dial.Retry {
			return s, err
		}
		v.p.Bus.Emit(event.Note{Text: fmt.Sprintf("%s is read again on the %s (%s): %v", r.relation, r.side(), r.part.label, err)})
		meter.Reset(0, 0)
	}
}

// readOnce returns a sum only when the whole stream arrived and the server's
// own count of its rows agrees.
func (v *run) readOnce(ctx context.Context, r *read, meter *event.Meter) (seen, error) {
	t, err := newTally(r.table.canons)
	if err != nil {
		return seen{}, err
	}
	buckets := newBucketTally(r.table.buckets)
	t.into(buckets)
	var metered digest.Sum
	var meteredBytes int64
	progress := func() error {
		bytes := t.bytes - meteredBytes
		meter.Add(int64(t.sum.Rows-metered.Rows), bytes) //nolint:gosec // rows of one read
		metered, meteredBytes = t.sum, t.bytes
		return v.slow(ctx, r.target, bytes, meter)
	}
	rows, err := v.copyOut(ctx, r.target, r.sql, func(piece []byte) error {
		if t.take(piece); t.bytes-meteredBytes >= meterBytes {
			return progress()
		}
		return nil
	})
	if err == nil {
		err = progress()
	}
	if err == nil {
		err = t.close()
	}
	if err == nil && uint64(rows) != t.sum.Rows { //nolint:gosec // not negative
		err = fmt.Errorf("the server says that it sent %d rows, and %d arrived", rows, t.sum.Rows)
	}
	if err != nil {
		return seen{}, err
	}
	s := seen{sum: t.sum, bytes: t.bytes}
	if buckets != nil {
		s.buckets = buckets.bucketSums
	}
	return s, nil
}

// copyOut executes a COPY on a session of a side. The session of one that failed
// is closed.
func (v *run) copyOut(ctx context.Context, target bool, sql string, take func(piece []byte) error) (rows int64, err error) {
	pool := v.source
	if target {
		pool = v.target
	}
	s, err := pool.get(ctx)
	if err != nil {
		return 0, err
	}
	if rows, err = s.copyOut(ctx, sql, take); err != nil {
		pool.drop(s)
		return 0, err
	}
	pool.put(s)
	return rows, nil
}

// slow waits until what was read of a side is no more than its rate allows.
func (v *run) slow(ctx context.Context, target bool, bytes int64, meter *event.Meter) error {
	p := v.sourcePace
	if target {
		p = v.targetPace
	}
	d := p.Pay(bytes, 0)
	if d <= 0 {
		return nil
	}
	meter.Wait(event.WaitRate)
	defer meter.Wait(event.WaitNothing)
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}

// conclude gives a comparison its verdict. All its reads are finished.
func (v *run) conclude(c *comparison) {
	d := c.table.Data
	d.Bytes, d.Elapsed = c.bytes, c.elapsed
	if v.p.Live {
		d.Live = &Live{Blocks: c.blocks}
	}
	if err := errors.Join(c.errs...); err != nil {
		d.Verdict, d.Err = Errored, err.Error()
		v.finish(c.table)
		return
	}
	d.Counted, d.TargetDigest = int64(c.target.Rows), c.target.Hex() //nolint:gosec // rows of a table
	source := c.source
	switch account, ok := v.accounts[c.transfer.Target]; {
	case ok && !v.readsSource(c.transfer):
		source = account.Digest
	case ok: // and what it counted stands beside
	default:
		d.Obtained = SourceRead
		d.Read, d.Framed = int64(source.Rows), int64(source.Rows) //nolint:gosec // rows of a table
	}
	d.SourceDigest = source.Hex()
	d.Earlier = nil
	if n := int(c.early.Swap(0)); n > 0 {
		d.Earlier = &Earlier{Parts: n, Of: c.reads, Began: v.journal.began}
	}
	c.verdict = d.judge(source.Rows, source == c.target)
	if c.verdict == Mismatch && c.resumed { // of two moments, perhaps: it is read anew
		c.again = true
		return
	}
	if v.p.Level.has(LevelRows) && (c.verdict == Mismatch || v.p.Level == LevelDeep) {
		c.localise = true
		return
	}
	if d.Verdict = c.verdict; d.Verdict == Mismatch && c.excused.explain(source, c.target) {
		d.Verdict, d.Excused = Match, append(d.Excused, c.excused.list()...)
	}
	v.finish(c.table)
}
