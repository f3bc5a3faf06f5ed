package copier

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/event"
)

// targetConn is a connection that writes batches. One goroutine (read) takes
// the server's answers while the copier writes, so that an error in the middle
// of a stream is seen at once and a server that talks much (notices) never
// blocks on us while we block on it.
type targetConn struct {
	wire    *wire
	replies chan reply
	failed  atomic.Bool   // an error arrived: stop sending
	done    chan struct{} // the reader has ended

	patience   time.Duration // how long one answer may take; 0 is no bound
	meter      *event.Meter  // of the part that is written
	unanswered []expected    // what was sent, in order, and not answered yet
	blame      *batch        // whose answer was not the expected one
}

// reply is one answer of the server's to one message.
type reply struct {
	tags   []string // of its statements
	status byte     // transaction status of ReadyForQuery: I, T or E
	err    error    // the server's error, or the loss of the connection
	lost   bool     // no more answers will come
}

// manyReplies is how many answers the reader takes ahead of the copier. More
// stay in the connection's buffers.
const manyReplies = 256

// openTarget connects, unless conn is a connection already, and records the
// session in the ledger, so that it can be ended by others if it outlives its
// client.
func openTarget(ctx context.Context, conn *pgx.Conn, target *dial.Endpoint, settings dial.Settings, run string) (*targetConn, error) {
	if conn == nil {
		var err error
		if conn, err = target.Connect(ctx, settings); err != nil {
			return nil, err
		}
	}
	if err := recordSession(ctx, conn, run); err != nil {
		_ = conn.Close(context.WithoutCancel(ctx))
		return nil, fmt.Errorf("recording a session in the ledger: %w", err)
	}
	w, err := takeWire(ctx, conn)
	if err != nil {
		_ = conn.Close(context.WithoutCancel(ctx))
		return nil, err
	}
	t := &targetConn{wire: w, replies: make(chan reply, manyReplies), done: make(chan struct{})}
	go t.read()
	return t, nil
}

// recordSession records who writes. Where the target does not tell when its
// sessions began, none of them can be ended by others: an empty start says so.
func recordSession(ctx context.Context, conn *pgx.Conn, run string) error {
	const record = `INSERT INTO _pg2db9.session (run, pid, backend_start)
		SELECT $1, pid, backend_start::text FROM pg_catalog.pg_stat_activity WHERE pid = pg_catalog.pg_backend_pid()
		ON CONFLICT DO NOTHING`
	const bare = `INSERT INTO _pg2db9.session (run, pid, backend_start) VALUES ($1, $2, '') ON CONFLICT DO NOTHING`
	_, err := conn.Exec(ctx, record, run)
	switch dial.SQLState(err) {
	case pgerrcode.UndefinedTable, pgerrcode.UndefinedColumn, pgerrcode.UndefinedFunction, pgerrcode.FeatureNotSupported:
		_, err = conn.Exec(ctx, bare, run, int64(conn.PgConn().PID()))
	}
	return err
}

// failure is the error of a reply. One after which no answer can come is marked
// as a lost connection, whatever its text.
func (r reply) failure() error {
	if r.lost {
		return fmt.Errorf("%w: %w", dial.ErrLost, r.err)
	}
	return r.err
}

// close ends the connection and waits for its reader.
func (t *targetConn) close(goodbye bool) {
	t.wire.close(goodbye)
	for {
		select {
		case <-t.replies:
		case <-t.done:
			return
		}
	}
}

// read collects the answers until the connection ends. It never drops one: the
// copier takes as many as it has sent statements, close takes the rest.
func (t *targetConn) read() {
	defer close(t.done)
	fe := pgproto3.NewFrontend(t.wire.conn, nil)
	var r reply
	for {
		msg, err := fe.Receive()
		if err != nil {
			t.failed.Store(true)
			if r.err == nil { // else the server said why before it hung up
				r.err = err
			}
			r.lost = true
			t.replies <- r
			return
		}
		switch msg := msg.(type) {
		case *pgproto3.CommandComplete:
			r.tags = append(r.tags, string(msg.CommandTag))
		case *pgproto3.ErrorResponse:
			t.failed.Store(true)
			r.err = pgconn.ErrorResponseToPgError(msg)
		case *pgproto3.ReadyForQuery:
			r.status = msg.TxStatus
			t.replies <- r
			r = reply{}
		}
	}
}

// answer waits for the next answer. A server that stays silent while its
// network is alive would keep us for ever: that counts as a lost connection.
func (t *targetConn) answer(ctx context.Context) (reply, error) {
	var late <-chan time.Time
	if t.patience > 0 {
		timer := time.NewTimer(t.patience)
		defer timer.Stop()
		late = timer.C
	}
	select {
	case r := <-t.replies:
		return r, nil
	case <-late:
		return reply{}, fmt.Errorf("%w: no answer within %s", dial.ErrLost, t.patience)
	case <-ctx.Done():
		return reply{}, context.Cause(ctx)
	case <-t.done: // what came before the end is there
	}
	select {
	case r := <-t.replies:
		return r, nil
	default:
		return reply{}, fmt.Errorf("%w: no further answer will come", dial.ErrLost)
	}
}
