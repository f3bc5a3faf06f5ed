package dial

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// NetworkTimeout is how long a network may give no sign of the other side, if
// nothing else is said.
const NetworkTimeout = 60 * time.Second

// keepalives are the times of TCP keepalive for a network timeout. The load
// balancers before managed servers drop links that idle for longer than 30 s.
func keepalives(timeout time.Duration) (idle, interval time.Duration, count int) {
	return max(time.Second, min(30*time.Second, timeout/2)), max(time.Second, min(10*time.Second, timeout/6)), 5
}

// dialer opens connections that end when the other side gives no sign for the
// timeout: a probe that is not answered, or data that are not acknowledged
// (Linux). Without the latter a host that vanishes while it is written to is
// noticed after a quarter of an hour. A server that is alive, but takes nothing
// in for so long, counts as gone too.
func dialer(side Side, timeout time.Duration) pgconn.DialFunc {
	idle, interval, count := keepalives(timeout)
	d := &net.Dialer{
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: idle, Interval: interval, Count: count},
		Control: func(network, _ string, c syscall.RawConn) error {
			if network == "unix" {
				return nil
			}
			return userTimeout(c, timeout)
		},
	}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := d.DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return &watched{Conn: gather(c), side: side, timeout: timeout, told: make(chan struct{})}, nil
	}
}

// watched is a connection whose errors say what the network's silence means.
type watched struct {
	net.Conn
	side    Side
	timeout time.Duration
	silence atomic.Pointer[SilenceError] // the first: the system tells it once, and then the end of the stream
	told    chan struct{}                // closed when there is one
	reading atomic.Int32
}

// Read implements net.Conn.
func (w *watched) Read(b []byte) (int, error) {
	if s := w.silence.Load(); s != nil {
		return 0, s
	}
	w.reading.Add(1)
	defer w.reading.Add(-1)
	n, err := w.Conn.Read(b)
	return n, w.explain("while waiting for its answer", err)
}

// Write implements net.Conn.
func (w *watched) Write(b []byte) (int, error) {
	if s := w.silence.Load(); s != nil {
		return 0, s
	}
	n, err := w.Conn.Write(b)
	// Whoever reads meanwhile may have been told of the silence, and not have said so yet.
	if errors.Is(err, syscall.EPIPE) && w.reading.Load() > 0 {
		moment := time.NewTimer(100 * time.Millisecond)
		defer moment.Stop()
		select {
		case <-w.told:
		case <-moment.C:
		}
	}
	const doing = "while data were sent to it"
	if s := w.silence.Load(); err != nil && s != nil {
		return n, &SilenceError{Side: s.Side, Doing: doing, After: s.After, Err: s.Err}
	}
	return n, w.explain(doing, err)
}

func (w *watched) explain(doing string, err error) error {
	if err == nil || !errors.Is(err, syscall.ETIMEDOUT) {
		return err
	}
	if w.silence.CompareAndSwap(nil, &SilenceError{Side: w.side, Doing: doing, After: w.timeout, Err: err}) {
		close(w.told)
	}
	return w.silence.Load()
}

// SilenceError is a connection over which nothing came back for the network
// timeout. It is a lost connection.
type SilenceError struct {
	Side  Side
	Doing string
	After time.Duration
	Err   error
}

// Error implements error.
func (e *SilenceError) Error() string {
	return fmt.Sprintf("the %s gave no sign for %s (--network-timeout) %s: %v", e.Side, e.After, e.Doing, e.Err)
}

// Unwrap returns the cause.
func (e *SilenceError) Unwrap() error { return e.Err }

// Timeout implements net.Error: pgx reads once more after a timeout, and so
// finds this error and not only that the connection is closed.
func (e *SilenceError) Timeout() bool { return true }

// Temporary implements net.Error.
func (e *SilenceError) Temporary() bool { return false }

// serverSide is what a server is asked to do about a client that vanishes, so
// that its session, and what that has locked, does not outlive it by hours. No
// tcp_user_timeout where the server sends tables: a reader that waits for the
// target takes nothing in, which would count as gone.
func serverSide(conn *pgconn.PgConn, s Settings, timeout time.Duration) []param {
	if a := conn.Conn().RemoteAddr(); a == nil || a.Network() == "unix" {
		return nil
	}
	idle, interval, count := keepalives(timeout)
	seconds := func(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }
	out := []param{
		{name: "tcp_keepalives_idle", value: seconds(idle), strength: wish},
		{name: "tcp_keepalives_interval", value: seconds(interval), strength: wish},
		{name: "tcp_keepalives_count", value: strconv.Itoa(count), strength: wish},
	}
	if !s.streams {
		out = append(out, param{name: "tcp_user_timeout", value: strconv.FormatInt(timeout.Milliseconds(), 10), strength: wish})
	}
	return out
}
