package dial_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// M8: a serverless source that starts: it refuses, then hangs up, then says that
// it is starting, and then it is there. The first connect waits, and says so.
func TestM8ColdStart(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	p := pgtest.NewProxy(t, db.Cluster())
	p.Refuse(true)
	e, err := dial.Parse(dial.Source, p.URL(db.Name))
	require.NoError(t, err)
	tries := 0
	conn, err := e.Await(t.Context(), dial.Asker(), time.Minute, func(err error, in time.Duration) {
		require.Error(t, err)
		require.Positive(t, in)
		if tries++; tries == 2 {
			p.Refuse(false)
		}
	})
	require.NoError(t, err)
	require.Equal(t, 2, tries)
	require.NoError(t, conn.Close(t.Context()))
}

// starting is a server that says of itself that it is starting.
func starting(t *testing.T, state string) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			b := pgproto3.NewBackend(conn, conn)
			if _, err := b.ReceiveStartupMessage(); err == nil {
				b.Send(&pgproto3.ErrorResponse{Severity: "FATAL", Code: state, Message: "the database system is starting up"})
				_ = b.Flush()
			}
			_ = conn.Close()
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		wg.Wait()
	})
	return "postgres://u:p@" + l.Addr().String() + "/d?sslmode=disable"
}

// M8: the wait has a bound, and what will not change is told at once.
func TestM8Bound(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		url   string
		tried bool
	}{
		"starting":      {starting(t, "57P03"), true},
		"shutting down": {starting(t, "57P01"), true},
		"nobody there":  {"postgres://u:p@127.0.0.1:1/d?sslmode=disable", true},
		"password":      {starting(t, "28P01"), false},
		"full":          {starting(t, "53300"), false},
		"no such name":  {"postgres://u:p@nothing.invalid/d?sslmode=disable", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, err := dial.Parse(dial.Source, c.url)
			require.NoError(t, err)
			began := time.Now()
			tries := 0
			_, err = e.Await(t.Context(), dial.Asker(), time.Second, func(error, time.Duration) { tries++ })
			require.Error(t, err)
			require.Equal(t, c.tried, tries > 0, "%v", err)
			require.Less(t, time.Since(began), 10*time.Second)
		})
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	e, err := dial.Parse(dial.Source, starting(t, "57P03"))
	require.NoError(t, err)
	_, err = e.Await(ctx, dial.Asker(), time.Hour, func(error, time.Duration) { cancel(errors.New("enough")) })
	require.Error(t, err, "an interrupt ends it")
}
