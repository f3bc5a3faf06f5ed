package copier

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pg2db9/pg2db9/internal/dial"
)

// wire is a connection whose protocol messages this package reads and writes
// itself, after pgx has set it up.
type wire struct {
	conn   net.Conn
	pid    uint32
	cancel func(ctx context.Context) error // asks the server, on another connection, to end what it is doing
	trip   time.Duration                   // the shortest that an answer has taken
}

// answered notes how long an answer took, to what was asked then.
func (w *wire) answered(asked time.Time) {
	if d := time.Since(asked); d < w.trip {
		w.trip = d
	}
}

// takeWire takes the network connection out of conn, which cannot be used any
// more. It is synchronized first: after a write that was slow, pgx may have a
// goroutine reading it still, which would take the first bytes that are meant
// for us.
func takeWire(ctx context.Context, conn *pgx.Conn) (*wire, error) {
	if err := conn.PgConn().SyncConn(ctx); err != nil {
		return nil, fmt.Errorf("taking over the connection: %w: %w", dial.ErrLost, err)
	}
	pid, cancel, trip := conn.PgConn().PID(), conn.PgConn().CancelRequest, dial.RoundTrip(conn)
	h, err := conn.PgConn().Hijack()
	if err != nil {
		return nil, fmt.Errorf("taking over the connection: %w", err)
	}
	return &wire{conn: h.Conn, pid: pid, cancel: cancel, trip: trip}, nil
}

// cancelStatement has the server end what it is doing, when the run is cancelled:
// a process that ends before would leave an index being built behind it.
func (w *wire) cancelStatement(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endWait)
	defer cancel()
	_ = w.cancel(ctx)
}

// watch makes every read and write on the wire fail once ctx ends. The returned
// function ends the watch.
func (w *wire) watch(ctx context.Context) func() bool {
	return context.AfterFunc(ctx, func() { _ = w.conn.SetDeadline(time.Unix(1, 0)) })
}

// cause gives the reason of the context for an error that its watch provoked.
func cause(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// send encodes and writes messages in one write.
func (w *wire) send(msgs ...pgproto3.FrontendMessage) error {
	var buf []byte
	var err error
	for _, m := range msgs {
		if buf, err = m.Encode(buf); err != nil {
			return fmt.Errorf("encoding a protocol message: %w", err)
		}
	}
	_, err = w.conn.Write(buf)
	return err
}

// close ends the connection. With goodbye the server is told; without, it is
// left to find out, and its session may live on for a while.
func (w *wire) close(goodbye bool) {
	if goodbye {
		_ = w.conn.SetDeadline(time.Now().Add(time.Second))
		_ = w.send(&pgproto3.Terminate{})
	}
	_ = w.conn.Close()
}

// errProtocol is a message that does not belong where it came.
var errProtocol = errors.New("the server's answer does not follow the protocol")

func unexpected(typ byte, where string) error {
	return fmt.Errorf("%w: message %q %s", errProtocol, typ, where)
}
