package copier

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
	"github.com/pg2db9/pg2db9/internal/pace"
)

// upsertBatch is rows for one transaction.
type upsertBatch struct {
	lines bytes.Buffer // of COPY TEXT
	rows  int64
	last  bool // no other follows
}

func (b *upsertBatch) reset() {
	b.lines.Reset()
	b.rows = 0
}

// upsertReader reads the source's rows, and cuts them to batches.
type upsertReader struct {
	p        UpsertParams
	source   *pgx.Conn
	pace     *pace.Pace
	maxRows  int64
	maxBytes int64
	batch    *upsertBatch
	full     chan *upsertBatch // to be sent
	free     chan *upsertBatch // that were sent
}

func newUpsertReader(u *upsert) *upsertReader {
	r := &upsertReader{
		p: u.p, source: u.source, pace: pace.New(pace.Rate{Bytes: u.p.MaxRate}), maxRows: u.p.Profile.BatchRows, maxBytes: u.p.Profile.BatchBytes,
		batch: &upsertBatch{}, full: make(chan *upsertBatch), free: make(chan *upsertBatch, 2),
	}
	if r.maxRows <= 0 {
		r.maxRows = upsertRows
	}
	if r.maxBytes <= 0 {
		r.maxBytes = upsertBytes
	}
	r.free <- &upsertBatch{}
	return r
}

// run reads all rows. The last batch, which may be empty, is sent when every one was
// read, and not else.
func (r *upsertReader) run(ctx context.Context) error {
	for _, rel := range r.p.Transfer.Relations {
		lines := &lineWriter{take: func(line []byte) error { return r.add(ctx, line) }}
		if _, err := r.source.PgConn().CopyTo(ctx, lines, r.sql(rel)); err != nil {
			if lines.err != nil {
				return lines.err // not the source's doing
			}
			return fmt.Errorf("reading rows of %s on the source: %w", rel, err)
		}
	}
	r.batch.last = true
	return r.send(ctx)
}

// sql reads the rows of one relation.
func (r *upsertReader) sql(rel catalog.Name) string {
	exprs := make([]string, len(r.p.Transfer.Columns))
	for i, c := range r.p.Transfer.Columns {
		exprs[i] = c.Select
	}
	sql := fmt.Sprintf("COPY (SELECT %s FROM ONLY %s", strings.Join(exprs, ", "), quote.Name(rel.Schema, rel.Name))
	var conditions []string
	for _, c := range []string{r.p.Since, r.p.Transfer.WhereOf(rel)} {
		if c != "" {
			conditions = append(conditions, c)
		}
	}
	if len(conditions) > 0 {
		sql += " WHERE " + strings.Join(conditions, " AND ")
	}
	if len(r.p.Order) > 0 {
		sql += " ORDER BY " + strings.Join(r.p.Order, ", ")
	}
	return sql + ") TO STDOUT"
}

// add takes a row of the source. A batch is sent when the next row would pass its
// bounds, so that the last one is known when it is sent.
func (r *upsertReader) add(ctx context.Context, line []byte) error {
	size := int64(len(line) + 1)
	switch limit := r.p.Profile.RowBytes; {
	case limit > 0 && size > limit:
		return fmt.Errorf("a row of %s has %d bytes, the target takes at most %d: shorten it, or leave it out (where)", r.p.Transfer.Target, size, limit)
	case !utf8.Valid(line):
		return fmt.Errorf("a row of %s holds bytes that are not UTF-8: mend it on the source", r.p.Transfer.Target)
	}
	if b := r.batch; b.rows > 0 && (b.rows >= r.maxRows || int64(b.lines.Len())+size > r.maxBytes) {
		if err := r.send(ctx); err != nil {
			return err
		}
	}
	if err := r.pace.Wait(ctx, size, 1); err != nil {
		return err
	}
	r.batch.lines.Write(line)
	r.batch.lines.WriteByte('\n')
	r.batch.rows++
	return nil
}

// send gives a batch away, and takes one that was sent.
func (r *upsertReader) send(ctx context.Context) error {
	last := r.batch.last
	select {
	case r.full <- r.batch:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if last {
		return nil
	}
	select {
	case r.batch = <-r.free:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
