package pgtest

import (
	"context"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Action is what happens to a connection.
type Action int

// What can happen.
const (
	Cut       Action = iota + 1 // both sides see an orderly end
	Reset                       // both sides see ECONNRESET (over TCP)
	Stall                       // nothing moves until released
	Drop                        // bytes are taken and vanish; nobody is told
	BlackHole                   // a proxy's client gets no packet acknowledged any more (Linux)
)

// Direction is that of the bytes of a connection.
type Direction int

// The directions, as the client says.
const (
	ToClient Direction = iota + 1 // what the client reads
	ToServer                      // what the client writes
)

// Fault is something that happens to one connection, once, after so many bytes
// in a direction, counted from when it is armed.
type Fault struct {
	Action Action
	Dir    Direction
	After  int64
}

// FaultDialer dials real connections that break where a test wants it. Dial is
// a pgconn.DialFunc. The cancel request that pgconn sends for a lost connection
// is a connection too, and comes at its own time.
type FaultDialer struct {
	mu     sync.Mutex
	queue  []*Fault
	conns  []*FaultConn
	dialer net.Dialer
}

// NewFaultDialer ends its connections with the test: pgconn goes on reading for
// a while from one that stalls.
func NewFaultDialer(tb testing.TB) *FaultDialer {
	tb.Helper()
	d := &FaultDialer{}
	tb.Cleanup(func() {
		for _, c := range d.Conns() {
			_ = c.Close()
		}
	})
	return d
}

// Skip leaves the next n connections alone.
func (d *FaultDialer) Skip(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.queue = append(d.queue, make([]*Fault, n)...)
}

// Next arms a fault for the next connection that has none queued. Connections
// after the queue's end work.
func (d *FaultDialer) Next(f Fault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.queue = append(d.queue, &f)
}

// Dial connects as net.Dialer does.
func (d *FaultDialer) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := d.dialer.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	c := newFaultConn(conn)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.conns = append(d.conns, c)
	if len(d.queue) > 0 {
		if f := d.queue[0]; f != nil {
			c.Arm(*f)
		}
		d.queue = d.queue[1:]
	}
	return c, nil
}

// Conns are the connections dialled so far, in order.
func (d *FaultDialer) Conns() []*FaultConn {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]*FaultConn(nil), d.conns...)
}

// FaultConn is a connection that can be told to fail.
type FaultConn struct {
	net.Conn

	mu      sync.Mutex
	armed   *Fault
	left    int64         // bytes before the fault
	fired   chan struct{} // closed when the fault has happened
	release chan struct{} // closed when the stall ends
	closed  chan struct{}
	once    sync.Once

	read, write deadline
}

func newFaultConn(conn net.Conn) *FaultConn {
	return &FaultConn{Conn: conn, fired: make(chan struct{}), release: make(chan struct{}), closed: make(chan struct{})}
}

// Arm makes a fault happen, counted from now. A connection has one fault in
// its life.
func (c *FaultConn) Arm(f Fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.armed, c.left = &f, f.After
}

// Fired is closed when the fault has happened.
func (c *FaultConn) Fired() <-chan struct{} { return c.fired }

// Release ends a stall.
func (c *FaultConn) Release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.release:
	default:
		close(c.release)
	}
}

// room is how many of n bytes may still pass before the fault, and the fault
// if it is now.
func (c *FaultConn) room(dir Direction, n int) (int, *Fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.armed == nil || c.armed.Dir != dir {
		return n, nil
	}
	if c.left > 0 {
		return int(min(int64(n), c.left)), nil
	}
	select {
	case <-c.fired:
	default:
		close(c.fired)
	}
	return 0, c.armed
}

func (c *FaultConn) passed(dir Direction, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.armed != nil && c.armed.Dir == dir {
		c.left -= int64(n)
	}
}

// Read reads up to where the fault is.
func (c *FaultConn) Read(p []byte) (int, error) {
	for {
		n, f := c.room(ToClient, len(p))
		if f != nil {
			switch f.Action {
			case Drop:
				if _, err := c.Conn.Read(p); err != nil {
					return 0, err
				}
				continue
			case Stall:
				if err := c.stall(&c.read); err != nil {
					return 0, err
				}
				n = len(p)
			default:
				return 0, c.fail("read", *f)
			}
		}
		n, err := c.Conn.Read(p[:n])
		c.passed(ToClient, n)
		return n, err
	}
}

// Write writes up to where the fault is.
func (c *FaultConn) Write(p []byte) (int, error) {
	written := 0
	for written < len(p) {
		n, f := c.room(ToServer, len(p)-written)
		if f != nil {
			switch f.Action {
			case Drop:
				return len(p), nil
			case Stall:
				if err := c.stall(&c.write); err != nil {
					return written, err
				}
				n = len(p) - written
			default:
				return written, c.fail("write", *f)
			}
		}
		n, err := c.Conn.Write(p[written : written+n])
		c.passed(ToServer, n)
		written += n
		if err != nil {
			return written, err
		}
	}
	return written, nil
}

// fail ends the connection; the caller sees what the system would have told.
func (c *FaultConn) fail(op string, f Fault) error {
	if f.Action == Reset {
		linger(c.Conn)
	}
	err := fmt.Errorf("fault injected: %w", syscall.ECONNRESET)
	if f.Action == Cut && op == "write" {
		err = fmt.Errorf("fault injected: %w", syscall.EPIPE)
	}
	_ = c.Conn.Close()
	return &net.OpError{Op: op, Net: c.RemoteAddr().Network(), Addr: c.RemoteAddr(), Err: err}
}

// stall waits for the release, the end of the connection, or its deadline.
func (c *FaultConn) stall(d *deadline) error {
	for {
		timer, changed := d.wait()
		select {
		case <-c.release:
			return nil
		case <-c.closed:
			return net.ErrClosed
		case <-changed:
		case <-timer:
			return os.ErrDeadlineExceeded
		}
	}
}

// Close closes the connection and ends a stall.
func (c *FaultConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// SetDeadline also ends stalls: it is how a cancelled context ends a read.
func (c *FaultConn) SetDeadline(t time.Time) error {
	c.read.set(t)
	c.write.set(t)
	return c.Conn.SetDeadline(t)
}

// SetReadDeadline is SetDeadline of one side.
func (c *FaultConn) SetReadDeadline(t time.Time) error {
	c.read.set(t)
	return c.Conn.SetReadDeadline(t)
}

// SetWriteDeadline is SetDeadline of one side.
func (c *FaultConn) SetWriteDeadline(t time.Time) error {
	c.write.set(t)
	return c.Conn.SetWriteDeadline(t)
}

// linger makes the coming Close of a TCP connection a reset.
func linger(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
}

// deadline is a moment that can move while somebody waits for it.
type deadline struct {
	mu      sync.Mutex
	at      time.Time
	changed chan struct{}
}

func (d *deadline) set(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.at = t
	if d.changed != nil {
		close(d.changed)
		d.changed = nil
	}
}

// wait gives the moment, and what tells that it has moved.
func (d *deadline) wait() (<-chan time.Time, <-chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.changed == nil {
		d.changed = make(chan struct{})
	}
	if d.at.IsZero() {
		return nil, d.changed
	}
	return time.After(time.Until(d.at)), d.changed
}
