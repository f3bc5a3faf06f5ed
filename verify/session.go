package verify

import (
	"context"
	"errors"
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
	conn  *pgx.Conn
	buf   []byte
	reads int // since its transaction began: each leaves the locks of a table and its indexes
}

// maxReads is how many tables or parts of them one transaction in a snapshot reads.
// Without a bound a database of many tables would take the server's lock table from
// everybody else.
const maxReads = 64

func (s *session) close() {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	_ = s.conn.Close(ctx) // it only read: there is nothing to lose
}

// pool keeps the sessions of one side, so that a worker goes from table to
// table without connecting anew. It holds no more sessions than its users hold
// at once, and goes on with those it has when the server grants no more.
type pool struct {
	endpoint *dial.Endpoint
	settings dial.Settings
	snapshot string // joined by every session; empty is none

	freed chan struct{} // a token for each session that was given back or is gone: whoever waits looks again

	mu      sync.Mutex
	idle    []*session
	live    int   // sessions idle and in use
	refused error // why no more can be opened: asked once, not once a table
}

func newPool(endpoint *dial.Endpoint, settings dial.Settings, users int) *pool {
	return &pool{endpoint: endpoint, settings: settings, freed: make(chan struct{}, users)}
}

// get returns an idle session or opens one. Where that is refused it waits for
// one of the others.
func (p *pool) get(ctx context.Context) (*session, error) {
	for {
		if s := p.take(); s != nil {
			if err := p.renew(ctx, s); err != nil {
				p.drop(s)
				return nil, err
			}
			return s, nil
		}
		s, err := p.grow(ctx)
		if s != nil || err != nil {
			return s, err
		}
		select {
		case <-p.freed:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

func (p *pool) take() *session {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.idle)
	if n == 0 {
		return nil
	}
	s := p.idle[n-1]
	p.idle = p.idle[:n-1]
	return s
}

// grow opens a session. Neither a session nor an error says: wait for another.
func (p *pool) grow(ctx context.Context) (*session, error) {
	p.mu.Lock()
	refused, live := p.refused, p.live
	p.mu.Unlock()
	if refused == nil {
		s, err := p.open(ctx)
		if err == nil || ctx.Err() != nil {
			return s, err
		}
		p.mu.Lock()
		p.refused, refused, live = err, err, p.live
		p.mu.Unlock()
	}
	if live == 0 {
		return nil, refused
	}
	return nil, nil //nolint:nilnil // see above
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
			return nil, fmt.Errorf("the source cannot be read as of the moment of the copy: %w", err)
		}
	}
	p.mu.Lock()
	p.live++
	p.mu.Unlock()
	return s, nil
}

// renew ends a transaction that has read much, and with it its locks, and joins the
// snapshot anew.
func (p *pool) renew(ctx context.Context, s *session) error {
	if p.snapshot == "" || s.reads < maxReads {
		return nil
	}
	s.reads = 0
	if _, err := s.conn.PgConn().Exec(ctx, "COMMIT;"+dial.SnapshotSQL(p.snapshot)).ReadAll(); err != nil {
		return fmt.Errorf("joining the source's snapshot again: %w", err)
	}
	return nil
}

// put gives a session back that is at rest.
func (p *pool) put(s *session) {
	s.reads++
	p.mu.Lock()
	p.idle = append(p.idle, s)
	p.mu.Unlock()
	p.wake()
}

// drop ends a session that is of no more use.
func (p *pool) drop(s *session) {
	s.close()
	p.fewer()
	p.wake()
}

// fewer says that a session is gone.
func (p *pool) fewer() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.live--
}

// forgive lets a pool that was refused a session ask again: whoever calls it
// has waited, and knows when to give up.
func (p *pool) forgive() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.live == 0 {
		p.refused = nil
	}
}

func (p *pool) wake() {
	select {
	case p.freed <- struct{}{}:
	default: // as many tokens as there may be waiters
	}
}

// close ends the idle sessions.
func (p *pool) close() {
	for s := p.take(); s != nil; s = p.take() {
		s.close()
		p.fewer()
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

// targetSettings are those of the target's side: one that may be no PostgreSQL
// keeps limits of its own, which reading is cut to.
func targetSettings(s dial.Settings, profile ddlgen.Profile) dial.Settings {
	if profile.Map {
		return s.Foreign().WithLimits(profile.StatementLimit, profile.IdleLimit)
	}
	return s
}

// exportSnapshot opens the transaction whose snapshot all sessions of the pool
// will share. It lives as long as the returned session, which holds no lock.
func exportSnapshot(ctx context.Context, p *pool) (*session, error) {
	conn, err := p.endpoint.Connect(ctx, p.settings)
	if err != nil {
		return nil, err
	}
	s := &session{conn: conn}
	results, err := conn.PgConn().Exec(ctx,
		"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;SELECT pg_catalog.pg_export_snapshot()").ReadAll()
	if err == nil && (len(results) != 2 || len(results[1].Rows) != 1) {
		err = errors.New("the server gave no name for it")
	}
	if err != nil {
		s.close()
		return nil, fmt.Errorf("exporting a snapshot on the source, so that all tables are read as of one moment: %w", err)
	}
	p.snapshot = string(results[1].Rows[0][0])
	return s, nil
}
