package pgtest_test

import (
	"context"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// echo is a server that gives back what it gets.
func echo(t *testing.T) (network, addr string) {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			buf := make([]byte, 1024)
			for {
				n, err := c.Read(buf)
				if err != nil {
					break
				}
				if _, err := c.Write(buf[:n]); err != nil {
					break
				}
			}
			_ = c.Close()
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-done
	})
	return "tcp", l.Addr().String()
}

// dialFault connects to echo with a fault.
func dialFault(t *testing.T, f pgtest.Fault) (net.Conn, *pgtest.FaultConn) {
	t.Helper()
	d := pgtest.NewFaultDialer(t)
	d.Next(f)
	network, addr := echo(t)
	c, err := d.Dial(t.Context(), network, addr)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c, d.Conns()[0]
}

func TestFaultCutsAfterBytes(t *testing.T) {
	t.Parallel()
	buf := make([]byte, 100)

	c, f := dialFault(t, pgtest.Fault{Action: pgtest.Cut, Dir: pgtest.ToServer, After: 5})
	n, err := c.Write([]byte("12345678"))
	require.ErrorIs(t, err, syscall.EPIPE)
	require.Equal(t, 5, n)
	<-f.Fired()

	c, _ = dialFault(t, pgtest.Fault{Action: pgtest.Reset, Dir: pgtest.ToClient, After: 5})
	_, err = c.Write([]byte("12345678"))
	require.NoError(t, err)
	n, err = c.Read(buf)
	require.NoError(t, err)
	require.Equal(t, "12345", string(buf[:n]))
	_, err = c.Read(buf)
	require.ErrorIs(t, err, syscall.ECONNRESET)
}

func TestFaultStallsUntilReleased(t *testing.T) {
	t.Parallel()
	c, f := dialFault(t, pgtest.Fault{Action: pgtest.Stall, Dir: pgtest.ToClient})
	_, err := c.Write([]byte("hello"))
	require.NoError(t, err)

	// A deadline ends the wait, also one that comes while it lasts.
	failed := make(chan error, 1)
	go func() {
		_, err := c.Read(make([]byte, 1))
		failed <- err
	}()
	<-f.Fired()
	require.NoError(t, c.SetReadDeadline(time.Unix(1, 0)))
	require.ErrorIs(t, <-failed, os.ErrDeadlineExceeded)

	require.NoError(t, c.SetReadDeadline(time.Time{}))
	f.Release()
	buf := make([]byte, 10)
	n, err := c.Read(buf)
	require.NoError(t, err)
	require.Equal(t, "hello", string(buf[:n]))

	// So does Close.
	c, f = dialFault(t, pgtest.Fault{Action: pgtest.Stall, Dir: pgtest.ToServer})
	go func() {
		_, err := c.Write([]byte("x"))
		failed <- err
	}()
	<-f.Fired()
	require.NoError(t, c.Close())
	require.ErrorIs(t, <-failed, net.ErrClosed)
}

func TestFaultDrops(t *testing.T) {
	t.Parallel()
	c, _ := dialFault(t, pgtest.Fault{Action: pgtest.Drop, Dir: pgtest.ToServer, After: 2})
	n, err := c.Write([]byte("hello"))
	require.NoError(t, err)
	require.Equal(t, 5, n)
	buf := make([]byte, 10)
	n, err = c.Read(buf)
	require.NoError(t, err)
	require.Equal(t, "he", string(buf[:n]))
}

// pgconn sees what a network does; connections after the queue work.
func TestFaultDialerUnderPgconn(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	d := pgtest.NewFaultDialer(t)
	cfg, err := pgconn.ParseConfig(db.URL)
	require.NoError(t, err)
	cfg.DialFunc = d.Dial

	d.Skip(1)
	d.Next(pgtest.Fault{Action: pgtest.Cut, Dir: pgtest.ToClient, After: 4096})
	query := func(ctx context.Context) error {
		conn, err := pgconn.ConnectConfig(ctx, cfg)
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
		_, err = conn.Exec(ctx, "SELECT repeat('x', 10000)").ReadAll()
		return err
	}
	require.NoError(t, query(t.Context()))
	require.ErrorIs(t, query(t.Context()), syscall.ECONNRESET)
	require.NoError(t, query(t.Context()))
	require.GreaterOrEqual(t, len(d.Conns()), 3)

	// A stalled connection ends with its context. (Another dialer: a lost
	// connection's cancel request may still be dialled by the first.)
	stalled := pgtest.NewFaultDialer(t)
	cfg.DialFunc = stalled.Dial
	stalled.Next(pgtest.Fault{Action: pgtest.Stall, Dir: pgtest.ToClient, After: 4096})
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, query(ctx), context.DeadlineExceeded)
}
