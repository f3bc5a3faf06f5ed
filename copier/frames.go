package copier

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pg2db9/pg2db9/internal/dial"
)

// readBuffer is the size of the buffer before a connection that is read, in
// bytes. A row that fits is handed on as one slice; a longer one passes in
// pieces, so memory does not grow with rows.
const readBuffer = 256 << 10

// maxMessage is the longest payload a message can have, in bytes: its length is
// a signed 32-bit number.
const maxMessage = 1<<31 - 5

// frames reads backend messages from a connection by large reads and without a
// Go value for each: a COPY of small rows is one message a row, and everything
// done per message is paid hundreds of millions of times.
type frames struct {
	r      io.Reader
	buf    []byte
	lo, hi int // unread bytes are buf[lo:hi]
	rest   int // payload bytes of the present message that were not handed out
	before func()
	after  func()
}

func newFrames(r io.Reader) *frames { return &frames{r: r, buf: make([]byte, readBuffer)} }

// fill makes at least n unread bytes available; n is at most len(buf).
func (f *frames) fill(n int) error {
	if f.hi-f.lo >= n {
		return nil
	}
	if f.lo > 0 { // what is left is part of one message: cheap beside a read into all of the buffer
		copy(f.buf, f.buf[f.lo:f.hi])
		f.hi -= f.lo
		f.lo = 0
	}
	if f.before != nil {
		f.before()
		defer f.after()
	}
	for f.hi-f.lo < n {
		m, err := f.r.Read(f.buf[f.hi:])
		f.hi += m
		if err != nil && f.hi-f.lo < n {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
	}
	return nil
}

// next reads the header of the next message and returns its type and the
// length of its payload, after what is left of the message before.
func (f *frames) next() (typ byte, n int, err error) {
	for f.rest > 0 {
		if _, err := f.chunk(); err != nil {
			return 0, 0, err
		}
	}
	if err := f.fill(5); err != nil {
		return 0, 0, err
	}
	typ = f.buf[f.lo]
	n = int(binary.BigEndian.Uint32(f.buf[f.lo+1:])) - 4
	if n < 0 || n > maxMessage {
		return 0, 0, fmt.Errorf("%w: message %q has a length of %d bytes, so the stream is out of step", dial.ErrLost, typ, n+4)
	}
	f.lo += 5
	f.rest = n
	return typ, n, nil
}

// fits says whether a payload of n bytes can be had in one slice.
func (f *frames) fits(n int) bool { return n <= len(f.buf) }

// body returns the whole payload of the present message, which must fit. The
// slice holds until the next call.
func (f *frames) body() ([]byte, error) {
	n := f.rest
	if err := f.fill(n); err != nil {
		return nil, err
	}
	b := f.buf[f.lo : f.lo+n]
	f.lo += n
	f.rest = 0
	return b, nil
}

// chunk returns the next piece of the present message's payload, nil at its
// end. The slice holds until the next call.
func (f *frames) chunk() ([]byte, error) {
	if f.rest == 0 {
		return nil, nil
	}
	if err := f.fill(1); err != nil {
		return nil, err
	}
	n := min(f.rest, f.hi-f.lo)
	b := f.buf[f.lo : f.lo+n]
	f.lo += n
	f.rest -= n
	return b, nil
}

// skip leaves out the next n bytes of the present message's payload, which must be
// unread bytes of the buffer.
func (f *frames) skip(n int) {
	f.lo += n
	f.rest -= n
}

// serverError reads the payload of an ErrorResponse.
func (f *frames) serverError() error {
	if !f.fits(f.rest) {
		return errors.New("the server sent an error message longer than 256 KiB")
	}
	b, err := f.body()
	if err != nil {
		return err
	}
	var msg pgproto3.ErrorResponse
	if err := msg.Decode(b); err != nil {
		return fmt.Errorf("reading the server's error message: %w", err)
	}
	return pgconn.ErrorResponseToPgError(&msg)
}
