package db9sim

import (
	"context"

	"github.com/jackc/pgx/v5/pgproto3"
)

// call is how a statement is about to run.
type call struct {
	extended bool
	params   [][]byte // of Bind; text or binary
	maxRows  uint32   // of Execute; 0 is all
}

// limitState is what limits count of a session.
type limitState struct{}

// limitsBefore refuses a statement that is too large; it is called before each
// statement is run, also in a failed transaction.
func (s *session) limitsBefore(context.Context, *statement, call) (*refusal, error) { return nil, nil }

// limitsAfter is told how a statement ended. It may turn the end into an error
// of its own by a refusal, which also fails the transaction.
func (s *session) limitsAfter(context.Context, *statement, outcome) (*refusal, error) {
	return nil, nil
}

// row sees each row of a result on its way to the client and may change it. A
// refusal ends the statement with an error in place of the remaining rows.
func (s *session) row(*statement, *pgproto3.RowDescription, *pgproto3.DataRow) *refusal { return nil }
