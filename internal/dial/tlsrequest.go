package dial

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

// Socket reports whether the endpoint is a unix socket.
func (e *Endpoint) Socket() bool { return isSocket(e.cfg.Host) }

// AskTLS asks the server whether it speaks TLS, and returns its answer: S for
// yes, N for no. Nothing else is sent, so no secret travels.
func (e *Endpoint) AskTLS(ctx context.Context) (byte, error) {
	network, addr := pgconn.NetworkAddress(e.cfg.Host, e.cfg.Port)
	conn, err := e.way()(ctx, network, addr)
	if err != nil {
		return 0, &ConnectError{Side: e.side, Server: e.String(), Hint: connectHint(err), Err: err}
	}
	defer func() { _ = conn.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	msg, err := (&pgproto3.SSLRequest{}).Encode(nil)
	if err != nil {
		return 0, fmt.Errorf("encoding a request for TLS: %w", err)
	}
	if _, err := conn.Write(msg); err != nil {
		return 0, fmt.Errorf("asking %s for TLS: %w", e, err)
	}
	answer := make([]byte, 1)
	if _, err := io.ReadFull(conn, answer); err != nil {
		return 0, fmt.Errorf("asking %s for TLS: %w", e, err)
	}
	return answer[0], nil
}

// GoingOn returns a copy whose connections stay open after a timeout in a
// transaction (see neverGoOn). Only who asks what a server does then may want
// that.
func (e *Endpoint) GoingOn() *Endpoint {
	other := *e
	other.goOn = true
	return &other
}
