package copier

import (
	"context"
	"net"
	"sync/atomic"
	"syscall"

	"github.com/pg2db9/pg2db9/internal/dial"
)

// cutter makes connections break after a number of bytes, the first ones it is
// told of only: what is tried again must work.
type cutter struct {
	readLimit  int64 // bytes from the server, 0 for no limit
	writeLimit int64 // bytes to the server
	skip       int64 // connections left alone before the first that is cut
	cuts       int64 // connections to cut
	seen       atomic.Int64
	done       atomic.Int64
}

func (c *cutter) on(e *dial.Endpoint) *dial.Endpoint {
	return e.WithDial(func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
		n := c.seen.Add(1)
		if err != nil || n <= c.skip || n > c.skip+c.cuts {
			return conn, err
		}
		return &cutConn{Conn: conn, c: c}, nil
	})
}

type cutConn struct {
	net.Conn
	c             *cutter
	read, written int64
	isCut         atomic.Bool
}

func (c *cutConn) cut() error {
	if !c.isCut.Swap(true) {
		c.c.done.Add(1)
	}
	_ = c.Close()
	return syscall.ECONNRESET
}

func (c *cutConn) Read(p []byte) (int, error) {
	if limit := c.c.readLimit; limit > 0 {
		if c.read >= limit {
			return 0, &net.OpError{Op: "read", Err: c.cut()}
		}
		p = p[:min(int64(len(p)), limit-c.read)]
	}
	n, err := c.Conn.Read(p)
	c.read += int64(n)
	return n, err
}

func (c *cutConn) Write(p []byte) (int, error) {
	if limit := c.c.writeLimit; limit > 0 && c.written+int64(len(p)) > limit {
		n, _ := c.Conn.Write(p[:limit-c.written])
		return n, &net.OpError{Op: "write", Err: c.cut()}
	}
	n, err := c.Conn.Write(p)
	c.written += int64(n)
	return n, err
}
