package db9sim

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgproto3"
)

// copyIn is called when the backend has answered stmt with resp, of which the
// client knows nothing yet. It returns after the CommandComplete or
// ErrorResponse of the (last) COPY, which the caller sends, with ReadyForQuery
// of a simple query still to be read.
func (s *session) copyIn(_ context.Context, _ *statement, resp *pgproto3.CopyInResponse) (outcome, error) {
	s.client.Send(resp)
	if err := s.client.Flush(); err != nil {
		return outcome{}, fmt.Errorf("asking a client for rows: %w", err)
	}
	for {
		msg, err := s.client.Receive()
		if err != nil {
			return outcome{}, fmt.Errorf("reading rows from a client: %w", err)
		}
		switch m := msg.(type) {
		case *pgproto3.CopyData, *pgproto3.CopyDone, *pgproto3.CopyFail:
			s.server.Send(m)
			if err := s.server.Flush(); err != nil {
				return outcome{}, fmt.Errorf("passing rows on: %w", err)
			}
			if _, more := m.(*pgproto3.CopyData); !more {
				return s.answered()
			}
		case *pgproto3.Flush, *pgproto3.Sync: // PostgreSQL ignores them here
		default:
			return outcome{}, fmt.Errorf("a %T in the middle of a COPY", m)
		}
	}
}
