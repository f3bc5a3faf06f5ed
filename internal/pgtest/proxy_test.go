package pgtest_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest"
)

type proxied struct {
	db    *pgtest.DB
	proxy *pgtest.Proxy
}

func setupProxy(t *testing.T) proxied {
	t.Helper()
	c := pgtest.Server(t)
	p := proxied{db: c.Database(t), proxy: pgtest.NewProxy(t, c)}
	p.db.Exec(t, "CREATE TABLE a (id int)")
	return p
}

// exec connects by way of the proxy and runs a statement.
func (p proxied) exec(ctx context.Context, sql string) error {
	conn, err := pgconn.Connect(ctx, p.proxy.URL(p.db.Name))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	_, err = conn.Exec(ctx, sql).ReadAll()
	return err
}

func (p proxied) count(t *testing.T) string {
	t.Helper()
	return p.db.QueryString(t, "SELECT count(*) FROM a")
}

func TestProxyPasses(t *testing.T) {
	t.Parallel()
	p := setupProxy(t)
	require.NoError(t, p.exec(t.Context(), "INSERT INTO a SELECT generate_series(1, 1000); SELECT repeat('x', 1000000)"))
	require.Equal(t, "1000", p.count(t))
	require.Equal(t, 1, p.proxy.Count())
}

// The commit happened, and its client does not know.
func TestProxyLosesTheAnswerToCommit(t *testing.T) {
	t.Parallel()
	p := setupProxy(t)
	hit := p.proxy.Add(pgtest.Rule{Action: pgtest.Cut, Dir: pgtest.ToClient, Match: pgtest.Tag("COMMIT")})
	err := p.exec(t.Context(), "BEGIN; INSERT INTO a VALUES (1); COMMIT")
	require.Error(t, err)
	require.NotErrorAs(t, err, new(*pgconn.PgError), "an answer of the server came through")
	<-hit.Fired()
	require.Equal(t, "1", p.count(t))
	require.NoError(t, p.exec(t.Context(), "BEGIN; INSERT INTO a VALUES (2); COMMIT")) // once only
	require.Equal(t, "2", p.count(t))
}

// The commit never arrives.
func TestProxyLosesTheCommit(t *testing.T) {
	t.Parallel()
	p := setupProxy(t)
	p.proxy.Add(pgtest.Rule{Action: pgtest.Reset, Dir: pgtest.ToServer, Match: pgtest.Contains("COMMIT")})
	ctx := t.Context()
	conn, err := pgconn.Connect(ctx, p.proxy.URL(p.db.Name))
	require.NoError(t, err)
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, "BEGIN; INSERT INTO a VALUES (1)").ReadAll()
	require.NoError(t, err)
	_, err = conn.Exec(ctx, "COMMIT").ReadAll()
	require.Error(t, err)
	require.Equal(t, "0", p.count(t))
}

func TestProxyCutsAfterBytes(t *testing.T) {
	t.Parallel()
	p := setupProxy(t)
	p.proxy.Add(pgtest.Rule{Action: pgtest.Cut, Dir: pgtest.ToClient, After: 100_000, Skip: 1, Times: 2})
	const sql = "SELECT repeat('x', 200000)"
	require.NoError(t, p.exec(t.Context(), sql))
	require.Error(t, p.exec(t.Context(), sql))
	require.Error(t, p.exec(t.Context(), sql))
	require.NoError(t, p.exec(t.Context(), sql))
}

func TestProxyStallsAndDrops(t *testing.T) {
	t.Parallel()
	p := setupProxy(t)
	hit := p.proxy.Add(pgtest.Rule{Action: pgtest.Stall, Dir: pgtest.ToServer, Match: pgtest.Contains("INSERT")})
	done := make(chan error, 1)
	go func() { done <- p.exec(t.Context(), "INSERT INTO a VALUES (1)") }()
	<-hit.Fired()
	require.Equal(t, "0", p.count(t))
	hit.Release()
	require.NoError(t, <-done)
	require.Equal(t, "1", p.count(t))

	p.proxy.Add(pgtest.Rule{Action: pgtest.Drop, Dir: pgtest.ToClient, Match: pgtest.Tag("INSERT 0 1")})
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, p.exec(ctx, "INSERT INTO a VALUES (2)"), context.DeadlineExceeded)
	require.Equal(t, "2", p.count(t))
}

func TestProxyRefusesAndEnds(t *testing.T) {
	t.Parallel()
	p := setupProxy(t)
	ctx := t.Context()
	conn, err := pgconn.Connect(ctx, p.proxy.URL(p.db.Name))
	require.NoError(t, err)
	defer func() { _ = conn.Close(ctx) }()
	p.proxy.End(pgtest.Reset)
	_, err = conn.Exec(ctx, "SELECT 1").ReadAll()
	require.Error(t, err)
	p.proxy.Refuse(true)
	require.Error(t, p.exec(ctx, "SELECT 1"))
	p.proxy.Refuse(false)
	require.NoError(t, p.exec(ctx, "SELECT 1"))
}
