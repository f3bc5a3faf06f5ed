package runs

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/internal/dial"
)

// Remains is what pg2db9 has left on a target beside what it was asked to make:
// the ledger, or one run's share of it, and what broken runs did not finish.
type Remains struct {
	Run     string   `json:"run,omitempty"` // "": the whole ledger
	Tables  []string `json:"tables"`        // of the ledger that are there
	Runs    []Run    `json:"runs"`
	Indexes []Index  `json:"indexes"`
	Foreign []string `json:"foreign"` // tables in the ledger's schema that are none of its own
	Probe   bool     `json:"probe"`   // the probes' schema: left by one that was ended, or in use
}

// Index is an index that a run has begun and not finished.
type Index struct {
	Run   string       `json:"run"`
	Table catalog.Name `json:"table"`
	Name  string       `json:"name"`
}

// ProbeSchema is where the probes make what they need.
const ProbeSchema = Schema + "_probe"

// Find looks for what a removal would take away. ErrNoLedger where nothing is
// there. tables are the names that the ledger's tables have.
func Find(ctx context.Context, conn *pgx.Conn, run string, tables []string) (*Remains, error) {
	l, err := Read(ctx, conn, run)
	if dial.SQLState(err) == pgerrcode.UndefinedTable { // half removed before
		l, err = &Ledger{Runs: []Run{}}, nil
	}
	if err != nil {
		return nil, err
	}
	r := &Remains{Run: run, Runs: l.Runs, Tables: []string{}, Indexes: []Index{}, Foreign: []string{}}
	const there = "SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema IN ('" + Schema + "', '" + ProbeSchema + "') ORDER BY 1, 2"
	err = each(ctx, conn, there, func(rows pgx.Rows) error {
		var schema, name string
		if err := rows.Scan(&schema, &name); err != nil {
			return err
		}
		switch {
		case schema == ProbeSchema:
			r.Probe = true
		case slices.Contains(tables, name):
			r.Tables = append(r.Tables, name)
		default:
			r.Foreign = append(r.Foreign, name)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("looking for the ledger's tables on the target: %w", err)
	}
	return r, r.findIndexes(ctx, conn)
}

// findIndexes looks for half-built indexes that a recorded step was to make: any
// other is not ours to drop. DB9 does not tell, and has none.
func (r *Remains) findIndexes(ctx context.Context, conn *pgx.Conn) error {
	var invalid []Index
	err := each(ctx, conn, query("half_built"), func(rows pgx.Rows) error {
		var x Index
		if err := rows.Scan(&x.Table.Schema, &x.Table.Name, &x.Name); err != nil {
			return err
		}
		invalid = append(invalid, x)
		return nil
	}, r.Run)
	if foreign(err) || err == nil && len(invalid) == 0 {
		return nil
	}
	if err == nil {
		err = each(ctx, conn, query("unfinished_steps"), func(rows pgx.Rows) error {
			var run, step string
			if err := rows.Scan(&run, &step); err != nil {
				return err
			}
			for _, x := range invalid {
				if strings.HasSuffix(step, "/"+x.Table.String()+"/"+x.Name) && !slices.ContainsFunc(r.Indexes, func(o Index) bool { return o.Table == x.Table && o.Name == x.Name }) {
					x.Run = run
					r.Indexes = append(r.Indexes, x)
				}
			}
			return nil
		}, r.Run)
	}
	if err != nil {
		return fmt.Errorf("looking for half-built indexes on the target: %w", err)
	}
	return nil
}

// Alive is a run that somebody works on; nil where there is none.
func (r *Remains) Alive() *Run {
	i := slices.IndexFunc(r.Runs, func(r Run) bool { return r.Owner.Alive })
	if i < 0 {
		return nil
	}
	return &r.Runs[i]
}
