package verify

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

const (
	readBuffer   = 128 << 10 // bytes that one session reads ahead
	messageLimit = 1 << 20   // bytes of a message that is no row: an error's text, at most
	headerBytes  = 5         // type and length of a protocol message
)

// errProtocol is an answer that a PostgreSQL server does not give.
var errProtocol = errors.New("the server's answer is not the one to a COPY or SELECT")

// errLateRows are rows behind the message that ends them.
var errLateRows = fmt.Errorf("%w: rows after its end", errProtocol)

// copyOut executes a COPY ... TO STDOUT and hands every byte of its stream to
// take. It returns the number of rows that the server's COPY tag tells.
//
// It reads the connection itself, since pgconn.CopyTo holds each row in memory:
// here a row of any size passes through the session's buffer, so that many
// sessions may meet rows of hundreds of megabytes at once. The processor time
// is the same (BenchmarkCopyOut): most of it goes for waking up for each 8 KiB
// that a server sends.
// What take returns ends the reading. An error leaves the session unusable.
func (s *session) copyOut(ctx context.Context, sql string, take func(piece []byte) error) (rows int64, err error) {
	err = s.stream(ctx, sql, func(r *frameReader) error {
		var err error
		rows, err = r.run(take)
		return err
	})
	return rows, err
}

// stream sends a statement and lets f read its whole answer. An error leaves
// the session unusable.
func (s *session) stream(ctx context.Context, sql string, f func(r *frameReader) error) (err error) {
	pg := s.conn.PgConn()
	if err := pg.SyncConn(ctx); err != nil { // nothing of an earlier answer is left in pgconn's own buffer
		return err
	}
	conn := pg.Conn()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer func() {
		if !stop() && err != nil {
			err = context.Cause(ctx) // the deadline's own error says nothing
		}
	}()
	query, err := (&pgproto3.Query{String: sql}).Encode(nil)
	if err != nil {
		return err
	}
	if _, err := conn.Write(query); err != nil {
		return err
	}
	r := frameReader{conn: conn, buf: s.buf}
	err = f(&r)
	s.buf = r.buf
	return err
}

// frameReader takes protocol messages apart. buf[at:end] is read but not yet used.
type frameReader struct {
	conn    io.Reader
	buf     []byte
	at, end int
}

// run reads until the server is ready for the next query.
func (r *frameReader) run(take func([]byte) error) (rows int64, err error) {
	var refused error // the server's own error: it is still followed by ReadyForQuery
	tagged, done := false, false
	for {
		if here := r.here(); len(here) > 0 && !done {
			if err := take(here); err != nil {
				return 0, err
			}
		} else if len(here) > 0 {
			return 0, errLateRows
		}
		kind, length, err := r.header()
		if err != nil {
			return 0, err
		}
		if kind == 'd' {
			if done {
				return 0, errLateRows
			}
			if err := r.data(length, take); err != nil {
				return 0, err
			}
			continue
		}
		body, err := r.body(length)
		if err != nil {
			return 0, err
		}
		switch kind {
		case 'H', 'N', 'S', 'A': // the stream begins; notices, parameters and notifications say nothing about it
		case 'c':
			done = true
		case 'C':
			if rows, err = copyTag(body); err != nil {
				return 0, err
			}
			tagged = true
		case 'E':
			var e pgproto3.ErrorResponse
			if err := e.Decode(body); err != nil {
				return 0, err
			}
			refused = pgconn.ErrorResponseToPgError(&e)
		case 'Z':
			switch {
			case refused != nil:
				return 0, refused
			case !tagged || !done:
				return 0, fmt.Errorf("%w: it has no end", errProtocol)
			}
			return rows, nil
		default:
			return 0, fmt.Errorf("%w: a message of type %q", errProtocol, kind)
		}
	}
}

// here returns the bodies of the CopyData messages that lie whole in the buffer,
// put side by side: rows are small and many, and what is done for each message is
// paid for each of them.
func (r *frameReader) here() []byte {
	from, to := r.at, r.at
	for r.end-r.at > headerBytes && r.buf[r.at] == 'd' {
		length := int(binary.BigEndian.Uint32(r.buf[r.at+1:])) - 4
		body := r.at + headerBytes
		if length < 0 || length > r.end-body {
			break
		}
		r.at = body + length
		if from == to { // the first stays where it is
			from, to = body, r.at
			continue
		}
		to += copy(r.buf[to:], r.buf[body:r.at])
	}
	return r.buf[from:to]
}

// header returns the next message's type and the length of its body in bytes.
func (r *frameReader) header() (kind byte, length int, err error) {
	if err := r.need(headerBytes); err != nil {
		return 0, 0, err
	}
	h := r.buf[r.at : r.at+headerBytes]
	length = int(int32(binary.BigEndian.Uint32(h[1:]))) - 4 //nolint:gosec // checked below
	if length < 0 {
		return 0, 0, fmt.Errorf("%w: a message of %d bytes", errProtocol, length)
	}
	r.at += headerBytes
	return h[0], length, nil
}

// data hands over the body of a CopyData message: at once where it fits into
// the buffer, else in the pieces that arrive.
func (r *frameReader) data(length int, take func([]byte) error) error {
	if length <= len(r.buf) {
		body, err := r.body(length)
		if err != nil {
			return err
		}
		return take(body)
	}
	for length > 0 {
		if err := r.need(1); err != nil {
			return err
		}
		piece := r.buf[r.at:min(r.end, r.at+length)]
		r.at += len(piece)
		length -= len(piece)
		if err := take(piece); err != nil {
			return err
		}
	}
	return nil
}

// body returns a whole message body, valid until the next call.
func (r *frameReader) body(length int) ([]byte, error) {
	if length > messageLimit {
		return nil, fmt.Errorf("%w: a message of %d bytes that is no row", errProtocol, length)
	}
	if err := r.need(length); err != nil {
		return nil, err
	}
	body := r.buf[r.at : r.at+length]
	r.at += length
	return body, nil
}

// need reads until n unused bytes are in the buffer.
func (r *frameReader) need(n int) error {
	if r.end-r.at >= n {
		return nil
	}
	if n > len(r.buf) {
		r.buf = append(make([]byte, 0, n), r.buf[r.at:r.end]...)[:n]
		r.at, r.end = 0, r.end-r.at
	} else if r.at+n > len(r.buf) || r.at == r.end {
		r.end = copy(r.buf, r.buf[r.at:r.end])
		r.at = 0
	}
	for r.end-r.at < n {
		m, err := r.conn.Read(r.buf[r.end:])
		r.end += m
		if err != nil && r.end-r.at < n {
			if errors.Is(err, io.EOF) {
				return io.ErrUnexpectedEOF
			}
			return err
		}
	}
	return nil
}

// copyTag reads "COPY n".
func copyTag(body []byte) (int64, error) {
	tag := bytes.TrimSuffix(body, []byte{0})
	count, found := bytes.CutPrefix(tag, []byte("COPY "))
	rows, err := strconv.ParseInt(string(count), 10, 64)
	if !found || err != nil || rows < 0 {
		return 0, fmt.Errorf("%w: its tag is %q", errProtocol, tag)
	}
	return rows, nil
}
