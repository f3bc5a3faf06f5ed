package db9sim

import (
	"context"

	"github.com/jackc/pgx/v5/pgproto3"
)

// opened is called once a session's backend connection is there, before the
// client learns of it.
func (s *session) opened(context.Context) error { return nil }

// receive reads the next message of the client, outside of a COPY. Where it
// comes too late it gives an error, after the client was told.
func (s *session) receive(context.Context) (pgproto3.FrontendMessage, error) {
	return s.client.Receive()
}
