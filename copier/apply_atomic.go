package copier

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/event"
)

// atomicInTime is atomic, begun again where another session holds a lock for too
// long: the locks that it had are given back meanwhile.
func (a *applier) atomicInTime(ctx context.Context) error {
	var lock lockWait
	for {
		a.retries = lock.since.IsZero() || time.Since(lock.since)+a.lockLimit() < a.Patience
		err := a.atomic(ctx)
		var failed *StatementError
		if !a.retries || !errors.As(err, &failed) || !lockRefused(err) {
			return err
		}
		conn, cerr := a.Target.Connect(ctx, a.Settings) // to ask who is in the way
		if cerr != nil {
			return errors.Join(err, cerr)
		}
		again := a.again(ctx, &lock, failed.Statement, conn, err)
		if !again {
			err = a.lockError(ctx, failed.Statement, conn, err)
		}
		_ = conn.Close(context.WithoutCancel(ctx))
		if errors.Is(err, errStopped) {
			a.result = Applied{RolledBack: true}
			a.skip(failed.Statement, stoppedReason)
			return err
		}
		if !again {
			s := failed.Statement
			a.Bus.Emit(event.StatementFailed{ID: s.ID, Phase: s.Phase.String(), Object: s.Object, SQL: s.SQL, Err: err})
			return err
		}
		a.result, a.failed = Applied{}, map[string]bool{}
	}
}

// atomic runs everything in one transaction. A statement whose failure does not
// matter has a savepoint of its own.
func (a *applier) atomic(ctx context.Context) error {
	conn, err := a.Target.Connect(ctx, a.Settings)
	if err != nil {
		a.result.RolledBack = true
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // of no more use
	err = a.boundLocks(ctx, conn)
	var tx pgx.Tx
	if err == nil {
		tx, err = conn.Begin(ctx)
	}
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
