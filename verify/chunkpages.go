package verify

import (
	"bytes"
	"context"
	"slices"
	"strings"

	"github.com/pg2db9/pg2db9/internal/event"
	"github.com/pg2db9/pg2db9/internal/keyset"
	"github.com/pg2db9/pg2db9/verify/digest"
)

const (
	pageHeld = 1 << 20 // bytes of rows that a page may hold back
	oneSweep = 4000    // rows of ranges that are asked for by one statement
)

// readChunkPages reads a chunk of a target that is read by SELECT: small ranges
// by one statement, whatever is larger in pages of the key.
func (v *run) readChunkPages(ctx context.Context, k *chunk, to *rowReader, meter *event.Meter) error {
	t := k.comparison.transfer
	whole := keyset.New(t, v.only(t))
	if len(k.ranges) > 1 && k.rows <= oneSweep {
		sweep, err := newPageRows(k, to)
		if err != nil {
			return err
		}
		err = v.sweep(ctx, k, whole, sweep, meter)
		if err == nil || ctx.Err() != nil {
			return err
		}
		v.p.Log.DebugContext(ctx, "ranges are read one by one", "table", t.Target, "error", err)
	}
	ranges := k.ranges
	if k.whole() || len(k.byKey) > 0 {
		ranges = []keyRange{{}}
	}
	for _, r := range ranges {
		taker, err := newPageRows(k, to)
		if err != nil {
			return err
		}
		pages := *whole
		switch {
		case len(k.byKey) > 0:
			pages.Within = k.condition(true)
		case r.low != nil || r.high != nil:
			pages.Within = r.where(k.comparison.buckets.form, k.comparison.targetColumn())
		}
		read := &read{table: k.comparison, target: true, relation: t.Target, pages: &pages, part: part{label: "rows that differ"}}
		if _, err := v.readPagesInto(ctx, read, taker, meter); err != nil {
			return err
		}
	}
	return nil
}

// sweep reads all ranges of a chunk by one statement.
func (v *run) sweep(ctx context.Context, k *chunk, whole *keyset.Pages, rows *pageRows, meter *event.Meter) error {
	page, err := newPage(&keyset.Pages{Exprs: slices.Concat(whole.Exprs, whole.Extra)}, k.comparison.canons)
	if err != nil {
		return err
	}
	page.counts = len(whole.Exprs)
	rows.attach(page.tally)
	one := *whole
	one.Key = nil
	parts := make([]string, len(k.ranges))
	for i, r := range k.ranges {
		one.Within = r.where(k.comparison.buckets.form, k.comparison.targetColumn())
		parts[i] = one.SQL(keyset.Position{}, 0)
	}
	s, err := v.target.get(ctx)
	if err != nil {
		return err
	}
	if err := s.selectPage(ctx, strings.Join(parts, " UNION ALL "), page); err != nil {
		v.target.drop(s)
		return err
	}
	v.target.put(s)
	if err := rows.keep(); err != nil {
		return err
	}
	bytes := page.tally.bytes
	meter.Add(int64(page.tally.sum.Rows), bytes) //nolint:gosec // rows of a page
	return v.slow(ctx, true, bytes, meter)
}

// pageRows holds the rows of a page back until all of it has arrived.
type pageRows struct {
	to      *rowReader
	reader  *rowReader
	columns int
	rowLen  int64
	rows    []row
	bucket  []int
	waiting digest.Sum
}

func newPageRows(k *chunk, to *rowReader) (*pageRows, error) {
	c := k.comparison
	p := &pageRows{to: to, columns: len(c.transfer.Columns), rowLen: heldRowCost + c.bytes/max(1, int64(c.source.Rows+c.target.Rows))} //nolint:gosec // rows of a table
	reader, err := newRowReader(c, p.take)
	p.reader = reader
	return p, err
}

func (p *pageRows) take(r *row, bucket int) error {
	kept := row{hi: r.hi, lo: r.lo, key: bytes.Clone(r.key), text: r.text, short: r.short}
	switch {
	case len(r.text) > wholeRow:
		kept.shorten(p.columns)
	case r.text != nil:
		kept.text = append([]byte{}, r.text...)
	}
	p.rows, p.bucket = append(p.rows, kept), append(p.bucket, bucket)
	p.waiting.AddHash(r.hi, r.lo)
	return nil
}

func (p *pageRows) attach(t *tally) { t.also = p.reader }

func (p *pageRows) keep() error {
	p.to.sum.Merge(p.waiting)
	for i := range p.rows {
		if err := p.to.take(&p.rows[i], p.bucket[i]); err != nil {
			return err
		}
	}
	p.to.bytes += p.reader.bytes
	p.undo()
	return nil
}

// undo forgets the rows of a page that did not arrive.
func (p *pageRows) undo() {
	p.rows, p.bucket, p.waiting = p.rows[:0], p.bucket[:0], digest.Sum{}
	p.reader.forget()
}

func (p *pageRows) most() int64 { return max(1, pageHeld/min(p.rowLen, wholeRow)) }
