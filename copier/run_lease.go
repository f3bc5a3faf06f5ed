package copier

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
)

const (
	// leaseFor is how long a run belongs to whoever renewed its lease last, by the
	// target's clock. The statements in ledger/ have it too.
	leaseFor = 15 * time.Second
	// renewEvery leaves room for two renewals that fail.
	renewEvery = 5 * time.Second
	// leaseLook is how often a lease that somebody else holds is looked at.
	leaseLook = 250 * time.Millisecond
)

// LeaseHeldError is a run that another process is working on.
type LeaseHeldError struct{ Run, Owner string }

// Error implements error.
func (e *LeaseHeldError) Error() string {
	return fmt.Sprintf("run %s is being worked on by %s: wait for its end, or stop it there and run the command again", e.Run, e.Owner)
}

// TakenOverError is a run that another process has taken over from this one.
type TakenOverError struct{ Run, Owner string }

// Error implements error.
func (e *TakenOverError) Error() string {
	return fmt.Sprintf("run %s was taken over by %s and goes on there: nothing more is written from here", e.Run, e.Owner)
}

// RunParams is what BeginRun and ResumeRun need.
type RunParams struct {
	Target   *dial.Endpoint
	Settings dial.Settings // as ControlSettings gives them
	Patience time.Duration // how long a target that is away is tried again; 0 is five minutes
	Run      Run
	// Lost is called when another process has taken the run over, once, from a
	// goroutine of the lease's.
	Lost func(error)
}

// Lease is a run that this process works on. It is renewed until it is given
// back. Whatever becomes of it, the epochs of the parts keep a process that has
// lost it from writing rows.
type Lease struct {
	p       RunParams
	owner   string
	release func() // ends the renewals

	mu     sync.Mutex // over the ledger's one connection
	ledger *ledger
	pid    uint32 // of the connection that start belongs to
	start  string
}

func newLease(p RunParams) *Lease {
	l := &Lease{p: p, ledger: newLedger(p.Target, p.Settings, p.Run.ID)}
	if p.Patience > 0 {
		l.ledger.patience = p.Patience
	}
	l.owner = ownerName()
	return l
}

// BeginRun makes the ledger where there is none, records a new run before
// anything else is written, and holds it.
func BeginRun(ctx context.Context, p RunParams) (*Lease, error) {
	l := newLease(p)
	if err := l.ledger.prepare(ctx); err != nil {
		l.ledger.close(ctx)
		return nil, err
	}
	const record = `INSERT INTO _pg2db9.run (run, command, tool, source, profile, schema_hash, plan_hash, options, snapshot, taken,
		kept_snapshot, kept_by, kept_pid, kept_start, state, owner)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) ON CONFLICT DO NOTHING` // again after a lost answer
	r := p.Run
	err := l.ledger.do(ctx, "recording the run in the ledger", func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, record, r.ID, r.Command, r.Tool, r.Source, r.Profile, r.SchemaHash, r.PlanHash, r.Options, r.Snapshot,
			r.Taken.UTC().Format(time.RFC3339Nano), r.Kept.Snapshot, r.Kept.By, r.Kept.PID, r.Kept.Start, StateCreating, l.owner)
		return err
	})
	if err == nil {
		var taken bool
		if taken, err = l.claim(ctx, "", false); err == nil && !taken {
			err = fmt.Errorf("run %s is not in the ledger any more: somebody removed schema _pg2db9 at this moment; run the command again", r.ID)
		}
	}
	if err != nil {
		l.ledger.close(ctx)
		return nil, err
	}
	l.keep(ctx)
	return l, nil
}

// ResumeRun takes the lease of a run that the ledger knows. It waits for one
// whose owner is silent to run out, and takes it at once where its owner's
// backend is gone, or its process, where that is this machine's to tell; where the owner renews it, the error is a *LeaseHeldError.
func ResumeRun(ctx context.Context, p RunParams) (*Lease, error) {
	l := newLease(p)
	if err := l.await(ctx); err != nil {
		l.ledger.close(ctx)
		return nil, err
	}
	l.keep(ctx)
	return l, nil
}

// await waits until the lease is ours, or was renewed by another.
func (l *Lease) await(ctx context.Context) error {
	ticker := time.NewTicker(leaseLook)
	defer ticker.Stop()
	first := ""
	for {
		owner, until, held, gone, err := l.holder(ctx)
		if err != nil {
			return err
		}
		if !held || gone {
			taken, err := l.claim(ctx, owner, gone)
			if err != nil || taken {
				return err
			}
		}
		switch {
		case first == "":
			first = owner + until
		case held && first != owner+until:
			return &LeaseHeldError{l.p.Run.ID, owner}
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("waiting for the lease of run %s, which %s holds: %w", l.p.Run.ID, owner, context.Cause(ctx))
		}
	}
}

// holder reads who holds the lease, and whether that one's backend is gone.
func (l *Lease) holder(ctx context.Context) (owner, until string, held, gone bool, err error) {
	err = l.ledger.do(ctx, "reading the run's lease", func(conn *pgx.Conn) error {
		var pid int64
		var start string
		if err := conn.QueryRow(ctx, leaseHolderSQL, l.p.Run.ID).Scan(&owner, &pid, &start, &until, &held); err != nil {
			if errors.Is(err, pgx.ErrNoRows) {
				return fmt.Errorf("run %s is not in the ledger any more: its schema _pg2db9 was dropped or changed", l.p.Run.ID)
			}
			return err
		}
		if gone = held && ownerGone(owner); gone {
			return nil
		}
		if !held || start == "" { // it does not tell when its sessions began
			return nil
		}
		var lives bool
		err := conn.QueryRow(ctx, backendLivesSQL, pid, start).Scan(&lives)
		if dial.SQLState(err) != "" { // not told: then the lease has to run out
			return nil
		}
		gone = err == nil && !lives
		return err
	})
	return owner, until, held, gone, err
}

// claim takes the lease if it is free, or if the owner seen is gone.
func (l *Lease) claim(ctx context.Context, seen string, gone bool) (taken bool, err error) {
	err = l.ledger.do(ctx, "taking the run's lease", func(conn *pgx.Conn) error {
		if err := l.backend(ctx, conn); err != nil {
			return err
		}
		tag, err := conn.Exec(ctx, claimSQL, l.p.Run.ID, l.owner, int64(l.pid), l.start, gone, seen)
		taken = err == nil && tag.RowsAffected() == 1
		return err
	})
	return taken, err
}

// backend finds out which backend the connection has.
func (l *Lease) backend(ctx context.Context, conn *pgx.Conn) error {
	if l.pid == conn.PgConn().PID() {
		return nil
	}
	l.start = ""
	err := conn.QueryRow(ctx, "SELECT backend_start::text FROM pg_catalog.pg_stat_activity WHERE pid = pg_catalog.pg_backend_pid()").Scan(&l.start)
	switch code := dial.SQLState(err); {
	case errors.Is(err, pgx.ErrNoRows), code == pgerrcode.UndefinedTable, code == pgerrcode.UndefinedColumn, code == pgerrcode.UndefinedFunction, code == pgerrcode.FeatureNotSupported:
		err = nil // it does not tell
	}
	if err == nil {
		l.pid = conn.PgConn().PID()
	}
	return err
}

// keep renews the lease until it is given back or lost.
func (l *Lease) keep(ctx context.Context) {
	l.release = every(ctx, renewEvery, func(ctx context.Context) bool {
		var taken *TakenOverError
		// Any other error is tried again with the next tick: while the target is away
		// nobody else can take the run either.
		err := l.renew(ctx)
		if !errors.As(err, &taken) {
			return false
		}
		if l.p.Lost != nil {
			l.p.Lost(err)
		}
		return true
	})
}

func (l *Lease) renew(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	ctx, cancel := context.WithTimeoutCause(ctx, leaseFor, errors.New("the target did not answer while the run's lease was renewed"))
	defer cancel()
	conn, err := l.ledger.connected(ctx)
	if err != nil {
		return err
	}
	if err := l.backend(ctx, conn); err != nil {
		return err
	}
	tag, err := conn.Exec(ctx, renewSQL, l.p.Run.ID, l.owner, int64(l.pid), l.start)
	if err != nil || tag.RowsAffected() == 1 {
		return err
	}
	return l.takenOver(ctx, conn)
}

func (l *Lease) takenOver(ctx context.Context, conn *pgx.Conn) error {
	var owner string
	if err := conn.QueryRow(ctx, "SELECT owner FROM _pg2db9.run WHERE run = $1", l.p.Run.ID).Scan(&owner); err != nil {
		owner = "somebody who took it out of the ledger"
	}
	return &TakenOverError{l.p.Run.ID, owner}
}

// Owner is the name under which the run is held.
func (l *Lease) Owner() string { return l.owner }

// Check renews the lease at once. The error is a *TakenOverError where the run
// is another's.
func (l *Lease) Check(ctx context.Context) error {
	if l == nil {
		return nil
	}
	return retry(ctx, "renewing the run's lease", l.ledger.patience, func() error { return l.renew(ctx) })
}

// Keep records who keeps the run's snapshot from now on, and the moment that it
// shows. What the target holds may be older: each part says of which moment it is.
func (l *Lease) Keep(ctx context.Context, k Kept, s *Snapshot) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ledger.do(ctx, "recording who keeps the snapshot", func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, `UPDATE _pg2db9.run SET kept_snapshot = $3, kept_by = $4, kept_pid = $5, kept_start = $6, snapshot = $7, taken = $8 WHERE run = $1 AND owner = $2`,
			l.p.Run.ID, l.owner, k.Snapshot, k.By, k.PID, k.Start, s.ID, s.Taken.UTC().Format(time.RFC3339Nano))
		return err
	})
}

// Forget takes the run's record out of the ledger, and the ledger too where it
// knows no other run and nobody has made anything upon it: nothing was written but
// that. All in one transaction, so that a run that begins meanwhile keeps both.
func (l *Lease) Forget(ctx context.Context) error {
	l.release()
	defer l.ledger.close(ctx)
	own := []string{fmt.Sprintf("DELETE FROM _pg2db9.run WHERE run = %s AND owner = %s", quote.Literal(l.p.Run.ID), quote.Literal(l.owner))}
	if err := l.ledger.do(ctx, "taking the run's record back", func(conn *pgx.Conn) error {
		var others bool
		err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM _pg2db9.run WHERE run <> $1)", l.p.Run.ID).Scan(&others)
		if noLedger(err) { // done, and the answer lost
			return nil
		}
		if err != nil {
			return err
		}
		all := append([]string{"LOCK TABLE _pg2db9.run IN ACCESS EXCLUSIVE MODE"}, own...)
		for _, t := range LedgerTables() {
			all = append(all, "DROP TABLE IF EXISTS _pg2db9."+quote.Ident(t))
		}
		all = append(all, "DROP SCHEMA _pg2db9")
		if !others && l.ledger.transaction(ctx, conn, all) == nil {
			return nil
		}
		if conn, err = l.ledger.connected(ctx); err != nil { // a failed transaction has closed it
			return err
		}
		_, err = conn.Exec(ctx, own[0])
		return err
	}); err != nil {
		return err
	}
	return nil
}

// End gives the run back, in the state given; "" leaves the state as it is. It
// takes no longer than ten seconds: a lease that is not given back runs out. The
// error is a *TakenOverError where the run is another's by now.
func (l *Lease) End(ctx context.Context, state string) error {
	if l == nil {
		return nil
	}
	l.release()
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), 10*time.Second, errors.New("the target did not answer"))
	defer cancel()
	defer l.ledger.close(ctx)
	return l.ledger.do(ctx, "giving the run's lease back", func(conn *pgx.Conn) error {
		tag, err := conn.Exec(ctx, `UPDATE _pg2db9.run SET lease = NULL, state = CASE WHEN $3 = '' THEN state ELSE $3 END, changed = now()
			WHERE run = $1 AND owner = $2`, l.p.Run.ID, l.owner, state)
		if err != nil || tag.RowsAffected() == 1 {
			return err
		}
		return l.takenOver(ctx, conn)
	})
}

// FenceOthers raises the epochs of other runs' parts of these tables: from then on
// none of their writers can commit a batch to them.
func (l *Lease) FenceOthers(ctx context.Context, tables []catalog.Name) error {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	const many = 200
	for len(tables) > 0 {
		some := tables[:min(len(tables), many)]
		tables = tables[len(some):]
		names := make([]string, len(some))
		for i, t := range some {
			names[i] = fmt.Sprintf("(target_schema = %s AND target_name = %s)", quote.Literal(t.Schema), quote.Literal(t.Name))
		}
		sql := fmt.Sprintf("UPDATE _pg2db9.part SET epoch = epoch + 1, token = '' WHERE run <> %s AND (%s)", quote.Literal(l.p.Run.ID), strings.Join(names, " OR "))
		if err := l.ledger.do(ctx, "fencing off other runs' writers", func(conn *pgx.Conn) error {
			wait := fmt.Sprintf("SET lock_timeout = %d", lockTimeout.Milliseconds())
			for _, step := range []string{wait, sql, "SET lock_timeout = 0"} {
				if _, err := conn.Exec(ctx, step); err != nil {
					_ = conn.Close(ctx) // with its setting
					return err
				}
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}
