package pgtest

import (
	"net"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

// pooler is what PgBouncer in transaction mode is: many clients share some
// sessions of a server, each for the length of a transaction.
type pooler struct {
	listener net.Listener
	wg       sync.WaitGroup
	lifo     bool

	mu    sync.Mutex
	cond  *sync.Cond
	free  []*pgproto3.Frontend
	conns []net.Conn
	done  bool
}

// NewPooler gives a database a second address, where clients share sessions of
// the server by the transaction, and returns its URL. With lifo the session that
// came back last goes out first, as PgBouncer does by default; else they go out
// in turn.
func NewPooler(tb testing.TB, db *DB, sessions int, lifo bool) string {
	tb.Helper()
	l, err := (&net.ListenConfig{}).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatalf("start a pooler: %v", err)
	}
	p := &pooler{listener: l, lifo: lifo}
	p.cond = sync.NewCond(&p.mu)
	for range sessions {
		conn, err := pgconn.Connect(tb.Context(), db.URL)
		if err != nil {
			tb.Fatalf("start a pooler: %v", err)
		}
		h, err := conn.Hijack()
		if err != nil {
			tb.Fatalf("start a pooler: %v", err)
		}
		p.free = append(p.free, h.Frontend)
		p.conns = append(p.conns, h.Conn)
	}
	p.wg.Go(p.accept)
	tb.Cleanup(func() {
		_ = l.Close()
		p.mu.Lock()
		p.done = true
		for _, c := range p.conns {
			_ = c.Close()
		}
		p.cond.Broadcast()
		p.mu.Unlock()
		p.wg.Wait()
	})
	return "postgres://postgres@" + l.Addr().String() + "/" + db.Name + "?sslmode=disable"
}

func (p *pooler) accept() {
	for n := uint32(1); ; n++ {
		conn, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		p.conns = append(p.conns, conn)
		p.mu.Unlock()
		p.wg.Go(func() {
			defer func() { _ = conn.Close() }()
			p.serve(pgproto3.NewBackend(conn, conn), n)
		})
	}
}

func (p *pooler) take() *pgproto3.Frontend {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.free) == 0 && !p.done {
		p.cond.Wait()
	}
	if p.done {
		return nil
	}
	i := 0
	if p.lifo {
		i = len(p.free) - 1
	}
	f := p.free[i]
	p.free = append(p.free[:i:i], p.free[i+1:]...)
	return f
}

func (p *pooler) give(f *pgproto3.Frontend) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free = append(p.free, f)
	p.cond.Signal()
}

// serve is one client. It speaks the simple protocol, which is all that is asked
// before a run is refused.
func (p *pooler) serve(client *pgproto3.Backend, pid uint32) {
	if _, err := client.ReceiveStartupMessage(); err != nil {
		return
	}
	client.Send(&pgproto3.AuthenticationOk{})
	for name, value := range map[string]string{"server_version": "15.0", "client_encoding": "UTF8", "standard_conforming_strings": "on"} {
		client.Send(&pgproto3.ParameterStatus{Name: name, Value: value})
	}
	client.Send(&pgproto3.BackendKeyData{ProcessID: pid, SecretKey: []byte{1, 2, 3, 4}})
	client.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
	if client.Flush() != nil {
		return
	}
	var server *pgproto3.Frontend
	defer func() {
		if server != nil {
			p.give(server)
		}
	}()
	for {
		msg, err := client.Receive()
		if err != nil {
			return
		}
		if _, end := msg.(*pgproto3.Terminate); end {
			return
		}
		if server == nil {
			if server = p.take(); server == nil {
				return
			}
		}
		server.Send(msg)
		if server.Flush() != nil {
			return
		}
		switch msg.(type) {
		case *pgproto3.Query, *pgproto3.Sync:
		default:
			continue
		}
		for status := byte(0); status == 0; {
			answer, err := server.Receive()
			if err != nil {
				return
			}
			client.Send(answer)
			if z, ok := answer.(*pgproto3.ReadyForQuery); ok {
				status = z.TxStatus
			}
			if status == 'I' {
				p.give(server)
				server = nil
			}
		}
		if client.Flush() != nil {
			return
		}
	}
}
