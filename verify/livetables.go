package verify

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pg2db9/pg2db9/internal/event"
	"github.com/pg2db9/pg2db9/internal/keyset"
	"github.com/pg2db9/pg2db9/verify/digest"
)

// liveTable is a table without a key that differs while it is written: it can
// only be read again as a whole.
type liveTable struct {
	run            *run
	comparison     *comparison // of the last look
	source, target digest.Sum
	since          time.Time // when both came to be so
	looks          int       // that saw the same
	tries          int
	err            error // of the last look
	next           time.Time
	done           bool
}

func newLiveTable(v *run, c *comparison) *liveTable {
	return &liveTable{run: v, comparison: c, source: c.source, target: c.target, since: time.Now()}
}

// due says whether it is time for another look: not more than half of the time
// goes for looks.
func (t *liveTable) due() bool { return !time.Now().Before(t.next) }

// settled gives the table its verdict where the sums say that it is equal.
func (t *liveTable) settled() bool {
	c, d := t.comparison, t.comparison.table.Data
	if c.source != c.target {
		if !c.excused.explain(c.source, c.target) {
			return false
		}
		d.Excused = append(d.Excused, c.excused.list()...)
	}
	t.done = true
	t.count()
	d.Verdict = Match
	t.run.finish(c.table)
	return true
}

// count gives the report what the last look saw.
func (t *liveTable) count() {
	c, d := t.comparison, t.comparison.table.Data
	d.Live.Whole = t.tries
	d.Read, d.Framed, d.Counted = int64(c.source.Rows), int64(c.source.Rows), int64(c.target.Rows) //nolint:gosec // rows of a table
	d.SourceDigest, d.TargetDigest = c.source.Hex(), c.target.Hex()
	if c.source != c.target {
		d.SourceDigest, d.TargetDigest = "", "" // of no one moment
	}
}

// look reads both sides of the table again. In the last look a table that is not
// equal and still changes is Unknown; one that stands still is left for
// tellTables.
func (t *liveTable) look(ctx context.Context, last bool) error {
	started := time.Now()
	t.tries++
	c, err := t.read(ctx)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	t.next = time.Now().Add(time.Since(started))
	if t.err = err; err == nil {
		t.comparison = c
		if t.settled() {
			return nil
		}
		if c.source == t.source && c.target == t.target {
			t.looks++
		} else {
			t.source, t.target, t.since, t.looks = c.source, c.target, time.Now(), 0
		}
	}
	if !last || err == nil && t.run.steady(t.looks, steadyTries, t.since) {
		return nil
	}
	t.done = true
	t.count()
	d := t.comparison.table.Data
	if err != nil {
		d.Verdict, d.Err = Errored, fmt.Sprintf("it differed and could not be read again: %v", err)
	} else {
		d.Verdict = Unknown
		d.Err = fmt.Sprintf("not settled: it has no key by which its rows could be looked at one by one, and in %d more readings it was never equal and still changed. "+
			"Verify it when nobody writes to it", t.tries)
	}
	t.run.finish(t.comparison.table)
	return nil
}

// read reads the table on both sides, each in one statement, so that each is of
// one moment.
func (t *liveTable) read(ctx context.Context) (*comparison, error) {
	v, o := t.run, t.comparison
	c := &comparison{transfer: o.transfer, table: o.table, canons: o.canons, buckets: o.buckets, excused: o.excused, differences: newBucketDifference(o.buckets.count)}
	reads := []*read{{table: c, target: true, relation: c.transfer.Target, part: part{label: "whole"}}}
	for _, relation := range c.transfer.Relations {
		reads = append(reads, &read{table: c, relation: relation, part: part{label: "whole"}})
	}
	for _, r := range reads {
		if r.target && v.p.Profile.ReadByKey {
			r.pages = keyset.New(c.transfer, v.only(c.transfer))
		} else {
			r.sql = v.readSQL(r)
		}
		started := time.Now()
		meter := v.p.Progress.Start(event.Part{ID: -v.looks.Add(1), Table: c.transfer.Target.String(), Relation: r.relation.String(), Range: string(r.side()) + ", again"})
		s, err := v.read(ctx, r, meter)
		v.p.Progress.Finish(meter, err == nil)
		if err != nil {
			return nil, fmt.Errorf("reading %s on the %s: %w", r.relation, r.side(), err)
		}
		c.add(r, s, time.Since(started), nil)
	}
	d := c.table.Data
	d.Bytes += c.bytes
	d.Elapsed += c.elapsed
	d.ReadAgain += int64(c.source.Rows + c.target.Rows) //nolint:gosec // rows of a table
	return c, nil
}

// tellTables finds the rows of the tables without a key that stand still and
// differ, as in a comparison of sides that nobody writes.
func (w *watch) tellTables(ctx context.Context) error {
	var list []*comparison
	for _, t := range w.tables {
		if t.done {
			continue
		}
		t.done = true
		t.count()
		t.comparison.verdict = Mismatch
		list = append(list, t.comparison)
	}
	if len(list) == 0 {
		return context.Cause(ctx)
	}
	return errors.Join(w.run.localise(ctx, list, nil), context.Cause(ctx))
}
