package dial_test

import (
	"context"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// C5: a black hole without RST is noticed within the network timeout, whether
// it is waited for or written to, and the error says what was being done and for how
// long nothing came. The next connect resolves and dials anew.
func TestC5BlackHoleIsNoticed(t *testing.T) {
	t.Parallel()
	const timeout = 2 * time.Second
	db := pgtest.Server(t).Database(t)
	for name, c := range map[string]struct{ sql, doing string }{
		"nothing sent": {"SELECT pg_sleep(600)", "while waiting for its answer"},
		"a question":   {"SELECT 1", "while waiting for its answer"},
		"much sent":    {"SELECT '" + strings.Repeat("x", 32<<20) + "'", "while data were sent to it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := pgtest.NewProxy(t, db.Cluster())
			e, err := dial.Open(t.Context(), dial.Target, dial.Options{URL: p.URL(db.Name), NetworkTimeout: timeout})
			require.NoError(t, err)
			conn, err := e.Connect(t.Context(), dial.Writer())
			require.NoError(t, err)
			defer conn.Close(context.Background())

			failed := make(chan error, 1)
			started := time.Now()
			if name == "nothing sent" { // the statement is acknowledged, and then the host is gone
				go func() {
					_, err := conn.PgConn().Exec(t.Context(), c.sql).ReadAll()
					failed <- err
				}()
				require.Eventually(t, func() bool {
					return db.QueryString(t, "SELECT count(*) FROM pg_stat_activity WHERE query = '"+c.sql+"' AND state = 'active'") == "1"
				}, 20*time.Second, 5*time.Millisecond)
				require.NoError(t, p.Swallow())
			} else {
				require.NoError(t, p.Swallow())
				_, err = conn.PgConn().Exec(t.Context(), c.sql).ReadAll()
				failed <- err
			}
			err = <-failed
			require.ErrorContains(t, err, "the target gave no sign for 2s (--network-timeout) "+c.doing)
			require.Less(t, time.Since(started), 10*timeout)
			require.Equal(t, dial.Lost, dial.Classify(err))
			require.True(t, conn.IsClosed())

			again, err := e.Connect(t.Context(), dial.Writer())
			require.NoError(t, err)
			require.NoError(t, again.Close(t.Context()))
		})
	}
}

// C5: a server that takes the connection and then says nothing ends by the
// connect timeout.
func TestC5SilenceAtConnect(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	e, err := dial.Parse(dial.Target, pgtest.NewProxy(t, db.Cluster()).URL(db.Name)+"&connect_timeout=4")
	require.NoError(t, err)
	silent := e.WithDial(func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := (&net.Dialer{}).DialContext(ctx, network, addr)
		return &mute{Conn: c, after: "SET \"statement_timeout\""}, err
	})
	_, err = silent.Connect(t.Context(), dial.Writer())
	require.ErrorContains(t, err, "setting up a session on the target")
	require.ErrorContains(t, err, "no answer within 4s (connect_timeout in the URL)")
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
