package cli

import (
	"context"
	"io"
	"net"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// proxy gives a database a second name, on TCP, and breaks connections where a
// test wants it.
type proxy struct {
	db       *pgtest.DB
	listener net.Listener
	wg       sync.WaitGroup

	// watch sees what passes to and from the server; false breaks the
	// connection, and what it was given does not pass.
	watch func(conn int64, toServer bool, data []byte) bool

	conns atomic.Int64
	mu    sync.Mutex
	open  map[net.Conn]bool
}

func newProxy(t *testing.T, db *pgtest.DB, watch func(conn int64, toServer bool, data []byte) bool) *proxy {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &proxy{db: db, listener: l, watch: watch, open: map[net.Conn]bool{}}
	cfg, err := pgx.ParseConfig(db.URL)
	require.NoError(t, err)
	p.wg.Go(func() { p.accept(cfg) })
	t.Cleanup(func() {
		_ = l.Close()
		p.mu.Lock()
		for c := range p.open {
			_ = c.Close()
		}
		p.mu.Unlock()
		p.wg.Wait()
	})
	return p
}

// url connects through the proxy, with the password that must not show.
func (p *proxy) url() string {
	cfg, _ := pgx.ParseConfig(p.db.URL)
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword(cfg.User, password), Host: p.listener.Addr().String(),
		Path: "/" + cfg.Database, RawQuery: "sslmode=disable",
	}
	return u.String()
}

func (p *proxy) accept(cfg *pgx.ConnConfig) {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		network, addr := "tcp", net.JoinHostPort(cfg.Host, strconv.Itoa(int(cfg.Port)))
		if cfg.Host[0] == '/' {
			network, addr = "unix", cfg.Host+"/.s.PGSQL."+strconv.Itoa(int(cfg.Port))
		}
		server, err := (&net.Dialer{}).DialContext(context.Background(), network, addr)
		if err != nil {
			_ = client.Close()
			continue
		}
		n := p.conns.Add(1)
		p.mu.Lock()
		p.open[client], p.open[server] = true, true
		p.mu.Unlock()
		p.wg.Go(func() { p.pipe(n, true, server, client) })
		p.wg.Go(func() { p.pipe(n, false, client, server) })
	}
}

func (p *proxy) pipe(n int64, toServer bool, to, from net.Conn) {
	defer func() {
		_ = to.Close()
		_ = from.Close()
		p.mu.Lock()
		delete(p.open, to)
		delete(p.open, from)
		p.mu.Unlock()
	}()
	buf := make([]byte, 64<<10)
	for {
		k, err := from.Read(buf)
		if k > 0 {
			if p.watch != nil && !p.watch(n, toServer, buf[:k]) {
				return
			}
			if _, err := to.Write(buf[:k]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// cutOnce breaks the first connection that carries more than the bytes in one
// direction, and none after it.
func cutOnce(toServer bool, after int64) func(int64, bool, []byte) bool {
	var mu sync.Mutex
	seen := map[int64]int64{}
	done := false
	return func(conn int64, to bool, data []byte) bool {
		if to != toServer {
			return true
		}
		mu.Lock()
		defer mu.Unlock()
		seen[conn] += int64(len(data))
		if !done && seen[conn] > after {
			done = true
			return false
		}
		return true
	}
}

// cutAlways breaks every connection that carries more than the bytes.
func cutAlways(toServer bool, after int64) func(int64, bool, []byte) bool {
	var mu sync.Mutex
	seen := map[int64]int64{}
	return func(conn int64, to bool, data []byte) bool {
		if to != toServer {
			return true
		}
		mu.Lock()
		defer mu.Unlock()
		seen[conn] += int64(len(data))
		return seen[conn] <= after
	}
}

// refusingServer answers every login with a server's error.
func refusingServer(t *testing.T, code, message string) string {
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
			wg.Go(func() {
				defer func() { _ = conn.Close() }()
				b := pgproto3.NewBackend(conn, conn)
				if _, err := b.ReceiveStartupMessage(); err != nil {
					return
				}
				b.Send(&pgproto3.AuthenticationCleartextPassword{})
				if b.Flush() != nil {
					return
				}
				_ = b.SetAuthType(pgproto3.AuthTypeCleartextPassword)
				if _, err := b.Receive(); err != nil {
					return
				}
				b.Send(&pgproto3.ErrorResponse{Severity: "FATAL", Code: code, Message: message})
				_ = b.Flush()
				_, _ = io.Copy(io.Discard, conn)
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		wg.Wait()
	})
	return "postgres://u:" + password + "@" + l.Addr().String() + "/d?sslmode=disable"
}
