package copier

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/internal/dial/quote"
)

// The states of a step in the ledger.
const (
	StepBegun  = "begun" // sent, and its outcome not recorded
	StepDone   = "done"
	StepFailed = "failed"
)

// Step is one thing that is done after the rows: a key, an index, a foreign key.
type Step struct {
	ID    string
	State string
	Error string // of one that failed
}

// Steps reads what became of the run's steps, by their IDs.
func (l *Lease) Steps(ctx context.Context) (map[string]string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := map[string]string{}
	err := l.ledger.do(ctx, "reading the run's steps", func(conn *pgx.Conn) error {
		clear(out)
		rows, err := conn.Query(ctx, "SELECT step, state FROM _pg2db9.step WHERE run = $1", l.p.Run.ID)
		if err != nil {
			return err
		}
		var id, state string
		_, err = pgx.ForEachRow(rows, []any{&id, &state}, func() error {
			out[id] = state
			return nil
		})
		return err
	})
	return out, err
}

// Record writes what became of steps, many in one statement.
func (l *Lease) Record(ctx context.Context, steps []Step) error {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	const many = 500
	for len(steps) > 0 {
		some := steps[:min(len(steps), many)]
		steps = steps[len(some):]
		rows := make([]string, len(some))
		for i, s := range some {
			rows[i] = fmt.Sprintf("(%s, now())", literals(l.p.Run.ID, s.ID, s.State, s.Error))
		}
		sql := "INSERT INTO _pg2db9.step (run, step, state, error, changed) VALUES " + strings.Join(rows, ", ") +
			" ON CONFLICT (run, step) DO UPDATE SET state = excluded.state, error = excluded.error, changed = excluded.changed"
		err := l.ledger.do(ctx, "recording steps of run "+quote.Literal(l.p.Run.ID), func(conn *pgx.Conn) error {
			_, err := conn.Exec(ctx, sql)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
