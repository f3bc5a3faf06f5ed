package ssh

import (
	"errors"
	"io"
	"net"
	"time"
)

// conn is one connection through the tunnel. A channel of SSH knows no
// deadlines, by which contexts end reads and writes; a pipe before it does.
type conn struct {
	net.Conn // our end of the pipe
	remote   addr
	client   *client
}

// addr is the far end by the name it was asked for: requests to cancel are sent
// to it by the same way.
type addr string

// Network implements net.Addr.
func (addr) Network() string { return "tcp" }

// String implements net.Addr.
func (a addr) String() string { return string(a) }

// RemoteAddr implements net.Conn.
func (c *conn) RemoteAddr() net.Addr { return c.remote }

// Read implements net.Conn. Of a tunnel that was lost it says so, once all that
// had come is read.
func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	return n, c.explain(err)
}

// Write implements net.Conn.
func (c *conn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	return n, c.explain(err)
}

func (c *conn) explain(err error) error {
	if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrClosedPipe) {
		return err
	}
	if errors.Is(err, io.EOF) {
		// A channel ends before the connection that carries it: whether that has ended too
		// is known a moment later.
		moment := time.NewTimer(100 * time.Millisecond)
		defer moment.Stop()
		select {
		case <-c.client.dead:
		case <-moment.C:
		}
	}
	if lost := c.client.why(); lost != nil {
		return lost
	}
	if errors.Is(err, io.ErrClosedPipe) {
		return net.ErrClosed
	}
	return err
}

// join moves bytes between a channel and the connection that it returns, until
// either side or the tunnel ends; nil where the tunnel is closed.
func (t *Tunnel) join(c *client, channel net.Conn, to string) net.Conn {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		_ = channel.Close()
		return nil
	}
	ours, theirs := net.Pipe()
	over := make(chan struct{})
	move := func(to io.WriteCloser, from io.Reader) {
		_, _ = io.CopyBuffer(struct{ io.Writer }{to}, struct{ io.Reader }{from}, make([]byte, 64<<10)) // how it ended is seen by who reads
		_ = to.Close()
	}
	t.wg.Go(func() {
		defer close(over)
		move(theirs, channel)
	})
	t.wg.Go(func() { move(channel, theirs) })
	t.wg.Go(func() { // a write that nobody reads would outlive the tunnel
		select {
		case <-c.dead:
		case <-over:
		}
		_ = theirs.Close()
	})
	return &conn{Conn: ours, remote: addr(to), client: c}
}
