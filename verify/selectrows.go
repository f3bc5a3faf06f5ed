package verify

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pg2db9/pg2db9/internal/keyset"
	"github.com/pg2db9/pg2db9/verify/digest"
)

// silence is how long a server may say nothing while a page is read, before the
// connection counts as lost.
const silence = 3 * time.Minute

// page is the result of one SELECT under way: text values, each row brought
// into the form that COPY TO would have sent.
type page struct {
	tally  *tally
	fields int      // of a row
	counts int      // of these the first so many are digested
	keys   []int    // the key's fields
	last   [][]byte // the key of the last row
	line   []byte
	piece  []byte
}

func newPage(p *keyset.Pages, canons []digest.Canon) (*page, error) {
	t, err := newTally(canons)
	if err != nil {
		return nil, err
	}
	g := &page{tally: t, counts: len(p.Exprs), fields: len(p.Exprs) + len(p.Extra), last: make([][]byte, len(p.Key))}
	for _, k := range p.Key {
		g.keys = append(g.keys, k.Field)
	}
	return g, nil
}

// lastKey is the key of the last row, as text.
func (g *page) lastKey() []string {
	key := make([]string, len(g.last))
	for i, v := range g.last {
		key[i] = string(v)
	}
	return key
}

// selectPage executes a SELECT and digests its rows. Only when it returns no
// error has the whole result arrived: the server's own count agrees. An error
// leaves the session unusable.
func (s *session) selectPage(ctx context.Context, sql string, g *page) error {
	conn := s.conn.PgConn().Conn()
	err := s.stream(ctx, sql, func(r *frameReader) error {
		r.conn = &patientReader{ctx: ctx, conn: conn}
		return r.selected(g)
	})
	if err != nil {
		return err
	}
	return conn.SetReadDeadline(time.Time{})
}

// patientReader gives up on a server that is silent. A cancelled context has
// set a deadline of its own, which must not be moved.
type patientReader struct {
	ctx  context.Context //nolint:containedctx // of one statement
	conn net.Conn
}

// Read implements io.Reader.
func (r *patientReader) Read(p []byte) (int, error) {
	if err := r.conn.SetReadDeadline(time.Now().Add(silence)); err != nil {
		return 0, err
	}
	if err := context.Cause(r.ctx); err != nil {
		return 0, err
	}
	return r.conn.Read(p)
}

// selected reads the answer to one SELECT, until the server is ready again.
func (r *frameReader) selected(g *page) error {
	var refused error
	described, tagged := false, false
	for {
		kind, length, err := r.header()
		if err != nil {
			return err
		}
		if kind == 'D' {
			if !described || tagged {
				return fmt.Errorf("%w: a row out of place", errProtocol)
			}
			if err := r.row(length, g); err != nil {
				return err
			}
			continue
		}
		body, err := r.body(length)
		if err != nil {
			return err
		}
		switch kind {
		case 'N', 'S', 'A':
		case 'T':
			if len(body) < 2 || int(binary.BigEndian.Uint16(body)) != g.fields {
				return fmt.Errorf("%w: rows of another number of fields than the %d asked for", errProtocol, g.fields)
			}
			described = true
		case 'C':
			tag := bytes.TrimSuffix(body, []byte{0})
			count, found := bytes.CutPrefix(tag, []byte("SELECT "))
			rows, err := strconv.ParseUint(string(count), 10, 64)
			if !found || err != nil {
				return fmt.Errorf("%w: its tag is %q", errProtocol, tag)
			}
			if rows != g.tally.sum.Rows {
				return fmt.Errorf("the server says that it sent %d rows, and %d arrived", rows, g.tally.sum.Rows)
			}
			tagged = true
		case 'E':
			var e pgproto3.ErrorResponse
			if err := e.Decode(body); err != nil {
				return err
			}
			refused = pgconn.ErrorResponseToPgError(&e)
			if refused.(*pgconn.PgError).Severity == "FATAL" { //nolint:errorlint,forcetypeassert // made above
				return refused // nothing follows
			}
		case 'Z':
			switch {
			case refused != nil:
				return refused
			case !tagged:
				return fmt.Errorf("%w: it has no end", errProtocol)
			}
			return nil
		default:
			return fmt.Errorf("%w: a message of type %q", errProtocol, kind)
		}
	}
}

// row digests one DataRow. A row that fits into the buffer is brought into its
// canonical form at once; a larger one passes in pieces.
func (r *frameReader) row(length int, g *page) error {
	if length > len(r.buf) || length > messageLimit {
		return r.longRow(length, g)
	}
	body, err := r.body(length)
	if err != nil {
		return err
	}
	if len(body) < 2 || int(binary.BigEndian.Uint16(body)) != g.fields {
		return errShortRow(g)
	}
	body = body[2:]
	line := g.line[:0]
	for i := range g.fields {
		if len(body) < 4 {
			return errShortRow(g)
		}
		n := int(int32(binary.BigEndian.Uint32(body))) //nolint:gosec // checked below
		body = body[4:]
		if n > len(body) || n < -1 {
			return errShortRow(g)
		}
		if i > 0 && i < g.counts {
			line = append(line, '\t')
		}
		if n < 0 {
			if slices.Contains(g.keys, i) {
				return errNullKey
			}
			if i < g.counts {
				line = append(line, digest.Null...)
			}
			continue
		}
		if i < g.counts {
			line = digest.AppendEscaped(line, body[:n])
		}
		g.keep(i, body[:n], true)
		body = body[n:]
	}
	g.line = line
	g.tally.bytes += int64(len(line)) + 1
	return g.tally.row(line)
}

func errShortRow(g *page) error {
	return fmt.Errorf("%w: a row that is not of %d fields", errProtocol, g.fields)
}

// errNullKey is a key that tells no rows apart.
var errNullKey = errors.New("a column of the key holds NULL on the target: its rows cannot be read in pages")

// keep takes a piece of a key's value.
func (g *page) keep(field int, piece []byte, first bool) {
	for i, at := range g.keys {
		if at != field {
			continue
		}
		if first {
			g.last[i] = g.last[i][:0]
		}
		g.last[i] = append(g.last[i], piece...)
	}
}

// longRow is row for one that is larger than the buffer.
func (r *frameReader) longRow(length int, g *page) error {
	if err := r.need(2); err != nil {
		return err
	}
	if int(binary.BigEndian.Uint16(r.buf[r.at:])) != g.fields {
		return errShortRow(g)
	}
	r.at += 2
	left := length - 2
	for i := range g.fields {
		if left < 4 {
			return errShortRow(g)
		}
		if err := r.need(4); err != nil {
			return err
		}
		n := int(int32(binary.BigEndian.Uint32(r.buf[r.at:]))) //nolint:gosec // checked below
		r.at += 4
		if left -= 4; n > left || n < -1 {
			return errShortRow(g)
		}
		if i > 0 && i < g.counts {
			g.write([]byte{'\t'})
		}
		switch {
		case n < 0 && slices.Contains(g.keys, i):
			return errNullKey
		case n < 0 && i < g.counts:
			g.write([]byte(digest.Null))
		}
		first := true
		for rest := max(n, 0); rest > 0 || first && n == 0; {
			var piece []byte
			if rest > 0 {
				if err := r.need(1); err != nil {
					return err
				}
				piece = r.buf[r.at:min(r.end, r.at+rest)]
			}
			g.keep(i, piece, first)
			if first = false; i < g.counts {
				g.piece = digest.AppendEscaped(g.piece[:0], piece)
				g.write(g.piece)
			}
			r.at += len(piece)
			rest -= len(piece)
			left -= len(piece)
		}
	}
	g.tally.bytes++
	return g.tally.endRow()
}

func (g *page) write(piece []byte) {
	g.tally.bytes += int64(len(piece))
	g.tally.piece(piece)
}
