package db9sim

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgproto3"
)

// beforeCopyOut asks for the types of the columns that a COPY TO prints: when
// the first row is there, the backend's connection is busy with them.
func (s *session) beforeCopyOut(ctx context.Context, stmt *statement) error {
	c := stmt.copy()
	s.limits.lines = nil
	if c == nil || c.GetIsFrom() || c.GetRelation() == nil || !s.ext.synced {
		return nil
	}
	if format, ok := newCopyFormat(c, s.sim.catalogs.copies); !ok || !format.plain() || format.header {
		return nil
	}
	target, err := s.copyTarget(ctx, c)
	if err != nil {
		return err
	}
	s.limits.lines = s.newLinePrinter(target.columns)
	return nil
}

// copyOut relays what a COPY TO STDOUT gives, its values as DB9 prints them, by
// the same contract as copyIn.
func (s *session) copyOut(_ context.Context, _ *statement, resp *pgproto3.CopyOutResponse) (outcome, error) {
	s.client.Send(resp)
	for sent := 0; ; {
		msg, err := s.receiveServer()
		if err != nil {
			return outcome{}, err
		}
		switch m := msg.(type) {
		case *pgproto3.CopyData:
			if s.limits.lines != nil {
				m.Data = s.limits.lines.line(m.Data)
			}
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
