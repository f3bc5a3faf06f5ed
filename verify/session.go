package verify

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
)

// closeTimeout bounds the goodbye to a server that may be gone.
const closeTimeout = 2 * time.Second

// session is one connection with the buffer that its COPY streams are read into.
type session struct {
	conn *pgx.Conn
	buf  []byte
}

func (s *session) close() {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	_ = s.conn.Close(ctx) // read-only: there is nothing to lose
}

// pool keeps the sessions of one side, so that a worker goes from table to
// table without connecting anew. It never holds more sessions than are used at
// once; the caller bounds that.
type pool struct {
	endpoint *dial.Endpoint
	settings dial.Settings
	snapshot string // joined by every session; empty is none

	mu   sync.Mutex
	idle []*session
	dead error // why the side cannot be reached: asked once, not once a table
}

// get returns an idle session or opens one.
func (p *pool) get(ctx context.Context) (*session, error) {
	p.mu.Lock()
	if n := len(p.idle); n > 0 {
		s := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return s, nil
	}
	dead := p.dead
	p.mu.Unlock()
	if dead != nil {
		return nil, dead
	}
	s, err := p.open(ctx)
	if err != nil && ctx.Err() == nil {
		p.mu.Lock()
		p.dead = err
		p.mu.Unlock()
	}
	return s, err
}

func (p *pool) open(ctx context.Context) (*session, error) {
	conn, err := p.endpoint.Connect(ctx, p.settings)
	if err != nil {
		return nil, err
	}
	s := &session{conn: conn, buf: make([]byte, readBuffer)}
	if p.snapshot != "" {
		if err := dial.BeginSnapshot(ctx, conn, p.snapshot); err != nil {
			s.close()
			return nil, err
		}
	}
	return s, nil
}

// put gives a session back that is at rest.
func (p *pool) put(s *session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = append(p.idle, s)
}

// close ends the idle sessions.
func (p *pool) close() {
	p.mu.Lock()
	idle := p.idle
	p.idle = nil
	p.mu.Unlock()
	for _, s := range idle {
		s.close()
	}
}

// readerSettings are those under which both sides are read: the copier's, so
// that both see the same text. Money that stays money is read raw; money that
// becomes numeric is cast by the database's own lc_monetary.
func readerSettings(profile ddlgen.Profile) dial.Settings {
	if profile.Map {
		return dial.Reader()
	}
	return dial.Reader().RawMoney()
}

// exportSnapshot opens the transaction whose snapshot all readers of the source
// share. The snapshot lives as long as the connection.
func exportSnapshot(ctx context.Context, p *pool) (*session, error) {
	s, err := p.open(ctx)
	if err != nil {
		return nil, err
	}
	results, err := s.conn.PgConn().Exec(ctx,
		"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;SELECT pg_catalog.pg_export_snapshot()").ReadAll()
	if err != nil {
		s.close()
		return nil, fmt.Errorf("exporting a snapshot on the source, so that all tables are read as of one moment: %w", err)
	}
	if len(results) != 2 || len(results[1].Rows) != 1 {
		s.close()
		return nil, fmt.Errorf("exporting a snapshot on the source: it gave no name for one")
	}
	p.snapshot = string(results[1].Rows[0][0])
	return s, nil
}
