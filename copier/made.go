package copier

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"
)

// Maker is a source that is no server: that of a measurement, whose rows are made
// as they are read. Everything behind the source's connection is that of a copy.
type Maker interface {
	// Parts are the parts of all transfers, in the order in which they are begun.
	Parts() []Part
	// Open gives a part's rows.
	Open(p Part) MadeRows
}

// MadeRows gives rows as COPY TO STDOUT sends them over the wire: CopyData
// messages, one a row, then io.EOF.
type MadeRows interface {
	io.Reader
	Made() int64 // rows so far
}

// encoding is the source's.
func (c *copyRun) encoding(ctx context.Context) (encoding string, err error) {
	if c.Made != nil {
		return "UTF8", nil
	}
	if err := c.Snapshot.Conn().QueryRow(ctx, "SHOW server_encoding").Scan(&encoding); err != nil {
		return "", fmt.Errorf("reading the source's encoding: %w", err)
	}
	return encoding, nil
}

// cut plans the parts.
func (c *copyRun) cut(ctx context.Context) ([]Part, error) {
	if c.Made != nil {
		return c.Made.Parts(), nil
	}
	return PlanParts(ctx, c.Snapshot.Conn(), c.Plan, c.Profile, c.Jobs, c.Split)
}

// openMade is a connection to a maker. What a reader waits for there is this
// program itself: no meter counts it as the source's.
func openMade(m Maker) *sourceConn {
	conn := &madeConn{maker: m}
	return &sourceConn{wire: &wire{conn: conn}, in: newFrames(conn), made: conn}
}

// madeConn speaks a server's side of COPY TO STDOUT.
type madeConn struct {
	maker Maker
	rows  MadeRows
	said  []byte // messages around the rows that are still to be read
	late  atomic.Bool
}

// copyOut begins a part.
func (c *madeConn) copyOut(p Part) {
	c.rows = c.maker.Open(p)
	c.said = message(nil, 'H', []byte{0, 0, 0})
}

// message appends a backend message.
func message(b []byte, typ byte, payload []byte) []byte {
	b = append(b, typ)
	b = binary.BigEndian.AppendUint32(b, uint32(len(payload)+4)) //nolint:gosec // a few bytes
	return append(b, payload...)
}

// Read implements net.Conn.
func (c *madeConn) Read(p []byte) (int, error) {
	for {
		if c.late.Load() {
			return 0, os.ErrDeadlineExceeded
		}
		if len(c.said) > 0 {
			n := copy(p, c.said)
			c.said = c.said[n:]
			return n, nil
		}
		if c.rows == nil {
			return 0, io.EOF
		}
		n, err := c.rows.Read(p)
		if errors.Is(err, io.EOF) {
			c.said = message(c.said, 'c', nil)
			c.said = message(c.said, 'C', fmt.Appendf(nil, "COPY %d\x00", c.rows.Made()))
			c.said = message(c.said, 'Z', []byte{'T'})
			c.rows, err = nil, nil
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

// Write implements net.Conn: whatever is said to it is passed over.
func (c *madeConn) Write(p []byte) (int, error) { return len(p), nil }

// Close implements net.Conn.
func (c *madeConn) Close() error { return nil }

// SetDeadline implements net.Conn: a deadline is set when the run ends.
func (c *madeConn) SetDeadline(t time.Time) error {
	c.late.Store(!t.IsZero())
	return nil
}

// SetReadDeadline implements net.Conn.
func (c *madeConn) SetReadDeadline(t time.Time) error { return c.SetDeadline(t) }

// SetWriteDeadline implements net.Conn.
func (c *madeConn) SetWriteDeadline(time.Time) error { return nil }

// LocalAddr implements net.Conn.
func (c *madeConn) LocalAddr() net.Addr { return &net.UnixAddr{Name: "made", Net: "made"} }

// RemoteAddr implements net.Conn.
func (c *madeConn) RemoteAddr() net.Addr { return c.LocalAddr() }
