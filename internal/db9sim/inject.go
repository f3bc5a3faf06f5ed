package db9sim

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
	pg "github.com/pganalyze/pg_query_go/v6"
)

// errInjected ends a session whose connection a fault has ended.
var errInjected = errors.New("a fault was injected")

const (
	// holeTime is how long DB9 keeps a transaction whose client is in a black
	// hole: its idle timeout.
	holeTime = 60 * time.Second
	// muteTime is how long a client that hears nothing has for its COMMIT to
	// arrive.
	muteTime = 2 * time.Second
)

// fault asks for a fault at a point and lets it happen: an SQLSTATE is returned
// as a refusal, and a connection that ends, by an SQLSTATE too, gives an error,
// with which the session ends without another word to its client.
func (s *session) fault(ctx context.Context, p point, detail string) (*refusal, error) {
	f, ok := s.sim.faults.at(&s.faults, p, detail)
	if !ok {
		return nil, nil
	}
	s.sim.log.InfoContext(ctx, "a fault is injected", "action", f.action, "point", string(p), "detail", detail, "connection", s.faults.number)
	return s.inject(ctx, p, f)
}

func (s *session) inject(ctx context.Context, p point, f fault) (*refusal, error) {
	switch f.action {
	case actReset:
		s.start.wire.Reset()
		return nil, fmt.Errorf("%w: reset at %s", errInjected, p)
	case actBlackHole:
		s.start.wire.BlackHole()
		s.wait(ctx, time.Duration(float64(holeTime)*s.sim.cfg.TimeScale))
		return nil, fmt.Errorf("%w: a black hole at %s", errInjected, p)
	case actStall:
		s.start.wire.Stall(f.delay)
		return nil, nil
	case actLost, actLate, actRollback:
		s.faults.commit = &f
		if p != atBeforeCommit {
			return nil, s.mute()
		}
		return nil, nil
	}
	r := f.refusal(p)
	if r.fatal {
		return nil, s.goodbye(r)
	}
	return r, nil
}

// wait lets time pass while the connection's transaction stays open.
func (s *session) wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// mute keeps answers from the client, and gives what it has sent already a
// while to arrive.
func (s *session) mute() error {
	s.start.wire.Mute()
	if err := s.conn.SetReadDeadline(time.Now().Add(muteTime)); err != nil {
		return fmt.Errorf("bounding the wait for a COMMIT: %w", err)
	}
	return nil
}

// commits says that a statement is a COMMIT, or END.
func (s *statement) commits() bool {
	t := s.tx()
	return t != nil && t.GetKind() == pg.TransactionStmtKind_TRANS_STMT_COMMIT
}

// commit runs a COMMIT, or END, with what may go wrong before, in and after it.
func (s *session) commit(ctx context.Context, stmt *statement) (outcome, error) {
	return s.committing(ctx, func() (outcome, error) { return s.forward(ctx, stmt) })
}

// committing is commit for either protocol: commit has the backend do it.
func (s *session) committing(ctx context.Context, commit func() (outcome, error)) (outcome, error) {
	if s.status != inTx {
		return commit() // there is nothing that could be lost
	}
	r, err := s.fault(ctx, atBeforeCommit, "")
	if err != nil {
		return outcome{}, err
	}
	if r != nil { // as for any COMMIT that cannot be done, the transaction is over
		return outcome{err: r.response()}, s.aside(ctx, "ROLLBACK")
	}
	f := s.faults.commit
	s.faults.commit = nil
	switch {
	case f == nil:
	case f.action == actRollback:
		return outcome{tag: "ROLLBACK"}, s.aside(ctx, "ROLLBACK")
	case f.action == actLate:
		s.start.wire.Reset()
		// The server has the COMMIT: it is not the client that it waits for.
		if err := s.aside(ctx, "SET LOCAL idle_in_transaction_session_timeout = 0"); err != nil {
			return outcome{}, err
		}
		s.wait(ctx, f.delay)
	}
	out, err := commit()
	if err != nil {
		return out, err
	}
	if f != nil { // commit-lost and commit-late
		s.start.wire.Reset()
		return out, fmt.Errorf("%w: %s", errInjected, f.action)
	}
	if out.err != nil {
		return out, nil
	}
	if r, err = s.fault(ctx, atAfterCommit, ""); r != nil {
		out.err = r.response() // an error, and yet it is committed
	}
	return out, err
}

// aside runs a statement of the stand-in's own that gives no rows, amid
// extended messages too.
func (s *session) aside(ctx context.Context, sql string) error {
	if s.ext.synced {
		_, err := s.exec(ctx, sql)
		return err
	}
	const name = "_db9sim_aside"
	for _, m := range []pgproto3.FrontendMessage{
		&pgproto3.Parse{Name: name, Query: sql},
		&pgproto3.Bind{DestinationPortal: name, PreparedStatement: name},
		&pgproto3.Execute{Portal: name},
		&pgproto3.Close{ObjectType: 'S', Name: name},
	} {
		if err := s.sendServer(m); err != nil {
			return err
		}
		msg, err := s.receiveServer()
		if err != nil {
			return err
		}
		if e, ok := msg.(*pgproto3.ErrorResponse); ok {
			return fmt.Errorf("running %s: %w", sql, pgconn.ErrorResponseToPgError(e))
		}
	}
	return nil
}
