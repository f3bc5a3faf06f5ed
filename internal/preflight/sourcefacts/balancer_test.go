package sourcefacts

import (
	"context"
	"net"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// newBalancer leads each connection to the next of several servers.
func newBalancer(t *testing.T, servers ...*pgtest.Cluster) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var conns []net.Conn
	wg.Go(func() {
		for n := 0; ; n++ {
			client, err := l.Accept()
			if err != nil {
				return
			}
			cfg, err := pgx.ParseConfig(servers[n%len(servers)].URL("postgres"))
			if err != nil {
				return
			}
			server, err := (&net.Dialer{}).DialContext(context.Background(), pgNetwork(cfg), pgAddress(cfg))
			if err != nil {
				_ = client.Close()
				continue
			}
			mu.Lock()
			conns = append(conns, client, server)
			mu.Unlock()
			wg.Go(func() { pipe(server, client) })
			wg.Go(func() { pipe(client, server) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		for _, c := range conns {
			_ = c.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	return "postgres://postgres@" + l.Addr().String() + "/postgres?sslmode=disable"
}

func pgNetwork(cfg *pgx.ConnConfig) string {
	network, _ := pgconn.NetworkAddress(cfg.Host, cfg.Port)
	return network
}

func pgAddress(cfg *pgx.ConnConfig) string {
	_, address := pgconn.NetworkAddress(cfg.Host, cfg.Port)
	return address
}

func pipe(to, from net.Conn) {
	defer func() { _ = to.Close() }()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}
