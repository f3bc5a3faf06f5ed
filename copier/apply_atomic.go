package copier

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
)

// atomic runs everything in one transaction. A statement whose failure does not
// matter has a savepoint of its own.
func (a *applier) atomic(ctx context.Context) error {
	conn, err := a.Target.Connect(ctx, a.Settings)
	if err != nil {
		a.result.RolledBack = true
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // of no more use
	tx, err := conn.Begin(ctx)
	if err == nil {
		err = a.inside(ctx, tx)
	}
	if err != nil {
		a.result.RolledBack = true
		return err // closing the connection rolls back
	}
	if err := tx.Commit(ctx); err != nil {
		a.result.Unknown = dial.Classify(err) == dial.Lost || ctx.Err() != nil
		a.result.RolledBack = !a.result.Unknown
		return fmt.Errorf("committing: %w", err)
	}
	return nil
}

// inside runs the statements inside the transaction.
func (a *applier) inside(ctx context.Context, tx pgx.Tx) error {
	for rest := a.Statements; len(rest) > 0; {
		if n := a.plain(rest); n > 1 {
			if err := a.flyInside(ctx, tx, rest[:n]); err != nil {
				return err
			}
			rest = rest[n:]
			continue
		}
		s := rest[0]
		rest = rest[1:]
		if isClosed(a.Stop) {
			return errStopped
		}
		if reason := a.reason(s); reason != "" {
			a.skip(s, reason)
			continue
		}
		err := a.one(ctx, s, func() error {
			if !s.Optional {
				_, err := tx.Exec(ctx, s.SQL)
				return err
			}
			return pgx.BeginFunc(ctx, tx, func(inner pgx.Tx) error { _, err := inner.Exec(ctx, s.SQL); return err })
		})
		if err != nil && (!s.Optional || !dial.Classify(err).Settled()) {
			return err
		}
	}
	return nil
}

// plain is how many statements at the beginning of rest can share a flight
// inside of the transaction: those whose failure is the transaction's.
func (a *applier) plain(rest []ddlgen.Statement) int {
	n := 0
	for n < min(len(rest), a.Window) && !rest[n].Optional && !isClosed(a.Stop) && a.reason(rest[n]) == "" {
		n++
	}
	return n
}
