package assess

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/jackc/pgx/v5"
)

//go:embed queries/facts.sql
var factsSQL string

//go:embed queries/databases.sql
var databasesSQL string

// Facts are what the source shows at this moment.
type Facts struct {
	AdvisoryLocks  int64  `db:"advisory_locks"`
	PredicateLocks int64  `db:"predicate_locks"`
	Isolation      string `db:"isolation"`
}

// Querier is the part of a connection that is used.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// Collect asks the source for its facts.
func Collect(ctx context.Context, q Querier) (*Facts, error) {
	rows, err := q.Query(ctx, factsSQL)
	if err != nil {
		return nil, fmt.Errorf("asking the source for its locks: %w", err)
	}
	f, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Facts])
	if err != nil {
		return nil, fmt.Errorf("asking the source for its locks: %w", err)
	}
	return &f, nil
}

// Listed is a database of the server.
type Listed struct {
	Name   string `db:"name"`
	Reason string `db:"reason"` // why it cannot be connected to; empty: it can
}

// Databases lists the user's databases of the server, by name.
func Databases(ctx context.Context, q Querier) ([]Listed, error) {
	rows, err := q.Query(ctx, databasesSQL)
	if err != nil {
		return nil, fmt.Errorf("listing the source's databases: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByName[Listed])
	if err != nil {
		return nil, fmt.Errorf("listing the source's databases: %w", err)
	}
	return all, nil
}
