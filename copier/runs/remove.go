package runs

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
)

// AliveError is a run that somebody works on, which is not removed.
type AliveError struct{ Run, Owner string }

// Error implements error.
func (e *AliveError) Error() string {
	return fmt.Sprintf("run %s is being worked on by %s: nothing was removed; wait for its end, or stop it there, and run the command again", e.Run, e.Owner)
}

// lockWait is how long a lock is waited for (ms): nobody works on what is removed.
const lockWait = 10_000

// Remove takes away what Find found. Whether somebody works on a run is asked
// once more, in the statement that removes it: from then on nobody can take it,
// and a writer that comes back finds no part of its own.
func (r *Remains) Remove(ctx context.Context, conn *pgx.Conn) error {
	if len(r.Foreign) > 0 {
		return fmt.Errorf("schema %s on the target holds tables that are not the ledger's (%s): move or drop them first", Schema, r.Foreign[0])
	}
	if _, err := conn.Exec(ctx, fmt.Sprintf("SET lock_timeout = %d", lockWait)); err != nil && dial.SQLState(err) == "" {
		return fmt.Errorf("setting up the removal on the target: %w", err)
	}
	tx, err := conn.Begin(ctx)
	if err != nil {
		return removing(err)
	}
	defer tx.Rollback(context.WithoutCancel(ctx)) //nolint:errcheck // nothing to do after COMMIT
	if err := r.fence(ctx, tx); err != nil {
		return err
	}
	for _, sql := range r.drops() {
		if _, err := tx.Exec(ctx, sql); err != nil {
			return removing(err)
		}
	}
	if err := tx.Commit(ctx); err != nil {
		return removing(err)
	}
	if r.Run == "" {
		return nil
	}
	return r.removeRun(ctx, conn)
}

// fence removes the runs' own rows, unless somebody works on one of them.
func (r *Remains) fence(ctx context.Context, tx pgx.Tx) error {
	if !slices.Contains(r.Tables, "run") { // half removed before
		return nil
	}
	const free = "DELETE FROM _pg2db9.run WHERE (run = $1 OR $1 = '') AND (lease IS NULL OR lease <= now())"
	if _, err := tx.Exec(ctx, free, r.Run); err != nil {
		return removing(err)
	}
	var alive AliveError
	err := tx.QueryRow(ctx, "SELECT run, owner FROM _pg2db9.run WHERE run = $1 OR $1 = '' LIMIT 1", r.Run).Scan(&alive.Run, &alive.Owner)
	switch {
	case err == nil:
		return &alive
	case !errors.Is(err, pgx.ErrNoRows):
		return removing(err)
	}
	return nil
}

// drops are the statements that drop half-built indexes and, where all of it
// goes, the ledger: without CASCADE, since what somebody made upon it is not ours.
// The table that says that there is a ledger goes last: a target whose DDL is not
// transactional may stop half-way, and the rest is found again.
func (r *Remains) drops() []string {
	var out []string
	for _, x := range r.Indexes {
		out = append(out, "DROP INDEX IF EXISTS "+quote.Name(x.Table.Schema, x.Name))
	}
	if r.Run != "" {
		return out
	}
	tables := slices.Clone(r.Tables)
	slices.SortStableFunc(tables, func(a, b string) int { return rank(a) - rank(b) })
	for _, t := range tables {
		out = append(out, "DROP TABLE IF EXISTS "+quote.Name(Schema, t))
	}
	return append(out, "DROP SCHEMA IF EXISTS "+quote.Ident(Schema))
}

func rank(table string) int {
	switch table {
	case "run":
		return 1
	case "version":
		return 2
	}
	return 0
}

// mostRows is how many rows one statement removes at most: a target may bound
// its transactions.
const mostRows = 5000

// removeRun removes one run's rows from every table.
func (r *Remains) removeRun(ctx context.Context, conn *pgx.Conn) error {
	for _, table := range r.Tables {
		var err error
		switch name := quote.Name(Schema, table); table {
		case "version", "run", "sync_table", "sync_history", "sync_stage": // what is known of tables outlives runs
			continue
		case "part", "span", "reject": // of which there are many
			err = r.removeByPart(ctx, conn, name)
		default:
			_, err = conn.Exec(ctx, "DELETE FROM "+name+" WHERE run = $1", r.Run)
		}
		if err != nil {
			return fmt.Errorf("removing run %s from %s.%s: %w; what is left of it goes with the whole ledger (clean without --run)", r.Run, Schema, table, err)
		}
	}
	return nil
}

// removeByPart removes rows part by part, several parts at once while they have
// few.
func (r *Remains) removeByPart(ctx context.Context, conn *pgx.Conn, table string) error {
	type stretch struct{ first, last, rows int64 }
	var todo []stretch
	err := each(ctx, conn, "SELECT part, CAST(count(*) AS bigint) FROM "+table+" WHERE run = $1 GROUP BY part ORDER BY part", func(rows pgx.Rows) error {
		var part, n int64
		if err := rows.Scan(&part, &n); err != nil {
			return err
		}
		if k := len(todo); k > 0 && todo[k-1].rows+n <= mostRows {
			todo[k-1].last, todo[k-1].rows = part, todo[k-1].rows+n
		} else {
			todo = append(todo, stretch{part, part, n})
		}
		return nil
	}, r.Run)
	for _, s := range todo {
		if err == nil {
			_, err = conn.Exec(ctx, "DELETE FROM "+table+" WHERE run = $1 AND part BETWEEN $2 AND $3", r.Run, s.first, s.last)
		}
	}
	return err
}

func removing(err error) error {
	switch dial.SQLState(err) {
	case pgerrcode.DependentObjectsStillExist:
		return fmt.Errorf("removing from the ledger (schema %s) on the target: %w; drop what depends on it first, and run the command again", Schema, err)
	case pgerrcode.LockNotAvailable:
		return fmt.Errorf("removing from the ledger (schema %s) on the target: %w; another session holds one of its tables: end it (pg_locks names it), and run the command again", Schema, err)
	}
	return fmt.Errorf("removing from the ledger (schema %s) on the target: %w; run the command again", Schema, err)
}
