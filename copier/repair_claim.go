package copier

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/catalog"
)

// ClaimRepair gives each table that is to be repaired a part in the ledger, by
// which other runs fence this one off, and refuses where another run is at work on
// the target, or has not come to the end of one of the tables. The run is recorded
// and held already, so that of two that begin at once at least one sees the other.
func ClaimRepair(ctx context.Context, conn *pgx.Conn, run string, tables []catalog.Name) error {
	if err := refuseOthers(ctx, conn, run); err != nil {
		return err
	}
	for i, t := range tables {
		if err := claimTable(ctx, conn, run, int64(i+1), t); err != nil {
			return err
		}
	}
	return nil
}

// refuseOthers refuses where another run is at work.
func refuseOthers(ctx context.Context, conn *pgx.Conn, run string) error {
	var other, command, owner string
	err := conn.QueryRow(ctx, "SELECT run, command, owner FROM _pg2db9.run WHERE run <> $1 AND lease > now() ORDER BY started LIMIT 1", run).Scan(&other, &command, &owner)
	switch {
	case err == nil:
		return &LeaseHeldError{Run: other + " (" + command + ")", Owner: owner}
	case !errors.Is(err, pgx.ErrNoRows):
		return fmt.Errorf("asking the ledger whether another run is at work: %w", err)
	}
	return nil
}

func claimTable(ctx context.Context, conn *pgx.Conn, run string, part int64, t catalog.Name) error {
	const unfinished = `SELECT r.run, r.command, r.state IN ('creating', 'loading') OR p.failed <> '' FROM _pg2db9.part p JOIN _pg2db9.run r ON r.run = p.run
		WHERE p.target_schema = $1 AND p.target_name = $2 AND r.run <> $3 ORDER BY r.started DESC, p.failed DESC LIMIT 1`
	const record = `INSERT INTO _pg2db9.part (run, part, target_schema, target_name, relation_schema, relation_name, bytes, taken, epoch, token)
		VALUES ($1, $2, $3, $4, $3, $4, 0, '', 1, '')`
	var other, command string
	var open bool
	err := conn.QueryRow(ctx, unfinished, t.Schema, t.Name, run).Scan(&other, &command, &open)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("asking the ledger whether %s was loaded to its end: %w", t, err)
	}
	if err == nil && open {
		return fmt.Errorf("run %s (%s) has not come to the end of %s: continue it first (--resume), or exclude the table; nothing was repaired", other, command, t)
	}
	if _, err := conn.Exec(ctx, record, run, part, t.Schema, t.Name); err != nil {
		return fmt.Errorf("recording in the ledger that %s is written to: %w", t, err)
	}
	return nil
}

// EndRepair takes what ClaimRepair recorded out of the ledger.
func EndRepair(ctx context.Context, conn *pgx.Conn, run string) error {
	if _, err := conn.Exec(ctx, "DELETE FROM _pg2db9.part WHERE run = $1", run); err != nil {
		return fmt.Errorf("taking the repair's records out of the ledger: %w", err)
	}
	return nil
}
