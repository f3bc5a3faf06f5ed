// Package preflight looks at source and target before anything is written, and
// says what would go wrong later.
package preflight

import (
	"context"
	"embed"
	"fmt"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/internal/dial"
)

// Querier is the part of a connection that checks use.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// Check looks at one thing. Findings say what is wrong and what to do about
// it; an error says that the check could not be made, which is no pass.
type Check struct {
	Name string
	Run  func(ctx context.Context) ([]finding.Finding, error)
}

// Run makes the checks one after the other; an error ends them. A target that
// is no PostgreSQL may lack a catalog function or view that a check asks for:
// with lenient that is a finding.
func Run(ctx context.Context, checks []Check, lenient bool) ([]finding.Finding, error) {
	var out []finding.Finding
	for _, c := range checks {
		found, err := c.Run(ctx)
		if err != nil {
			if !lenient || !notTold(err) {
				return out, fmt.Errorf("preflight check %q could not be made: %w", c.Name, err)
			}
			out = append(out, finding.Finding{
				Code: CheckNotRun, Severity: finding.Info,
				Object:  finding.Object{Kind: "check", Name: c.Name},
				Message: fmt.Sprintf("the server does not know what this check asks for (%v): what it would have found comes up during the run, if at all", err),
			})
			continue
		}
		out = append(out, found...)
	}
	finding.Sort(out)
	return out, nil
}

// unknownThere reports errors that say that the server lacks a function,
// relation, column or feature of the query.
func unknownThere(err error) bool {
	switch dial.SQLState(err) {
	case pgerrcode.UndefinedFunction, pgerrcode.UndefinedTable, pgerrcode.UndefinedColumn,
		pgerrcode.UndefinedObject, pgerrcode.FeatureNotSupported, pgerrcode.InvalidSchemaName:
		return true
	}
	return false
}

// notTold is unknownThere for a target that may be no PostgreSQL: its OIDs,
// wider than 32 bits, may not pass its own functions either.
func notTold(err error) bool {
	switch dial.SQLState(err) {
	case pgerrcode.NumericValueOutOfRange, pgerrcode.InvalidTextRepresentation, pgerrcode.SyntaxError:
		return true
	}
	return unknownThere(err)
}

//go:embed queries/*.sql
var queries embed.FS

func text(name string) string {
	b, err := queries.ReadFile("queries/" + name + ".sql")
	if err != nil {
		panic("preflight: no query " + name) // a mistake in this package
	}
	return string(b)
}

// simple lets a query travel by the simple protocol, whose results are text: a
// target's binary forms, and the OIDs of its types, need not be PostgreSQL's.
func simple(args []any) []any { return append([]any{pgx.QueryExecModeSimpleProtocol}, args...) }

// rows runs a query of this package and reads all its rows.
func rows[T any](ctx context.Context, q Querier, name string, args ...any) ([]T, error) {
	r, err := q.Query(ctx, text(name), simple(args)...)
	if err != nil {
		return nil, fmt.Errorf("query %s: %w", name, err)
	}
	out, err := pgx.CollectRows(r, pgx.RowToStructByName[T])
	if err != nil {
		return nil, fmt.Errorf("query %s: %w", name, err)
	}
	return out, nil
}

// one runs a query of this package that gives one value.
func one[T any](ctx context.Context, q Querier, name string, args ...any) (T, error) {
	var none T
	r, err := q.Query(ctx, text(name), simple(args)...)
	if err != nil {
		return none, fmt.Errorf("query %s: %w", name, err)
	}
	v, err := pgx.CollectExactlyOneRow(r, pgx.RowTo[T])
	if err != nil {
		return none, fmt.Errorf("query %s: %w", name, err)
	}
	return v, nil
}

// list runs a query of this package that gives one column.
func list[T any](ctx context.Context, q Querier, name string, args ...any) ([]T, error) {
	r, err := q.Query(ctx, text(name), simple(args)...)
	if err != nil {
		return nil, fmt.Errorf("query %s: %w", name, err)
	}
	out, err := pgx.CollectRows(r, pgx.RowTo[T])
	if err != nil {
		return nil, fmt.Errorf("query %s: %w", name, err)
	}
	return out, nil
}
