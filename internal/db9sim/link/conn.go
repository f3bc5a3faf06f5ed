package link

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// drainTime bounds how long a closed connection goes on delivering to a client
// that does not read, on top of what the link takes.
const drainTime = 2 * time.Second

// errReset is what a reader sees of a connection that was reset.
var errReset = fmt.Errorf("reset on the link: %w", syscall.ECONNRESET)

// Conn is the server's end of a connection over a link. Besides what a net.Conn
// does it can fail as links do: Reset, BlackHole and Stall act on both
// directions at once, below TLS.
type Conn struct {
	net.Conn // of the client

	cfg      Config
	shared   *Shared
	up, down *pipe // nil where the link only passes bytes on

	mu       sync.Mutex
	ready    [][]byte // what has arrived from the client
	end      error    // what comes after
	arrived  chan struct{}
	stalled  time.Time // for a link that only passes bytes on
	closing  bool
	closed   chan struct{} // when nobody uses the Conn any more
	gone     chan struct{} // when the client's connection is closed
	once     sync.Once
	dead     atomic.Bool // a black hole
	mute     atomic.Bool
	active   atomic.Int64 // nanoseconds since start when bytes went last
	start    time.Time
	idle     *time.Timer
	segments uint32 // that the system had seen of the client at the last look

	read, write deadline
}

// Wrap puts a link between a client's connection, just accepted, and the
// server that will read and write the result. The result ends with its Close,
// or with that of shared.
func (c Config) Wrap(client net.Conn, shared *Shared) *Conn {
	l := &Conn{Conn: client, cfg: c, shared: shared, start: time.Now(), closed: make(chan struct{}), gone: make(chan struct{})}
	number, open := shared.add(l)
	ready := l.start.Add(c.Setup)
	if c.shaped() {
		random := func(direction uint64) *rand.Rand {
			return rand.New(rand.NewPCG(c.Seed, number<<1|direction)) //nolint:gosec // a link that can be had again
		}
		l.up, l.down = newPipe(c, &shared.up, random(0)), newPipe(c, &shared.down, random(1))
		l.up.own.free = ready
	} else {
		l.stalled = ready
	}
	if !open {
		l.abort()
		return l
	}
	if c.shaped() {
		shared.wg.Go(l.listen)
		shared.wg.Go(func() { l.up.run(l.arrive) })
		shared.wg.Go(l.deliver)
	}
	if c.IdleDrop > 0 {
		l.segments, _ = segmentsIn(client)
		l.mu.Lock()
		l.idle = time.AfterFunc(c.IdleDrop, l.checkIdle)
		l.mu.Unlock()
	}
	return l
}

// listen takes what the client sends into the link.
func (c *Conn) listen() {
	buf := make([]byte, largest)
	for {
		n, err := c.Conn.Read(buf)
		if n > 0 {
			c.moved()
			// After Close this goes on into nothing: a socket that is closed with
			// bytes unread resets what its client has yet to read.
			if _, err := c.up.push(buf[:n], nil); err != nil {
				return
			}
		}
		if c.dead.Load() {
			return // a client's window that stays full: nobody takes what it sends
		}
		if err != nil {
			c.up.finish(err)
			return
		}
	}
}

// arrive hands a piece to who reads.
func (c *Conn) arrive(s segment) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead.Load() {
		return nil
	}
	if len(s.data) > 0 {
		c.ready = append(c.ready, s.data)
	}
	if s.end != nil {
		c.end = s.end
	}
	c.notify()
	return nil
}

func (c *Conn) notify() {
	if c.arrived != nil {
		close(c.arrived)
		c.arrived = nil
	}
}

// deliver brings what the server wrote to the client, to the end of it.
func (c *Conn) deliver() {
	c.down.run(func(s segment) error {
		if c.dead.Load() {
			return nil
		}
		if c.mute.Load() {
			s.data = nil
		}
		if len(s.data) > 0 {
			if _, err := c.Conn.Write(s.data); err != nil {
				c.down.finish(err)
				_ = c.Conn.Close() // which the reader sees, behind what is on its way
				return err
			}
			c.down.took(len(s.data))
		}
		if s.end != nil {
			if errors.Is(s.end, errReset) {
				linger(c.Conn)
			}
			c.finish()
		}
		return nil
	})
}

// Read reads what has arrived from the client.
func (c *Conn) Read(b []byte) (int, error) {
	if c.up == nil {
		return c.readThrough(b)
	}
	for {
		c.mu.Lock()
		if len(c.ready) > 0 {
			n := c.take(b)
			c.mu.Unlock()
			c.up.took(n)
			return n, nil
		}
		if c.end != nil {
			defer c.mu.Unlock()
			return 0, c.end
		}
		if c.arrived == nil {
			c.arrived = make(chan struct{})
		}
		arrived := c.arrived
		c.mu.Unlock()
		if err := c.await(arrived, nil, &c.read); err != nil {
			return 0, err
		}
	}
}

// take fills b with what is ready.
func (c *Conn) take(b []byte) (n int) {
	for n < len(b) && len(c.ready) > 0 {
		m := copy(b[n:], c.ready[0])
		n += m
		if c.ready[0] = c.ready[0][m:]; len(c.ready[0]) == 0 {
			c.ready = c.ready[1:]
		}
	}
	return n
}

// await waits for something to happen, or for a moment, or for what ends a
// call.
func (c *Conn) await(happens <-chan struct{}, moment <-chan time.Time, until *deadline) error {
	timer, expired, changed := until.wait()
	if timer != nil {
		defer timer.Stop()
	}
	select {
	case <-happens:
	case <-moment:
	case <-changed:
	case <-c.closed:
		return net.ErrClosed
	case <-expired:
		return os.ErrDeadlineExceeded
	}
	return nil
}

// Write sends to the client. It returns when the link holds the bytes.
func (c *Conn) Write(b []byte) (int, error) {
	if c.down == nil {
		return c.writeThrough(b)
	}
	c.moved()
	return c.down.push(b, &c.write)
}

func (c *Conn) readThrough(b []byte) (int, error) {
	for {
		n, err := c.Conn.Read(b)
		if held := c.hold(&c.read); held != nil {
			return 0, held
		}
		if !c.dead.Load() {
			c.moved()
			return n, err
		}
		// Nothing arrives any more; a call ends by its deadline or by Close.
		if err := c.await(nil, nil, &c.read); err != nil {
			return 0, err
		}
	}
}

func (c *Conn) writeThrough(b []byte) (int, error) {
	if err := c.hold(&c.write); err != nil {
		return 0, err
	}
	if c.dead.Load() || c.mute.Load() {
		return len(b), nil
	}
	c.moved()
	return c.Conn.Write(b)
}

// hold waits out a stall.
func (c *Conn) hold(until *deadline) error {
	for {
		c.mu.Lock()
		left := time.Until(c.stalled) // not positive where there is none
		c.mu.Unlock()
		if left <= 0 {
			return nil
		}
		timer := time.NewTimer(left)
		err := c.await(nil, timer.C, until)
		timer.Stop()
		if err != nil {
			return err
		}
	}
}

// Close ends the connection. What was written still arrives, at the link's
// pace. In a black hole the client hears nothing of it.
func (c *Conn) Close() error {
	if !c.leave() {
		return net.ErrClosed
	}
	switch {
	case c.dead.Load():
	case c.down != nil:
		c.down.finish(io.EOF)
		time.AfterFunc(c.drain(), c.finish)
	default:
		c.finish()
	}
	return nil
}

// drain is how long the rest of what was written may take.
func (c *Conn) drain() time.Duration {
	d := 2*(c.cfg.Delay+c.cfg.Jitter) + drainTime
	if rate := c.cfg.rate(); rate > 0 {
		d += 2 * timeFor(c.cfg.limit(), rate)
	}
	return d
}

// leave ends the server's part; false if it has ended before.
func (c *Conn) leave() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return false
	}
	c.closing = true
	close(c.closed)
	if c.up != nil {
		c.up.drop()
	}
	return true
}

// finish closes the client's connection and ends what worked on it.
func (c *Conn) finish() {
	c.once.Do(func() {
		c.mu.Lock()
		if c.idle != nil {
			c.idle.Stop()
		}
		c.mu.Unlock()
		close(c.gone)
		_ = c.Conn.Close()
		if c.up != nil {
			c.up.close()
			c.down.close()
		}
		c.shared.remove(c)
	})
}

func (c *Conn) abort() {
	c.leave()
	c.finish()
}

// Reset ends the connection by a reset: the client sees it after one delay,
// behind what had left before, and loses the rest.
func (c *Conn) Reset() {
	if !c.leave() || c.dead.Load() {
		return
	}
	if c.down == nil {
		linger(c.Conn)
		c.finish()
		return
	}
	c.down.reset(errReset)
	time.AfterFunc(c.drain(), c.finish)
}

// BlackHole keeps everything from arriving, in both directions and for good,
// and tells nobody. Reads wait for their deadline or for Close; what is written
// is lost.
func (c *Conn) BlackHole() {
	c.dead.Store(true)
	if c.up != nil {
		c.up.drop()
		c.down.drop()
		c.mu.Lock()
		defer c.mu.Unlock()
		c.ready = nil
	}
}

// Mute keeps everything from arriving at the client, for good, while what the
// client has sent still arrives.
func (c *Conn) Mute() {
	c.mute.Store(true)
	if c.down != nil {
		c.down.drop()
	}
}

// Stall keeps everything from arriving for a time, in both directions.
func (c *Conn) Stall(d time.Duration) {
	until := time.Now().Add(d)
	if c.up != nil {
		c.up.stall(until)
		c.down.stall(until)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if until.After(c.stalled) {
		c.stalled = until
	}
}

// Gone is closed when the client's connection has been closed.
func (c *Conn) Gone() <-chan struct{} { return c.gone }

// SetDeadline is that of the server's calls; the link goes on behind them.
func (c *Conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// SetReadDeadline is SetDeadline of Read.
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.read.set(t)
	if c.up == nil {
		return c.Conn.SetReadDeadline(t)
	}
	return nil
}

// SetWriteDeadline is SetDeadline of Write.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	c.write.set(t)
	if c.down == nil {
		return c.Conn.SetWriteDeadline(t)
	}
	return nil
}

func (c *Conn) moved() { c.active.Store(int64(time.Since(c.start))) }

// checkIdle drops the connection if nothing has gone over it for IdleDrop, and
// else looks again when that could be.
func (c *Conn) checkIdle() {
	if now, ok := segmentsIn(c.Conn); ok && now != c.segments {
		c.segments = now
		c.moved()
	}
	left := c.cfg.IdleDrop - (time.Since(c.start) - time.Duration(c.active.Load()))
	switch {
	case left <= 0 && c.cfg.IdleReset:
		c.drop()
	case left <= 0:
		c.BlackHole()
	default:
		c.mu.Lock()
		defer c.mu.Unlock()
		// Keepalives are seen only when looked for.
		c.idle.Reset(min(left, max(c.cfg.IdleDrop/4, time.Millisecond)))
	}
}

// drop resets the connection from the middle of the link: both ends see it.
func (c *Conn) drop() {
	c.mu.Lock()
	c.end = errReset
	c.notify()
	c.mu.Unlock()
	linger(c.Conn)
	c.finish()
}

// linger makes the coming Close of a TCP connection a reset.
func linger(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
}
