package copier

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pg2db9/pg2db9/internal/dial/quote"
)

// Batches are fenced off by the epochs of their parts. What takes parts or rows
// away is fenced off by the lease: a process that stood still for longer than it
// lasts must not give up what its successor has loaded since. So each such
// statement is in one transaction with ownership, which fails (23502) where the
// run is another's, and keeps the run's row, and with it the lease, until its end.
// Where TRUNCATE cannot stand in such a transaction, ownership is committed just
// before it: a process that stands still between the two may empty a table that its
// successor, once the lease has run out, has begun to load.
// CASE is evaluated for the row as it is when it is locked; a subselect would not be.

// ownership is that statement; "" where nobody holds the run by a lease.
func (l *ledger) ownership() string {
	if l.owner == "" {
		return ""
	}
	mine := quote.Literal(l.owner)
	return fmt.Sprintf("UPDATE _pg2db9.run SET owner = CASE WHEN owner = %s THEN owner END WHERE run = %s", mine, quote.Literal(l.run))
}

// owning puts ownership before the statements of a transaction.
func (l *ledger) owning(steps ...string) []string {
	if own := l.ownership(); own != "" {
		return append([]string{own}, steps...)
	}
	return steps
}

// judgeOwner turns the failure of ownership into a *TakenOverError.
func (l *ledger) judgeOwner(ctx context.Context, err error) error {
	var pg *pgconn.PgError
	if l.owner == "" || !errors.As(err, &pg) || pg.Code != pgerrcode.NotNullViolation || pg.ColumnName != "owner" && !strings.Contains(pg.Message, `"owner"`) {
		return err
	}
	taken := &TakenOverError{Run: l.run, Owner: "another process"}
	if conn, cerr := l.connected(ctx); cerr == nil {
		_ = conn.QueryRow(ctx, "SELECT owner FROM _pg2db9.run WHERE run = $1", l.run).Scan(&taken.Owner) // its name is not needed
	}
	return taken
}
