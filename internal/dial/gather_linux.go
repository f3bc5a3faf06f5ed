package dial

import (
	"errors"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A server sends a table 8 KiB at a time. From a near server each piece wakes its
// reader, who has taken it in before the next one comes, and the waking costs more
// than the rows do, on both sides. Where pieces come fast the system keeps them
// until there are more (SO_RCVLOWAT, socket(7)): it wakes the reader once for many.
// What it has is read after gatherWait in any case, so that the last piece of an
// answer does not wait for bytes that will not come.
const (
	gatherBytes = 64 << 10             // kept by the system before it wakes the reader
	gatherWait  = 4 * time.Millisecond // that the reader waits for them
	gatherAfter = 16                   // reads of a piece in a row before it begins
	gatherMost  = 1024                 // the same after it was in vain a few times
	gatherPiece = 4 << 10              // bytes that make a read one of a table
)

// gathered is a TCP connection that wakes its reader for much at once.
type gathered struct {
	net.Conn // not *net.TCPConn: its WriteTo would not come by here
	raw      syscall.RawConn
	after    int       // reads of a piece in a row before it begins
	reads    int       // so many were seen
	bytes    int       // in them
	since    time.Time // the first

	mu       sync.Mutex
	until    time.Time // for which the reader waits now; zero: it does not gather
	deadline time.Time // that the connection's user has set for reads
}

// gather lets a connection gather where that is possible.
func gather(c net.Conn) net.Conn {
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return c
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return c
	}
	return &gathered{Conn: tcp, raw: raw, after: gatherAfter}
}

// Read implements net.Conn.
func (g *gathered) Read(b []byte) (int, error) {
	if g.reads < g.after {
		n, err := g.Conn.Read(b)
		if g.worth(n) {
			g.keep(gatherBytes)
		}
		return n, err
	}
	g.wait(time.Now().Add(gatherWait))
	n, err := g.Conn.Read(b)
	if n >= gatherBytes {
		g.after = max(gatherAfter, g.after/2)
	}
	if g.wait(time.Time{}); n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) || g.expired() {
		return n, err
	}
	g.after, g.reads = min(2*g.after, gatherMost), 0
	g.keep(1)
	return g.Conn.Read(b)
}

// worth counts a read of n bytes, and says whether there were enough of them, and
// fast enough.
func (g *gathered) worth(n int) bool {
	if n < gatherPiece {
		g.reads = 0
		return false
	}
	if g.reads == 0 {
		g.since, g.bytes = time.Now(), 0
	}
	g.reads++
	g.bytes += n
	if g.reads < g.after {
		return false
	}
	if time.Since(g.since)/time.Duration(g.bytes/gatherPiece) > gatherWait/2/(gatherBytes/gatherPiece) {
		g.reads = 0
		return false
	}
	return true
}

// keep sets how many bytes the system keeps before it wakes the reader. Where it
// will not, nothing is lost but the time.
func (g *gathered) keep(bytes int) {
	_ = g.raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVLOWAT, bytes)
	})
}

// wait sets how long a read may gather, within the deadline of the connection's
// user; zero ends it.
func (g *gathered) wait(until time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.until = until
	_ = g.Conn.SetReadDeadline(g.first()) // of an open connection; else the read says so
}

// first is the earlier of both limits.
func (g *gathered) first() time.Time {
	if g.until.IsZero() || !g.deadline.IsZero() && g.deadline.Before(g.until) {
		return g.deadline
	}
	return g.until
}

// expired says whether the user's own deadline is over.
func (g *gathered) expired() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return !g.deadline.IsZero() && !time.Now().Before(g.deadline)
}

// SetReadDeadline implements net.Conn.
func (g *gathered) SetReadDeadline(t time.Time) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.deadline = t
	return g.Conn.SetReadDeadline(g.first())
}

// SetDeadline implements net.Conn.
func (g *gathered) SetDeadline(t time.Time) error {
	return errors.Join(g.SetReadDeadline(t), g.SetWriteDeadline(t))
}
