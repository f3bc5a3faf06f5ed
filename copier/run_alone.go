package copier

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/internal/dial"
)

var (
	othersSQL    = ledgerSQL("others")
	abandonedSQL = ledgerSQL("abandoned")
)

// laterRenewals is how many renewals of a run that began after this one are waited
// for: it sees this one, and gives way.
const laterRenewals = 3

// other is a run that somebody holds.
type other struct {
	run, command, owner, start, until string
	pid                               int64
}

// Alone returns when no other run is at work on the target. One whose owner is gone
// is waited for until its lease runs out by the target's clock, or taken from it at
// once where it can be told that the owner is gone. Where the owner renews it, the
// error is a *LeaseHeldError. Of two runs that begin at the same moment the later
// one gives way.
func (l *Lease) Alone(ctx context.Context) error {
	ticker := time.NewTicker(leaseLook)
	defer ticker.Stop()
	var first other
	renewed := 0
	for {
		o, gone, err := l.other(ctx)
		if err != nil || o == nil {
			return err
		}
		switch {
		case gone:
			if err := l.endLease(ctx, o); err != nil {
				return err
			}
			continue
		case o.run != first.run || o.owner != first.owner:
			first, renewed = *o, 0
		case o.until != first.until:
			first = *o
			if renewed++; o.run < l.p.Run.ID || renewed >= laterRenewals {
				return &LeaseHeldError{Run: o.run + " (" + o.command + ")", Owner: o.owner}
			}
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("waiting for run %s, which %s is working on: %w", o.run, o.owner, context.Cause(ctx))
		}
	}
}

// other is the first other run that is held, and whether its owner is gone.
func (l *Lease) other(ctx context.Context) (found *other, gone bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	err = l.ledger.do(ctx, "asking the ledger whether another run is at work", func(conn *pgx.Conn) error {
		o := &other{}
		err := conn.QueryRow(ctx, othersSQL, l.p.Run.ID).Scan(&o.run, &o.command, &o.owner, &o.pid, &o.start, &o.until)
		if errors.Is(err, pgx.ErrNoRows) {
			found = nil
			return nil
		}
		if err != nil {
			return err
		}
		found = o
		if gone = ownerGone(o.owner); gone || o.start == "" { // it does not tell when its sessions began
			return nil
		}
		var lives bool
		err = conn.QueryRow(ctx, backendLivesSQL, o.pid, o.start).Scan(&lives)
		if dial.SQLState(err) != "" { // not told: then the lease has to run out
			return nil
		}
		gone = err == nil && !lives
		return err
	})
	return found, gone, err
}

// endLease ends the lease of a run whose owner is gone, unless it was renewed since.
func (l *Lease) endLease(ctx context.Context, o *other) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ledger.do(ctx, "ending the lease of a run whose process is gone", func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "UPDATE _pg2db9.run SET lease = NULL WHERE run = $1 AND owner = $2 AND lease::text = $3", o.run, o.owner, o.until)
		return err
	})
}

// Abandoned are the runs of a command that nobody holds any more and that did not
// come to their end, and those of which records were left behind when the run itself
// was taken out of the ledger.
func (l *Lease) Abandoned(ctx context.Context, command string) ([]string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []string
	err := l.ledger.do(ctx, "looking in the ledger for runs that were broken off", func(conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, abandonedSQL, command, l.p.Run.ID)
		if err != nil {
			return err
		}
		out, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	return out, err
}

// ClaimTable gives a table a part in the ledger, by which writers of this run are
// known from those of others: a batch is committed only while the part is there with
// its first epoch (see RepairTable.Part, UpsertParams.Part). It refuses where
// another run is at work on the target, or has not come to the end of the table.
func ClaimTable(ctx context.Context, conn *pgx.Conn, run string, part int64, table catalog.Name) error {
	if err := refuseOthers(ctx, conn, run); err != nil {
		return err
	}
	return claimTable(ctx, conn, run, part, table)
}
