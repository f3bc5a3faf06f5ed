package copier

import (
	"context"
	"fmt"
	"strings"

	"golang.org/x/sync/semaphore"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
)

// keyedRows gives the rows of one side in the order of their key.
type keyedRows interface {
	next(ctx context.Context) (*keyedRow, error) // nil is the end
	close()
}

// copiedRows reads one side by COPY TO.
type copiedRows struct {
	from *sourceConn
	side dial.Side
	take *rowTaker
	keep bool // rows are needed whole
	huge *semaphore.Weighted
	rein *rein
	held bool // a huge row is in memory
	big  []byte
	rows int64
	done bool
}

// sortedSQL reads all rows of a transfer on the source in the order of its key:
// of all its relations, as one. The names inside are ours, so that an expression
// of the transfer can be sorted by.
func sortedSQL(t *ddlgen.Transfer, key *sortKey, relations []catalog.Name, encoding string) string {
	exprs, names := make([]string, len(t.Columns)), make([]string, len(t.Columns))
	for i, c := range t.Columns {
		names[i] = fmt.Sprintf("c%d", i)
		exprs[i] = c.Select + " AS " + names[i]
	}
	parts := make([]string, len(relations))
	for i, r := range relations {
		parts[i] = fmt.Sprintf("SELECT %s FROM ONLY %s", strings.Join(exprs, ", "), quote.Name(r.Schema, r.Name))
		if rows := t.WhereOf(r); rows != "" {
			parts[i] += " WHERE " + rows
		}
	}
	return fmt.Sprintf("COPY (SELECT %s FROM (%s) AS r ORDER BY %s) TO STDOUT",
		strings.Join(names, ", "), strings.Join(parts, " UNION ALL "), key.orderBy(encoding, func(f keyField) string { return names[f.field] }))
}

// placedSQL reads all rows of a transfer's target in the order of its key, each
// behind its place. A partitioned table has no places of its own.
func placedSQL(t *ddlgen.Transfer, key *sortKey, placed bool, encoding string) string {
	exprs := make([]string, 0, len(t.Columns)+1)
	only := ""
	if placed {
		exprs, only = append(exprs, "ctid"), "ONLY "
	}
	for _, c := range t.Columns {
		exprs = append(exprs, c.ReadBack)
	}
	return fmt.Sprintf("COPY (SELECT %s FROM %s%s ORDER BY %s) TO STDOUT",
		strings.Join(exprs, ", "), only, quote.Name(t.Target.Schema, t.Target.Name),
		key.orderBy(encoding, func(f keyField) string { return quote.Ident(f.name) }))
}

// next implements keyedRows.
func (c *copiedRows) next(ctx context.Context) (*keyedRow, error) {
	c.release()
	if c.done {
		return nil, nil //nolint:nilnil // the end
	}
	row, err := c.read(ctx)
	if err != nil {
		return nil, cause(ctx, fmt.Errorf("reading %s on the %s in the order of its key, after row %d: %w", c.take.table.table, c.side, c.rows, err))
	}
	return row, nil
}

func (c *copiedRows) read(ctx context.Context) (*keyedRow, error) {
	n, tag, end, err := c.from.row()
	switch {
	case err != nil:
		return nil, err
	case end && tag != c.rows:
		return nil, fmt.Errorf("the server says that it sent %d rows, but %d arrived", tag, c.rows)
	case end:
		c.done = true
		return nil, nil //nolint:nilnil // the end
	}
	c.rows++
	if c.rein != nil {
		if err := c.rein.took(ctx, n, false); err != nil {
			return nil, err
		}
	}
	c.take.begin()
	switch {
	case c.from.in.fits(n):
		line, err := c.from.in.body()
		if err != nil {
			return nil, err
		}
		err = c.whole(line)
		if err != nil {
			return nil, err
		}
	case c.keep:
		if err := c.gather(ctx, n); err != nil {
			return nil, err
		}
		if err := c.whole(c.big); err != nil {
			return nil, err
		}
	default:
		if err := c.pieces(n); err != nil {
			return nil, err
		}
	}
	return c.take.finish(string(c.side))
}

func (c *copiedRows) whole(line []byte) error {
	text, err := withoutLineEnd(line)
	if err != nil {
		return err
	}
	c.take.whole(text)
	if c.keep {
		c.take.line = line
	}
	return nil
}

// gather collects a row that is longer than the read buffer. Huge ones wait for
// each other, until the merge is behind them.
func (c *copiedRows) gather(ctx context.Context, n int) error {
	if n > hugeRow {
		if err := c.huge.Acquire(ctx, 1); err != nil {
			return err
		}
		c.held = true
	}
	if cap(c.big) < n {
		c.big = make([]byte, 0, n)
	}
	c.big = c.big[:0]
	for len(c.big) < n {
		piece, err := c.from.in.chunk()
		if err != nil {
			return err
		}
		c.big = append(c.big, piece...)
	}
	return nil
}

// pieces takes a long row as it passes.
func (c *copiedRows) pieces(n int) error {
	for left := n; left > 0; {
		piece, err := c.from.in.chunk()
		if err != nil {
			return err
		}
		if left -= len(piece); left == 0 {
			if piece, err = withoutLineEnd(piece); err != nil {
				return err
			}
		}
		c.take.piece(piece)
	}
	return nil
}

// release gives back what the row before held.
func (c *copiedRows) release() {
	if c.held {
		c.held, c.big = false, nil
		c.huge.Release(1)
	}
}

func (c *copiedRows) close() {
	c.release()
	c.from.wire.close(c.done)
}

// withoutLineEnd takes the line end off a row. That it is there proves that the
// message was one whole row.
func withoutLineEnd(line []byte) ([]byte, error) {
	if len(line) == 0 || line[len(line)-1] != '\n' {
		return nil, fmt.Errorf("%w: a row without a line end", errProtocol)
	}
	return line[:len(line)-1], nil
}
