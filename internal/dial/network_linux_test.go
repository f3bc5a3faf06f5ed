package dial_test

import (
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// tunnel passes connections on to a server until it swallows them: the client's
// packets are dropped before TCP sees them, so that neither data nor probes are
// acknowledged and no RST is sent, as when a host or a route is gone.
type tunnel struct {
	listener net.Listener
	wg       sync.WaitGroup
	mu       sync.Mutex
	clients  []*net.TCPConn
}

func newTunnel(t *testing.T, address string, to func() (net.Conn, error)) *tunnel {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil && strings.HasPrefix(address, "[") {
		t.Skip("no IPv6 on loopback: ", err)
	}
	require.NoError(t, err)
	u := &tunnel{listener: l}
	u.wg.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := to()
			if err != nil {
				_ = client.Close()
				continue
			}
			u.mu.Lock()
			u.clients = append(u.clients, client.(*net.TCPConn))
			u.mu.Unlock()
			u.wg.Go(func() { _, _ = io.Copy(server, client); _ = server.Close() })
			u.wg.Go(func() { _, _ = io.Copy(client, server); _ = client.Close() })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		u.mu.Lock()
		for _, c := range u.clients {
			_ = c.Close()
		}
		u.mu.Unlock()
		u.wg.Wait()
	})
	return u
}

// toDatabase connects to where a database of pgtest is.
func toDatabase(t *testing.T, db *pgtest.DB) func() (net.Conn, error) {
	t.Helper()
	p := pgtest.NewProxy(t, db.Cluster())
	return func() (net.Conn, error) { return net.Dial("tcp", p.Addr()) }
}

// swallow makes every connection so far a black hole.
func (u *tunnel) swallow(t *testing.T) {
	t.Helper()
	u.mu.Lock()
	defer u.mu.Unlock()
	nothing := []unix.SockFilter{{Code: unix.BPF_RET | unix.BPF_K, K: 0}}
	for _, c := range u.clients {
		raw, err := c.SyscallConn()
		require.NoError(t, err)
		var failed error
		require.NoError(t, raw.Control(func(fd uintptr) {
			failed = unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: 1, Filter: &nothing[0]})
		}))
		require.NoError(t, failed)
	}
}

// C5: a black hole without RST is noticed within the network timeout, whether
// it is waited for or written to, and the error says what was being done and for how
// long nothing came. The next connect resolves and dials anew.
func TestC5BlackHoleIsNoticed(t *testing.T) {
	t.Parallel()
	const timeout = 2 * time.Second
	db := pgtest.Server(t).Database(t)
	for name, c := range map[string]struct{ sql, doing string }{
		"waiting with nothing sent": {"SELECT pg_sleep(600)", "while waiting for its answer"},
		"a question":                {"SELECT 1", "while waiting for its answer"},
		"much sent":                 {"SELECT '" + strings.Repeat("x", 32<<20) + "'", "while data were sent to it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := newTunnel(t, "127.0.0.1:0", toDatabase(t, db))
			e, err := dial.Open(t.Context(), dial.Target, dial.Options{
				URL: "postgres://postgres@" + u.listener.Addr().String() + "/" + db.Name + "?sslmode=disable", NetworkTimeout: timeout,
			})
			require.NoError(t, err)
			conn, err := e.Connect(t.Context(), dial.Writer())
			require.NoError(t, err)
			defer conn.Close(context.Background())

			if name == "waiting with nothing sent" { // the statement is acknowledged, and then the host is gone
				go func() {
					_ = awaitSQL(t, db, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'SELECT pg_sleep(600%' AND state = 'active'")
					u.swallow(t)
				}()
			} else {
				u.swallow(t)
			}
			started := time.Now()
			_, err = conn.PgConn().Exec(t.Context(), c.sql).ReadAll()
			require.ErrorContains(t, err, "the target gave no sign for 2s (--network-timeout) "+c.doing)
			require.Less(t, time.Since(started), 5*timeout)
			require.Equal(t, dial.Lost, dial.Classify(err))
			require.True(t, conn.IsClosed())

			again, err := e.Connect(t.Context(), dial.Writer())
			require.NoError(t, err)
			require.NoError(t, again.Close(t.Context()))
		})
	}
}

// awaitSQL waits until a query gives something other than 0.
func awaitSQL(t *testing.T, db *pgtest.DB, sql string) bool {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		if db.QueryString(t, sql) != "0" {
			return true
		}
	}
	return false
}

// C5: a server that takes the connection and then says nothing ends by the
// connect timeout.
func TestC5SilenceAtConnect(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	u := newTunnel(t, "127.0.0.1:0", toDatabase(t, db))
	base := "postgres://postgres@" + u.listener.Addr().String() + "/" + db.Name + "?sslmode=disable&connect_timeout=2"
	e, err := dial.Open(t.Context(), dial.Target, dial.Options{URL: base})
	require.NoError(t, err)
	silent := e.WithDial(func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := (&net.Dialer{}).DialContext(ctx, network, addr)
		return &mute{Conn: c, after: "SET \"statement_timeout\""}, err
	})
	_, err = silent.Connect(t.Context(), dial.Writer())
	require.ErrorContains(t, err, "setting up a session on the target")
	require.ErrorContains(t, err, "no answer within 2s (connect_timeout in the URL)")
	require.Equal(t, dial.Lost, dial.Classify(err))

	silent = e.WithDial(func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := (&net.Dialer{}).DialContext(ctx, network, addr)
		return &mute{Conn: c, after: ""}, err
	})
	_, err = silent.Connect(t.Context(), dial.Writer())
	require.ErrorContains(t, err, "connecting to the target postgres://postgres@127.0.0.1")
	require.ErrorContains(t, err, "no answer within the connect timeout")
	require.Equal(t, dial.Lost, dial.Classify(err))
}

// mute swallows what is written from a text on.
type mute struct {
	net.Conn
	after string
	mu    sync.Mutex
	on    bool
}

func (m *mute) Write(b []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.on = m.on || strings.Contains(string(b), m.after); m.on {
		return len(b), nil
	}
	return m.Conn.Write(b)
}
