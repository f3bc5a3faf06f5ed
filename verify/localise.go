package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/event"
	"github.com/pg2db9/pg2db9/verify/digest"
)

// defaultDifferences is how many differing rows of a table a report shows.
const defaultDifferences = 100

// localising is the search for the rows of one table that differ.
type localising struct {
	comparison *comparison
	run        *run
	pending    int       // chunks that are not finished
	live       *liveRows // nil: what is found is found for good

	mu      sync.Mutex
	found   RowsFound
	shown   map[int][]RowDifference // by chunk
	columns *columnTallies
	excused *excuses
	rest    digest.Sum // what differs in sum and was not found as a row yet
	read    int64      // rows of both sides that were read for it
	bytes   int64
	elapsed time.Duration
	errs    []error
}

// localise finds the rows that differ in the tables whose sums do, at level deep
// in all of them. It reads only the buckets that differ. With live what it finds
// is put into queues, and no table has its verdict yet.
func (v *run) localise(ctx context.Context, list []*comparison, live *liveQueues) error {
	var chunks []*chunk
	byTable := map[*comparison]*localising{}
	for _, c := range list {
		l := &localising{comparison: c, run: v, shown: map[int][]RowDifference{}, columns: newColumnTallies(c.transfer), rest: c.source, excused: c.excused}
		l.rest.Less(c.target)
		own, unread, summed := planChunks(c, v.p.Level == LevelDeep, v.budget())
		l.found.Unlocalised, l.pending = unread, len(own)
		c.table.Data.Summed = summed
		byTable[c] = l
		live.attach(l, own)
		chunks = append(chunks, own...)
		if len(own) == 0 {
			l.conclude()
		}
	}
	var expected int64
	for _, k := range chunks {
		expected += k.rows
	}
	var g errgroup.Group
	g.SetLimit(v.p.Jobs)
	for i, k := range chunks {
		if ctx.Err() != nil {
			break
		}
		g.Go(func() error {
			l := byTable[k.comparison]
			meter := v.p.Progress.Start(event.Part{
				ID: int64(-1 - i), Table: k.comparison.transfer.Target.String(), Relation: k.comparison.transfer.Target.String(), Range: "rows that differ",
			})
			started := time.Now()
			err := l.do(ctx, k, meter)
			v.p.Progress.Finish(meter, err == nil)
			l.mu.Lock()
			defer l.mu.Unlock()
			l.elapsed += time.Since(started)
			if err != nil {
				l.errs = append(l.errs, err)
				l.found.Unlocalised += k.rows
			}
			if l.pending--; l.pending == 0 {
				l.conclude()
			}
			return nil
		})
	}
	_ = g.Wait() // each table has its own error
	return context.Cause(ctx)
}

// do compares the rows of a chunk, once more when a connection breaks. What was
// found counts when both sides were read to their ends.
func (l *localising) do(ctx context.Context, k *chunk, meter *event.Meter) error {
	for attempt := 1; ; attempt++ {
		err := l.once(ctx, k, meter)
		if err == nil || attempt == attempts || ctx.Err() != nil || errors.Is(err, errNotTaken) {
			return err
		}
		if class := dial.Classify(err); class != dial.Lost && class != dial.Retry {
			return err
		}
		meter.Reset(0, 0)
	}
}

// errNotTaken is a difference that nobody took: reading it again would tell of
// others twice.
var errNotTaken = errors.New("a row that differs could not be written down")

func (l *localising) once(ctx context.Context, k *chunk, meter *event.Meter) error {
	out := &chunkResult{of: l, chunk: k}
	m := newMatcher(k.comparison, int(l.run.budget()), out.add)
	source, err := l.side(ctx, k, m, false, meter)
	if err != nil {
		return err
	}
	target, err := l.side(ctx, k, m, true, meter)
	if err == nil {
		err = m.end()
	}
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.read += int64(source.sum.Rows + target.sum.Rows) //nolint:gosec // rows of a chunk
	l.bytes += source.bytes + target.bytes
	if k.then != nil {
		return k.then(out)
	}
	return l.take(out)
}

// side reads one side of a chunk: the source's rows are held, the target's pass.
func (l *localising) side(ctx context.Context, k *chunk, m *matcher, target bool, meter *event.Meter) (*rowReader, error) {
	wanted := newRowFilter(k, m, target)
	r, err := newRowReader(k.comparison, wanted)
	if err != nil {
		return nil, err
	}
	if target && l.run.p.Profile.ReadByKey {
		return r, l.run.readChunkPages(ctx, k, r, meter)
	}
	var metered digest.Sum
	var meteredBytes int64
	progress := func() error {
		bytes := r.bytes - meteredBytes
		meter.Add(int64(r.sum.Rows-metered.Rows), bytes) //nolint:gosec // rows of one read
		metered, meteredBytes = r.sum, r.bytes
		return l.run.slow(ctx, target, bytes, meter)
	}
	for _, sql := range l.run.chunkSQL(k, target) {
		before := r.sum.Rows
		rows, err := l.run.copyRanges(ctx, k, target, sql, func(piece []byte) error {
			if err := r.write(piece); err != nil || r.bytes-meteredBytes < meterBytes {
				return err
			}
			return progress()
		})
		if err == nil {
			err = errors.Join(r.close(), progress())
		}
		if err == nil && uint64(rows) != r.sum.Rows-before { //nolint:gosec // not negative
			err = fmt.Errorf("the server says that it sent %d rows, and %d arrived", rows, r.sum.Rows-before)
		}
		if err != nil {
			return nil, err
		}
	}
	return r, nil
}

// copyRanges is copyOut for ranges of a key: they are few rows, which servers
// that know little of a table (one that was just loaded) do not believe.
func (v *run) copyRanges(ctx context.Context, k *chunk, target bool, sql string, take func(piece []byte) error) (rows int64, err error) {
	if k.whole() {
		return v.copyOut(ctx, target, sql, take)
	}
	pool := v.source
	if target {
		pool = v.target
	}
	s, err := pool.get(ctx)
	if err != nil {
		return 0, err
	}
	_, err = s.conn.Exec(ctx, "SET enable_seqscan = off", pgx.QueryExecModeSimpleProtocol)
	if err == nil {
		rows, err = s.copyOut(ctx, sql, take)
	}
	if err == nil {
		_, err = s.conn.Exec(ctx, "RESET enable_seqscan", pgx.QueryExecModeSimpleProtocol)
	}
	if err != nil {
		pool.drop(s)
		return 0, err
	}
	pool.put(s)
	return rows, nil
}

// newRowFilter hands the rows that a chunk wants to its matcher.
func newRowFilter(k *chunk, m *matcher, target bool) func(*row, int) error {
	return func(r *row, bucket int) error {
		if !k.wants(bucket, m.slot(r)) || k.keys != nil && !k.keys[string(r.key)] {
			return nil
		}
		if target {
			return m.pass(r)
		}
		m.hold(r)
		return nil
	}
}

// chunkSQL are the statements that read a chunk from one side.
func (v *run) chunkSQL(k *chunk, target bool) []string {
	t := k.comparison.transfer
	exprs := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		if exprs[i] = c.Select; target {
			exprs[i] = c.ReadBack
		}
	}
	if target {
		return []string{copySQL(exprs, t.Target, v.only(t), k.condition(true))}
	}
	var list []string
	for _, relation := range t.Relations {
		list = append(list, copySQL(exprs, relation, true, both(k.condition(false), t.WhereOf(relation))))
	}
	return list
}

// chunkResult is what was found in one chunk, while it may still be read again.
type chunkResult struct {
	of    *localising
	chunk *chunk
	all   []pairFound
}

// pairFound is one difference, its rows copied where they pass.
type pairFound struct {
	kind           RowKind
	source, target *row
	copies         int64
}

// add takes a difference.
func (r *chunkResult) add(kind RowKind, source, target *row, copies int64) error {
	p := pairFound{kind: kind, source: source, target: target, copies: copies}
	if kind == RowExtra { // valid only now
		kept := *target
		kept.key, kept.text = slices.Clone(target.key), slices.Clone(target.text)
		if len(kept.text) > wholeRow {
			kept.shorten(len(r.of.comparison.transfer.Columns))
		}
		p.target = &kept
	}
	r.all = append(r.all, p)
	return nil
}

// take adds what a chunk found to the table's. The caller holds the lock.
func (l *localising) take(out *chunkResult) error {
	slices.SortStableFunc(out.all, func(a, b pairFound) int { return compareKeys(a.key(), b.key()) })
	for _, p := range out.all {
		var sum digest.Sum
		for range p.copies {
			if p.source != nil {
				sum.AddHash(p.source.hi, p.source.lo)
			}
		}
		l.rest.Less(sum)
		sum = digest.Sum{}
		for range p.copies {
			if p.target != nil {
				sum.AddHash(p.target.hi, p.target.lo)
			}
		}
		l.rest.Merge(sum)
		if p.kind == RowMissing {
			if p.copies -= l.excused.take(p.source, p.copies); p.copies == 0 {
				continue
			}
		}
		if err := l.tell(out.chunk, p); err != nil {
			return err
		}
	}
	return nil
}

func (p pairFound) key() []byte {
	if p.source != nil {
		return p.source.key
	}
	return p.target.key
}

// tell counts a difference by kind and column, and hands it on.
func (l *localising) tell(k *chunk, p pairFound) error {
	switch p.kind {
	case RowMissing:
		l.found.Missing += p.copies
	case RowExtra:
		l.found.Extra += p.copies
	case RowChanged:
		l.found.Changed += p.copies
	}
	show := l.room(k) > 0
	if p.kind == RowChanged {
		l.columns.add(p.source, p.target)
	}
	if !show && l.run.p.Differences == nil {
		return nil
	}
	d := l.run.describe(l.comparison, p)
	if show {
		l.shown[k.number] = append(l.shown[k.number], d)
	}
	if l.run.p.Differences == nil {
		return nil
	}
	l.run.differencesMu.Lock()
	defer l.run.differencesMu.Unlock()
	if err := l.run.p.Differences(d); err != nil {
		return fmt.Errorf("%w: %w", errNotTaken, err)
	}
	return nil
}

// room is how many more differences of a chunk can come to be shown.
func (l *localising) room(k *chunk) int {
	room := l.run.mostShown()
	for number, list := range l.shown {
		if number <= k.number {
			room -= len(list)
		}
	}
	return room
}

// mostShown is how many differences of a table stand in the report.
func (v *run) mostShown() int {
	if v.p.MaxDifferences == 0 {
		return defaultDifferences
	}
	return max(0, v.p.MaxDifferences)
}

// conclude gives the table what was found. All chunks are finished.
func (l *localising) conclude() {
	if l.live != nil && !l.live.over { // its rows are looked at again
		return
	}
	d := l.comparison.table.Data
	numbers := make([]int, 0, len(l.shown))
	for n := range l.shown {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	for _, n := range numbers {
		room := l.run.mostShown() - len(l.found.Shown)
		l.found.Shown = append(l.found.Shown, l.shown[n][:min(len(l.shown[n]), max(room, 0))]...)
	}
	l.found.Columns = l.columns.list()
	d.ReadAgain = l.read
	d.Bytes += l.bytes
	d.Elapsed += l.elapsed
	if l.live != nil {
		l.judgeLive(d)
	} else {
		l.judge(d)
	}
	l.run.finish(l.comparison.table)
}

// judge brings what was found and the sums together: they are two ways to one
// answer, and where they disagree nothing is called equal.
func (l *localising) judge(d *Data) {
	f := &l.found
	d.Verdict = l.comparison.verdict
	excused := l.excused.list()
	d.Excused = append(d.Excused, excused...)
	some := f.Missing+f.Extra+f.Changed > 0
	if d.Live != nil {
		d.Live.Differ = f.Missing + f.Extra + f.Changed
	}
	whole := l.rest == digest.Sum{} && f.Unlocalised == 0 && len(l.errs) == 0
	if !whole && f.Unlocalised == 0 {
		f.Unlocalised = 1
	}
	switch {
	case !whole && d.Verdict == Match:
		d.Verdict, d.Err = Errored, fmt.Sprintf("its sums are equal, but not every row could be looked at: %v", errors.Join(l.errs...))
		if len(l.errs) == 0 {
			d.Err = "its sums are equal, but not every row was found on both sides: it is being written, or rows were left out"
		}
	case some:
		d.Verdict = Mismatch
	case whole && d.Verdict == Mismatch && l.excused.taken() > 0:
		d.Verdict = Match
	}
	if some || d.Verdict == Mismatch {
		d.Found = f
	}
	if d.Verdict == Mismatch && len(l.errs) > 0 {
		d.NotLocalised = errors.Join(l.errs...).Error()
	}
}
