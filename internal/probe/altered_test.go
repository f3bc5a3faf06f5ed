package probe

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// altered is a server before a PostgreSQL that changes what it is asked: so it
// gives every answer that a probe knows, by the words of a real server.
type altered struct {
	tls      byte // the answer to SSLRequest
	textOnly bool // binary results are not given

	mu    sync.Mutex
	rules []alteration
}

// alteration replaces a text in queries. With nth only the nth query that has
// it is changed, counted over all connections.
type alteration struct {
	old, to string
	nth     int
	data    bool // in the data of COPY, not in queries

	seen int
}

// whole begins what stands in the place of the whole query.
const whole = "\x00"

// raise is a statement that fails.
func raise(code, message string) string {
	return whole + "DO $x$ BEGIN RAISE EXCEPTION '" + message + "' USING ERRCODE = '" + code + "'; END $x$"
}

// refuse makes a server refuse queries with a text.
func refuse(text string) alteration {
	return alteration{old: text, to: raise("0A000", "not supported")}
}

// say makes a query with a text give a value.
func say(text, sql string) alteration { return alteration{old: text, to: whole + sql} }

func (a *altered) alter(text string, data bool) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := range a.rules {
		r := &a.rules[i]
		if r.data != data || !strings.Contains(text, r.old) {
			continue
		}
		if r.seen++; r.nth > 0 && r.seen != r.nth {
			continue
		}
		if to, ok := strings.CutPrefix(r.to, whole); ok {
			return to
		}
		text = strings.ReplaceAll(text, r.old, r.to)
	}
	return text
}

// start returns a URL of the altered server.
func (a *altered) start(t *testing.T, db *pgtest.DB) string {
	t.Helper()
	cfg, err := pgx.ParseConfig(db.URL)
	require.NoError(t, err)
	network, addr := pgconn.NetworkAddress(cfg.Host, cfg.Port)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var conns []net.Conn
	wg.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial(network, addr)
			if err != nil {
				_ = client.Close()
				continue
			}
			mu.Lock()
			conns = append(conns, client, server)
			mu.Unlock()
			wg.Go(func() {
				_, _ = io.Copy(client, server)
				_ = client.Close()
			})
			wg.Go(func() {
				_ = a.relay(client, server)
				_ = server.Close()
			})
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
	return fmt.Sprintf("postgres://%s@%s/%s?sslmode=disable", cfg.User, l.Addr(), db.Name)
}

// relay passes the client's messages on, some of them altered.
func (a *altered) relay(client, server net.Conn) error {
	head := make([]byte, 8)
	for {
		if _, err := io.ReadFull(client, head); err != nil {
			return err
		}
		if binary.BigEndian.Uint32(head[4:]) == 80877103 { // SSLRequest
			if _, err := client.Write([]byte{a.tls}); err != nil {
				return err
			}
			continue
		}
		if _, err := server.Write(head); err != nil {
			return err
		}
		if _, err := io.CopyN(server, client, int64(binary.BigEndian.Uint32(head))-8); err != nil {
			return err
		}
		break
	}
	for {
		if _, err := io.ReadFull(client, head[:5]); err != nil {
			return err
		}
		kind := head[0]
		body := make([]byte, binary.BigEndian.Uint32(head[1:5])-4)
		if _, err := io.ReadFull(client, body); err != nil {
			return err
		}
		switch {
		case kind == 'Q':
			body = append([]byte(a.alter(string(bytes.TrimSuffix(body, []byte{0})), false)), 0)
		case kind == 'd':
			body = []byte(a.alter(string(body), true))
		case kind == 'B' && a.textOnly:
			body = append(body[:len(body)-4], 0, 0) // one format code before
		}
		out := binary.BigEndian.AppendUint32([]byte{kind}, uint32(len(body)+4))
		if _, err := server.Write(append(out, body...)); err != nil {
			return err
		}
	}
}
