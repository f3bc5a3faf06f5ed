package copier

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
)

var (
	raiseAllSQL = ledgerSQL("raise_all")
	partsSQL    = ledgerSQL("parts")
)

// fenceStep is how many parts one statement fences off: targets bound their
// transactions.
const fenceStep = 1000

// fenceAll raises the epochs of all parts of the run, and returns the parts with
// them. It may be repeated: only the holder of the run's lease calls it. The
// parts are read again when all are raised: until then the owner before can have
// cut some of them further.
func (l *ledger) fenceAll(ctx context.Context) ([]recordedPart, error) {
	epochs := map[int64]int64{}
	for {
		var parts []recordedPart
		err := l.do(ctx, "reading the run's parts", func(conn *pgx.Conn) (err error) {
			parts, err = l.recorded(ctx, conn)
			return err
		})
		if err != nil {
			return nil, err
		}
		fenced := true
		for i := range parts {
			epoch, ok := epochs[parts[i].part.ID]
			parts[i].epoch, fenced = epoch, fenced && ok
		}
		if fenced {
			return parts, nil
		}
		if err := l.raiseAll(ctx, parts, epochs); err != nil {
			return nil, err
		}
	}
}

// raiseAll raises the epochs of parts, and notes what they are then.
func (l *ledger) raiseAll(ctx context.Context, parts []recordedPart, epochs map[int64]int64) error {
	for from := 0; from < len(parts); from += fenceStep {
		some := parts[from:min(from+fenceStep, len(parts))]
		err := l.do(ctx, "fencing off whoever wrote before", func(conn *pgx.Conn) error {
			return l.watched(ctx, conn, func(ctx context.Context) error {
				rows, err := conn.Query(ctx, raiseAllSQL, l.run, some[0].part.ID, some[len(some)-1].part.ID)
				if err != nil {
					return err
				}
				var part, epoch int64
				_, err = pgx.ForEachRow(rows, []any{&part, &epoch}, func() error {
					epochs[part] = epoch
					return nil
				})
				return err
			})
		})
		if err != nil {
			return err
		}
	}
	for _, r := range parts {
		if _, ok := epochs[r.part.ID]; !ok {
			return fmt.Errorf("part %d of run %s is not in the ledger any more: its schema _pg2db9 was changed", r.part.ID, l.run)
		}
	}
	return nil
}

// recorded reads the parts as they were planned, or cut further.
func (l *ledger) recorded(ctx context.Context, conn *pgx.Conn) ([]recordedPart, error) {
	rows, err := conn.Query(ctx, partsSQL, l.run)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanPart)
}

// targetStarted is when the target was started when the run began to load; ""
// where that was not asked.
func (l *ledger) targetStarted(ctx context.Context) (started string, err error) {
	err = l.do(ctx, "reading the run", func(conn *pgx.Conn) error {
		return conn.QueryRow(ctx, "SELECT target_started FROM _pg2db9.run WHERE run = $1", l.run).Scan(&started)
	})
	return started, err
}

// unsettled are the tables that were to be emptied and were not, or not to the end.
func (l *ledger) unsettled(ctx context.Context) (map[catalog.Name]bool, error) {
	out := map[catalog.Name]bool{}
	err := l.do(ctx, "reading what was to be emptied", func(conn *pgx.Conn) error {
		clear(out)
		rows, err := conn.Query(ctx, "SELECT target_schema, target_name FROM _pg2db9.emptied WHERE run = $1 AND state <> 'loading'", l.run)
		if err != nil {
			return err
		}
		var n catalog.Name
		_, err = pgx.ForEachRow(rows, []any{&n.Schema, &n.Name}, func() error {
			out[n] = true
			return nil
		})
		return err
	})
	return out, err
}

// again records, in one transaction, that parts are given up, which new ones
// take their place, which tables are emptied for them, that the rows of proved
// parts are those of the new moment too, and that retried ones are no failures.
func (l *ledger) again(ctx context.Context, info runInfo, old, proved, retried []int64, fresh []Part, empty []catalog.Name) error {
	return l.do(ctx, "recording in the ledger what is loaded anew", func(conn *pgx.Conn) error {
		steps := []string{fmt.Sprintf("UPDATE _pg2db9.run SET state = 'loading', snapshot = %s, taken = %s, target_started = %s, changed = now() WHERE run = %s",
			quote.Literal(info.snapshot), quote.Literal(info.taken), quote.Literal(l.started), quote.Literal(l.run))}
		for some := range slices.Chunk(proved, fenceStep) {
			steps = append(steps, fmt.Sprintf("UPDATE _pg2db9.part SET taken = %s WHERE run = %s AND part IN (%s)", quote.Literal(info.taken), quote.Literal(l.run), numbers(some)))
		}
		for some := range slices.Chunk(retried, fenceStep) {
			steps = append(steps, fmt.Sprintf("UPDATE _pg2db9.part SET failed = '' WHERE run = %s AND part IN (%s)", quote.Literal(l.run), numbers(some)))
		}
		for some := range slices.Chunk(old, fenceStep) {
			list := numbers(some)
			for _, table := range []string{"span", "reject", "part"} {
				steps = append(steps, fmt.Sprintf("DELETE FROM _pg2db9.%s WHERE run = %s AND part IN (%s)", table, quote.Literal(l.run), list))
			}
		}
		steps = append(steps, l.newParts(fresh, info.taken)...)
		return l.transaction(ctx, conn, l.owning(append(steps, l.wanted(empty)...)...))
	})
}

// numbers writes parts as a list of SQL.
func numbers(parts []int64) string {
	return strings.Trim(strings.Join(strings.Fields(fmt.Sprint(parts)), ", "), "[]")
}

// newParts are the statements that record parts.
func (l *ledger) newParts(parts []Part, taken string) []string {
	const many = 500
	var steps []string
	for i := 0; i < len(parts); i += many {
		steps = append(steps, l.partRows(parts[i:min(i+many, len(parts))], taken))
	}
	return steps
}

// wanted are the statements that record which tables are to be emptied.
func (l *ledger) wanted(tables []catalog.Name) []string {
	steps := make([]string, len(tables))
	for i, t := range tables {
		steps[i] = fmt.Sprintf(`INSERT INTO _pg2db9.emptied (run, target_schema, target_name, state) VALUES (%s, 'wanted')
			ON CONFLICT (run, target_schema, target_name) DO UPDATE SET state = excluded.state`, literals(l.run, t.Schema, t.Name))
	}
	return steps
}

// transaction runs statements in one transaction, in messages of bounded length.
func (l *ledger) transaction(ctx context.Context, conn *pgx.Conn, steps []string) error {
	var b strings.Builder
	b.WriteString("BEGIN")
	for _, s := range steps {
		b.WriteString(";" + s)
		if b.Len() > maxMessageText {
			word, _, _ := strings.Cut(s, " ")
			if err := simple(ctx, conn, b.String(), word, 'T'); err != nil {
				return err
			}
			b.Reset()
		}
	}
	if b.Len() > 0 {
		b.WriteString(";")
	}
	b.WriteString("COMMIT")
	return simple(ctx, conn, b.String(), "COMMIT", 'I')
}
