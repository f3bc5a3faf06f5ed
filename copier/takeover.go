package copier

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/internal/dial"
)

const (
	// survivorWait is how long a part waits for a session that outlived its
	// client before that session is ended.
	survivorWait = 120 * time.Second
	// endedWait is how long an ended session may take to go.
	endedWait = 30 * time.Second
)

// errStillHeld is a session that was told to end and did not.
var errStillHeld = fmt.Errorf("a session of this run was told to end, but still held the part's row %s later", endedWait)

// takeover fences off every writer of the part before, and returns the claim
// for the next one and what is committed. Only after the epoch is raised, by a
// committed statement, is the ledger believed: a session that outlived its
// client can commit seconds after its connection broke, and this waits for it.
// It fails with errLostOwnership when somebody else has raised the epoch.
func (l *ledger) takeover(ctx context.Context, old claim) (claim, []span, error) {
	next := old
	owner := newToken() // one for all tries: a raise whose answer was lost is known as ours
	err := l.do(ctx, fmt.Sprintf("taking over part %d", old.part), func(conn *pgx.Conn) error {
		epoch, err := l.raise(ctx, conn, old, owner)
		next.epoch = epoch
		return err
	})
	if err != nil {
		return next, nil, err
	}
	spans, err := l.spans(ctx, old.part)
	return next, spans, err
}

// disown takes a part over and removes its batches from the ledger.
func (l *ledger) disown(ctx context.Context, old claim) error {
	next, _, err := l.takeover(ctx, old)
	if err != nil {
		return err
	}
	return l.do(ctx, fmt.Sprintf("taking the batches of part %d out of the ledger", old.part), func(conn *pgx.Conn) error {
		for _, table := range []string{"reject", "span"} { // without its span no reject stands for a row
			if _, err := conn.Exec(ctx, "DELETE FROM _pg2db9."+table+" WHERE run = $1 AND part = $2", next.run, next.part); err != nil {
				return err
			}
		}
		return nil
	})
}

// raise raises the epoch, waiting for a surviving session for at most l.wait,
// then ends it if it is one of this run's own. The wait ends in any case.
func (l *ledger) raise(ctx context.Context, conn *pgx.Conn, old claim, owner string) (int64, error) {
	var epoch int64
	err := l.watched(ctx, conn, func(ctx context.Context) error {
		return conn.QueryRow(ctx, old.bind(takeoverSQL, owner, span{})).Scan(&epoch)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, l.whyNotOwned(ctx, conn, old)
	}
	return epoch, err
}

// watched runs a statement on conn that may wait for surviving sessions of this
// run's, and ends those when it waits for too long.
func (l *ledger) watched(ctx context.Context, conn *pgx.Conn, statement func(context.Context) error) error {
	waitCtx, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	pid := conn.PgConn().PID()
	waited := make(chan struct{})
	watch := make(chan error, 1)
	go func() {
		why := l.watchWait(waitCtx, pid, waited)
		if why != nil {
			giveUp(why)
		}
		watch <- why
	}()
	err := statement(waitCtx)
	close(waited)
	if why := <-watch; err != nil && why != nil {
		return why // the statement's own error only says that it was ended
	}
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// watchWait returns when the wait for the part's row is over, with the reason to
// give it up where it lasts too long.
func (l *ledger) watchWait(ctx context.Context, pid uint32, waited <-chan struct{}) error {
	timer := time.NewTimer(l.wait)
	defer timer.Stop()
	select {
	case <-waited:
		return nil
	case <-ctx.Done():
		return nil
	case <-timer.C:
	}
	if err := l.endSurvivors(ctx, pid); err != nil {
		return err
	}
	timer.Reset(endedWait)
	select {
	case <-timer.C:
		return errStillHeld
	case <-waited:
	case <-ctx.Done():
	}
	return nil
}

// whyNotOwned tells a part with another owner from one that is gone.
func (l *ledger) whyNotOwned(ctx context.Context, conn *pgx.Conn, c claim) error {
	var n int
	if err := conn.QueryRow(ctx, "SELECT count(*) FROM _pg2db9.part WHERE run = $1 AND part = $2", c.run, c.part).Scan(&n); err != nil {
		return err
	}
	if n == 0 {
		return fmt.Errorf("part %d of run %s is not in the ledger: its schema _pg2db9 was dropped or changed", c.part, c.run)
	}
	return errLostOwnership
}

// endSurvivors ends the sessions of this run that the backend waits for, by
// the pid and start that they recorded when they connected.
func (l *ledger) endSurvivors(ctx context.Context, waiting uint32) error {
	conn, err := l.target.Connect(ctx, l.settings)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // of no more use
	rows, err := conn.Query(ctx, blockersSQL, l.run, int64(waiting))
	if err != nil {
		return err
	}
	type session struct {
		pid   int64
		start string
	}
	found, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (s session, err error) { return s, r.Scan(&s.pid, &s.start) })
	switch dial.SQLState(err) {
	case pgerrcode.UndefinedTable, pgerrcode.UndefinedColumn, pgerrcode.UndefinedFunction, pgerrcode.FeatureNotSupported:
		return fmt.Errorf("a session, perhaps one of this run's that outlived its connection, holds the part's row in _pg2db9.part for more than %s, and the target does not tell which: it ends by itself with the target's idle timeout; run the command again then: %w", l.wait, err)
	}
	if err != nil {
		return err
	}
	if len(found) == 0 {
		// Given up by the server too: a statement that is only abandoned would
		// still raise the epoch when the row is free.
		if _, err := conn.Exec(ctx, "SELECT pg_catalog.pg_cancel_backend($1)", int64(waiting)); err != nil {
			return fmt.Errorf("giving up the wait for the part's row: %w", err)
		}
		return fmt.Errorf("another session, none of this run's, holds the part's row in _pg2db9.part for more than %s: end it (pg_locks names it)", l.wait)
	}
	for _, s := range found {
		if _, err := conn.Exec(ctx, "SELECT pg_catalog.pg_terminate_backend($1)", s.pid); err != nil {
			return fmt.Errorf("a session of this run (pid %d, since %s) holds the part and could not be ended: %w", s.pid, s.start, err)
		}
	}
	return nil
}
