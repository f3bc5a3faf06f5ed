package copier

import (
	"context"
	"sync"

	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/internal/dial"
)

// ahead opens the workers' first connections to the target while the ledger is
// prepared: over a long link a connection takes most of a second.
type ahead struct {
	conns  chan *pgx.Conn
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

// dialAhead begins to open n connections. One that cannot be opened is not
// missed: whoever needs it opens it again, and has the error.
func dialAhead(ctx context.Context, target *dial.Endpoint, settings dial.Settings, n int) *ahead {
	ctx, cancel := context.WithCancel(ctx)
	a := &ahead{conns: make(chan *pgx.Conn, n), cancel: cancel}
	for range n {
		a.wg.Go(func() {
			conn, err := target.Connect(ctx, settings)
			if err != nil {
				conn = nil
			}
			a.conns <- conn
		})
	}
	go func() {
		a.wg.Wait()
		close(a.conns)
	}()
	return a
}

// take waits for one of the connections; nil where there is none more.
func (a *ahead) take(ctx context.Context) *pgx.Conn {
	if a == nil {
		return nil
	}
	select {
	case conn := <-a.conns:
		return conn
	case <-ctx.Done():
		return nil
	}
}

// close closes the connections that nobody took.
func (a *ahead) close(ctx context.Context) {
	if a == nil {
		return
	}
	a.cancel()
	for conn := range a.conns {
		if conn != nil {
			_ = conn.Close(context.WithoutCancel(ctx))
		}
	}
}
