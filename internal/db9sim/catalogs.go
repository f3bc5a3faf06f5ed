package db9sim

import (
	"context"

	"github.com/jackc/pgx/v5/pgconn"
	pg "github.com/pganalyze/pg_query_go/v6"
)

// catalogs are the system catalogs as DB9 has them: fewer relations, fewer
// columns, larger OIDs.
type catalogs struct{}

func newCatalogs(*RuleSet) *catalogs { return &catalogs{} }

// install makes on the backend what rewritten statements refer to.
func (c *catalogs) install(context.Context, *pgconn.PgConn) error { return nil }

// rewrite turns one statement's references to catalogs into those of the
// stand-in, in place, or refuses it. Results are cached by the statement's text.
func (c *catalogs) rewrite(*pg.RawStmt) (changed bool, refuse *refusal) { return false, nil }
