package copier

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"time"
)

// openNothing is a connection to a target that takes every batch and keeps none:
// it counts the rows and answers as a server does, with no time for it.
func openNothing() *targetConn {
	conn := &nothingConn{}
	conn.more = sync.NewCond(&conn.mu)
	t := &targetConn{wire: &wire{conn: conn}, replies: make(chan reply, manyReplies), done: make(chan struct{})}
	go t.read()
	return t
}

// nothingConn speaks a server's side of a batch.
type nothingConn struct {
	mu      sync.Mutex
	more    *sync.Cond
	answers []byte
	closed  bool
	late    bool

	head []byte // of a message that has not arrived whole
	left int    // payload bytes of the message at hand
	typ  byte
	sql  []byte
	rows int64
	tags []byte // messages of the answer that CopyDone ends
}

// Write implements net.Conn: it reads messages, however they are cut.
func (c *nothingConn) Write(p []byte) (int, error) {
	all := len(p)
	for len(p) > 0 {
		if c.left == 0 {
			n := min(5-len(c.head), len(p))
			c.head = append(c.head, p[:n]...)
			p = p[n:]
			if len(c.head) < 5 {
				break
			}
			c.typ, c.left = c.head[0], int(binary.BigEndian.Uint32(c.head[1:]))-4
			c.head, c.sql = c.head[:0], c.sql[:0]
		}
		n := min(c.left, len(p))
		switch c.typ {
		case 'd':
			c.rows += int64(bytes.Count(p[:n], []byte{'\n'}))
		case 'Q':
			c.sql = append(c.sql, p[:n]...)
		}
		p, c.left = p[n:], c.left-n
		if c.left == 0 {
			c.whole()
		}
	}
	return all, nil
}

// whole answers a message that is whole.
func (c *nothingConn) whole() {
	tag := func(format string, args ...any) {
		c.tags = message(c.tags, 'C', fmt.Appendf(nil, format+"\x00", args...))
	}
	status := byte('T')
	switch c.typ {
	case 'c':
		tag("COPY %d", c.rows)
	case 'Q':
		sql := strings.TrimRight(string(c.sql), "\x00")
		if strings.HasPrefix(sql, "BEGIN") {
			tag("BEGIN")
			tag("UPDATE 1")
		}
		if strings.HasPrefix(sql, "COPY ") || strings.Contains(sql, ";COPY ") {
			c.rows = 0
			c.tags = message(c.tags, 'G', []byte{0, 0, 0})
			return // ReadyForQuery follows CopyDone
		}
		if strings.HasPrefix(sql, "INSERT") {
			tag("INSERT 0 1")
		}
		if strings.HasSuffix(sql, "COMMIT") {
			tag("COMMIT")
			status = 'I'
		}
	default: // Terminate, and rows
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answers = message(append(c.answers, c.tags...), 'Z', []byte{status})
	c.tags = c.tags[:0]
	c.more.Signal()
}

// Read implements net.Conn.
func (c *nothingConn) Read(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.answers) == 0 {
		switch {
		case c.closed:
			return 0, io.EOF
		case c.late:
			return 0, os.ErrDeadlineExceeded
		}
		c.more.Wait()
	}
	n := copy(p, c.answers)
	c.answers = append(c.answers[:0], c.answers[n:]...)
	return n, nil
}

// Close implements net.Conn.
func (c *nothingConn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.more.Broadcast()
	return nil
}

// SetDeadline implements net.Conn: a deadline is set when the run ends.
func (c *nothingConn) SetDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.late = !t.IsZero() && t.Before(time.Now())
	c.more.Broadcast()
	return nil
}

// SetReadDeadline implements net.Conn.
func (c *nothingConn) SetReadDeadline(t time.Time) error { return c.SetDeadline(t) }

// SetWriteDeadline implements net.Conn.
func (c *nothingConn) SetWriteDeadline(time.Time) error { return nil }

// LocalAddr implements net.Conn.
func (c *nothingConn) LocalAddr() net.Addr { return &net.UnixAddr{Name: "nothing", Net: "nothing"} }

// RemoteAddr implements net.Conn.
func (c *nothingConn) RemoteAddr() net.Addr { return c.LocalAddr() }
