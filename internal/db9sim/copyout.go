package db9sim

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgproto3"
)

// copyOut relays what a COPY TO STDOUT gives, by the same contract as copyIn.
func (s *session) copyOut(_ context.Context, _ *statement, resp *pgproto3.CopyOutResponse) (outcome, error) {
	s.client.Send(resp)
	for sent := 0; ; {
		msg, err := s.receiveServer()
		if err != nil {
			return outcome{}, err
		}
		switch m := msg.(type) {
		case *pgproto3.CopyData:
			s.client.Send(m)
			if sent += len(m.Data); sent > flushBytes {
				sent = 0
				if err := s.client.Flush(); err != nil {
					return outcome{}, fmt.Errorf("sending rows to a client: %w", err)
				}
			}
		case *pgproto3.CopyDone:
			s.client.Send(m)
			return s.answered()
		case *pgproto3.ErrorResponse:
			return outcome{err: cloneError(m)}, nil
		default:
			return outcome{}, fmt.Errorf("a %T in the middle of a COPY TO", m)
		}
	}
}
