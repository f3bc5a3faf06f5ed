package copier

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/keyset"
	"github.com/pg2db9/pg2db9/verify/digest"
)

// pagedRows reads the target by SELECT in pages of its key, each a statement of
// its own within the statement timeout. The rows of a page are handed on as they
// come. A page that breaks off is read on behind the last row, smaller, on
// another connection: what is written meanwhile stands before that row.
type pagedRows struct {
	connect  func(ctx context.Context) (*sourceConn, error)
	take     *rowTaker
	pages    *keyset.Pages
	pace     keyset.Pace
	unique   bool // the target itself keeps the key unique
	patience time.Duration

	from    *sourceConn
	watched func() bool // ends the watch of its context
	seen    [][]byte    // the key of the last row, in COPY TEXT form
	at      keyset.Position
	open    bool  // a page is under way
	limit   int64 // of it
	rows    int64 // of it, so far
	bytes   int64
	since   time.Time
	done    bool
	line    []byte
	tries   int
	trouble time.Time // since when no row came
}

// maxPageTries is how often in a row a page is read again: each time it is
// smaller, so that at last it is one row.
const maxPageTries = 10

// next implements keyedRows.
func (p *pagedRows) next(ctx context.Context) (*keyedRow, error) {
	wait := newBackOff()
	for !p.done {
		row, err := p.read(ctx)
		if row != nil {
			p.tries = 0
			return row, nil
		}
		if err == nil { // a page's end
			continue
		}
		if err := p.resume(ctx, err); err != nil {
			return nil, cause(ctx, fmt.Errorf("reading %s on the target in pages of its key: %w", p.pages.Table, err))
		}
		select {
		case <-time.After(wait.NextBackOff()):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	return nil, nil //nolint:nilnil // the end
}

// read gives the next row of the page, or none at its end.
func (p *pagedRows) read(ctx context.Context) (*keyedRow, error) {
	if p.from == nil {
		from, err := p.connect(ctx)
		if err != nil {
			return nil, err
		}
		p.from, p.watched = from, from.wire.watch(ctx)
	}
	if !p.open {
		if err := p.ask(ctx); err != nil {
			return nil, err
		}
	}
	for {
		typ, n, err := p.from.in.next()
		if err != nil {
			return nil, err
		}
		switch typ {
		case 'D':
			return p.row(n)
		case 'T', 'N', 'S', 'A':
		case 'C':
			if err := p.counted(); err != nil {
				return nil, err
			}
		case 'E':
			return nil, p.from.in.serverError()
		case 'Z':
			p.end()
			return nil, nil //nolint:nilnil // a page's end
		default:
			return nil, unexpected(typ, "among the rows of a page")
		}
	}
}

// row takes a row of n bytes.
func (p *pagedRows) row(n int) (*keyedRow, error) {
	p.take.begin()
	if err := p.fieldsOf(n); err != nil {
		return nil, err
	}
	row, err := p.take.finish("target")
	if err != nil {
		return nil, err
	}
	if row.again {
		return nil, p.take.table.refuse("the target holds %.60q more than once", row.values)
	}
	p.rows++
	p.bytes += row.bytes
	for i, v := range row.values {
		p.seen[i] = append(p.seen[i][:0], v...)
	}
	return row, nil
}

// ask sends the statement of the next page. Where nothing keeps the key unique,
// the rows at the last page's end are asked for first: a second one with the
// same key may have been cut off there.
func (p *pagedRows) ask(ctx context.Context) error {
	if sql := p.pages.BorderSQL(p.at); sql != "" && !p.unique {
		rows, err := p.border(sql)
		if err != nil {
			return err
		}
		if rows > 1 {
			return p.take.table.refuse("the target holds %.60q more than once", p.at.Key)
		}
	}
	p.open, p.rows, p.bytes, p.limit, p.since = true, 0, 0, p.pace.Rows, time.Now()
	if err := p.from.wire.send(&pgproto3.Query{String: p.pages.SQL(p.at, p.limit)}); err != nil {
		return cause(ctx, err)
	}
	return nil
}

// border counts the rows of a statement.
func (p *pagedRows) border(sql string) (rows int, err error) {
	if err := p.from.wire.send(&pgproto3.Query{String: sql}); err != nil {
		return 0, err
	}
	for {
		typ, _, err := p.from.in.next()
		if err != nil {
			return 0, err
		}
		switch typ {
		case 'D':
			rows++
		case 'E':
			return 0, p.from.in.serverError()
		case 'Z':
			return rows, nil
		}
	}
}

// counted holds the server's own count of a page against what arrived.
func (p *pagedRows) counted() error {
	body, err := p.from.in.body()
	if err != nil {
		return err
	}
	count, found := bytes.CutPrefix(bytes.TrimSuffix(body, []byte{0}), []byte("SELECT "))
	rows, err := strconv.ParseInt(string(count), 10, 64)
	if !found || err != nil || rows != p.rows {
		return fmt.Errorf("%w: a page of %d rows ended with the tag %q", errProtocol, p.rows, body)
	}
	return nil
}

// end chooses the next page.
func (p *pagedRows) end() {
	p.open = false
	p.at, p.done = p.pages.Next(p.at, p.rows, p.limit, p.last())
	p.pace.Measured(p.rows, p.bytes, time.Since(p.since))
}

// last is the key of the last row, as text.
func (p *pagedRows) last() []string {
	if p.rows == 0 {
		return nil
	}
	key := make([]string, len(p.seen))
	for i, v := range p.seen {
		key[i] = string(digest.AppendUnescaped(nil, v))
	}
	return key
}

// resume goes on behind the last row after an error that passes.
func (p *pagedRows) resume(ctx context.Context, err error) error {
	if p.tries == 0 {
		p.trouble = time.Now()
	}
	p.tries++
	c := dial.Classify(err)
	again := c == dial.Lost && time.Since(p.trouble) < p.patience || c == dial.Retry && p.tries < maxPageTries
	if ctx.Err() != nil || !again {
		return err
	}
	if p.open && p.rows > 0 {
		p.at = keyset.Position{Key: p.last(), Level: len(p.pages.Key)}
	}
	if p.open { // a server that is away says nothing of what it can do
		p.pace.Failed()
	}
	p.open = false
	p.drop()
	return nil
}

func (p *pagedRows) drop() {
	if p.from != nil {
		p.watched()
		p.from.wire.close(false)
		p.from = nil
	}
}

func (p *pagedRows) close() { p.drop() }

// fieldsOf takes a DataRow of n bytes as the line that COPY TO would have sent.
func (p *pagedRows) fieldsOf(n int) error {
	in := p.from.in
	if in.fits(n) {
		body, err := in.body()
		if err != nil {
			return err
		}
		return p.short(body)
	}
	head, err := p.bytesOf(2)
	if err != nil {
		return err
	}
	if err := p.fields(head); err != nil {
		return err
	}
	for i := range p.pages.Exprs {
		head, err := p.bytesOf(4)
		if err != nil {
			return err
		}
		length := int(int32(binary.BigEndian.Uint32(head))) //nolint:gosec // a signed number
		p.line = p.line[:0]
		if i > 0 {
			p.line = append(p.line, '\t')
		}
		if length < 0 {
			p.line = append(p.line, digest.Null...)
		}
		p.take.piece(p.line)
		for length > 0 {
			if err := in.fill(1); err != nil {
				return err
			}
			piece, err := p.bytesOf(min(length, in.hi-in.lo))
			if err != nil {
				return err
			}
			length -= len(piece)
			p.line = digest.AppendEscaped(p.line[:0], piece)
			p.take.piece(p.line)
		}
	}
	if in.rest != 0 {
		return errShortRow
	}
	return nil
}

// errShortRow is a DataRow whose lengths do not add up.
var errShortRow = fmt.Errorf("%w: a row whose fields do not add up", errProtocol)

func (p *pagedRows) fields(head []byte) error {
	if int(binary.BigEndian.Uint16(head)) != len(p.pages.Exprs) {
		return errShortRow
	}
	return nil
}

// bytesOf takes the next n bytes of the present message, which fit into the
// buffer.
func (p *pagedRows) bytesOf(n int) ([]byte, error) {
	in := p.from.in
	if n > in.rest {
		return nil, errShortRow
	}
	if err := in.fill(n); err != nil {
		return nil, err
	}
	b := in.buf[in.lo : in.lo+n]
	in.lo += n
	in.rest -= n
	return b, nil
}

// short takes a DataRow that is in memory.
func (p *pagedRows) short(body []byte) error {
	if len(body) < 2 {
		return errShortRow
	}
	if err := p.fields(body); err != nil {
		return err
	}
	body = body[2:]
	p.line = p.line[:0]
	for i := range p.pages.Exprs {
		if len(body) < 4 {
			return errShortRow
		}
		length := int(int32(binary.BigEndian.Uint32(body))) //nolint:gosec // a signed number
		if body = body[4:]; length > len(body) {
			return errShortRow
		}
		if i > 0 {
			p.line = append(p.line, '\t')
		}
		if length < 0 {
			p.line = append(p.line, digest.Null...)
			continue
		}
		p.line = digest.AppendEscaped(p.line, body[:length])
		body = body[length:]
	}
	if len(body) != 0 {
		return errShortRow
	}
	p.take.whole(p.line)
	return nil
}
