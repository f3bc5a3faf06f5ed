package run

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/copier"
	"github.com/pg2db9/pg2db9/copier/runs"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
)

// Cleaned is what Clean has removed.
type Cleaned struct {
	Schema bool     `json:"schema"` // pg2db9_bench
	Ledger bool     `json:"ledger"` // all of it, since it came with the measurement
	Runs   []string `json:"runs"`   // of the ledger
}

// Clean removes what measurements that were killed have left on a target: their
// schema and their runs in the ledger. A schema that no measurement has marked is
// not touched; nor is anything while the one that made it is at work.
func Clean(ctx context.Context, conn *pgx.Conn) (*Cleaned, error) {
	s := &sandbox{conn: conn}
	c := &Cleaned{Runs: []string{}}
	there, err := exists(ctx, conn, Schema)
	if err != nil {
		return nil, err
	}
	if there {
		if err := s.recognize(ctx); err != nil {
			return nil, err
		}
	}
	found, err := runs.Find(ctx, conn, "", copier.LedgerTables())
	if errors.Is(err, runs.ErrNoLedger) {
		found, err = &runs.Remains{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("looking for what the ledger keeps of measurements: %w", err)
	}
	others := slices.ContainsFunc(found.Runs, func(x runs.Run) bool { return x.Command != Command })
	for _, x := range found.Runs {
		if x.Command != Command {
			continue
		}
		if err := s.forget(ctx, x.ID); err != nil {
			return c, err
		}
		c.Runs = append(c.Runs, x.ID)
	}
	if s.ledger && !others && len(found.Tables) > 0 {
		if err := s.forget(ctx, ""); err != nil {
			return c, err
		}
		c.Ledger = true
	}
	if !there {
		return c, nil
	}
	c.Schema = true
	return c, s.drop(ctx)
}

// stillThere is how long the session of a client that was killed may take to end.
const stillThere = 3 * time.Second

// alive says whether the session that made the marker is there, and stays. A
// target that does not tell has none.
func (s *sandbox) alive(ctx context.Context, marks map[string]string) bool {
	late := time.NewTimer(stillThere)
	defer late.Stop()
	tick := time.NewTicker(stillThere / 20)
	defer tick.Stop()
	for {
		var alive bool
		if err := s.conn.QueryRow(ctx, aliveSQL, marks[markPID], marks[markStart]).Scan(&alive); err != nil || !alive {
			return false
		}
		select {
		case <-tick.C:
		case <-late.C:
			return true
		case <-ctx.Done():
			return true
		}
	}
}

// recognize reads the marker: the schema is a measurement's, and nobody is at
// work in it.
func (s *sandbox) recognize(ctx context.Context) error {
	var tables int64
	if err := s.conn.QueryRow(ctx, "SELECT count(*) FROM information_schema.tables WHERE table_schema = $1", Schema).Scan(&tables); err != nil {
		return fmt.Errorf("looking into schema %s on the target: %w", Schema, err)
	}
	marks := map[string]string{}
	rows, err := s.conn.Query(ctx, "SELECT what, value FROM "+quote.Name(Schema, marker))
	if err == nil {
		for rows.Next() {
			var what, value string
			if err = rows.Scan(&what, &value); err == nil {
				marks[what] = value
			}
		}
		err = rows.Err()
	}
	if err != nil {
		if tables == 0 { // killed before it had made its first table
			return nil
		}
		return fmt.Errorf("schema %s on the target is no measurement's, and is not touched: it has no readable table %s (%w)", Schema, marker, err)
	}
	s.ledger = marks[markLedger] == ours
	if s.alive(ctx, marks) {
		return fmt.Errorf("a measurement is at work in schema %s (session %s of the target): nothing was removed; wait for its end, or end it", Schema, marks[markPID])
	}
	return nil
}
