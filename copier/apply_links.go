package copier

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// links are the connections of an applier. The one that was given back last is
// taken first, so that statements that follow one another share it: there are
// no more than ran at once, and over a long link each takes most of a second.
type links struct {
	most int // in use at once; the callers see to it

	mu   sync.Mutex
	idle []*pgx.Conn
}

// take gives a connection, nil where a new one is needed.
func (l *links) take() *pgx.Conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(l.idle)
	if n == 0 {
		return nil
	}
	conn := l.idle[n-1]
	l.idle = l.idle[:n-1]
	return conn
}

// give takes a connection back, if there is one.
func (l *links) give(conn *pgx.Conn) {
	if conn == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.idle = append(l.idle, conn)
}

// endWait is how long connections may take to end what was cancelled on them.
const endWait = 2 * time.Second

// end closes the connections. Where one was cancelled, the server is told by
// another, which is waited for: a process that ends before would leave an index
// being built behind it.
func (l *links) end(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endWait)
	defer cancel()
	for conn := l.take(); conn != nil; conn = l.take() {
		_ = conn.Close(ctx)
		select {
		case <-conn.PgConn().CleanupDone():
		case <-ctx.Done():
		}
	}
}
