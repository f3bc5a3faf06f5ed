package copier

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
	"github.com/pg2db9/pg2db9/verify/digest"
)

// ledgerVersion is the version of the ledger's tables that this program writes.
const ledgerVersion = 1

//go:embed ledger/*.sql
var ledgerFiles embed.FS

func ledgerSQL(name string) string {
	b, err := ledgerFiles.ReadFile("ledger/" + name + ".sql")
	if err != nil {
		panic(err) // embedded at build time
	}
	return string(b)
}

var (
	schemaSQL   = ledgerSQL("schema")
	takeoverSQL = stripComments(ledgerSQL("takeover"))
	spansSQL    = ledgerSQL("spans")
	blockersSQL = ledgerSQL("blockers")
)

// batchText is the text of the two statements that stand around a batch's rows.
// Tests take clauses out of it, to see that each of them is needed.
type batchText struct{ token, span string }

var ledgerText = &batchText{
	token: stripComments(ledgerSQL("token")),
	span:  stripComments(ledgerSQL("span")),
}

// stripComments takes the comment lines out of a statement that is sent with
// every batch.
func stripComments(sql string) string {
	var b strings.Builder
	for line := range strings.Lines(sql) {
		if !strings.HasPrefix(strings.TrimSpace(line), "--") {
			b.WriteString(line)
		}
	}
	return strings.TrimSpace(b.String())
}

// span is a batch as the ledger records it: rows [first, last) of a part.
type span struct {
	part        int64
	first, last int64
	bytes       int64
	sum         digest.Sum
	final       bool
}

// claim is what a writer needs to know of a part to write its next batch.
type claim struct {
	run   string
	part  int64
	epoch int64
}

// bind fills the named places of a ledger statement. COPY needs the simple
// protocol, so the statements around it are text too.
func (c claim) bind(sql, token string, s span) string {
	return strings.NewReplacer(
		":run", quote.Literal(c.run),
		":part", strconv.FormatInt(c.part, 10),
		":epoch", strconv.FormatInt(c.epoch, 10),
		":token", quote.Literal(token),
		":first", strconv.FormatInt(s.first, 10),
		":last", strconv.FormatInt(s.last, 10),
		":bytes", strconv.FormatInt(s.bytes, 10),
		":digest", quote.Literal(s.sum.Hex()),
		":final", strconv.FormatBool(s.final),
	).Replace(sql)
}

// ledger is the control connection to the ledger on the target. Its own
// statements commit durably. It must not be used by two goroutines at once.
type ledger struct {
	target   *dial.Endpoint
	settings dial.Settings
	run      string
	conn     *pgx.Conn
	wait     time.Duration // how long a takeover waits for a surviving session
}

// survivorWait is how long a part waits for a session that outlived its client
// before that session is ended.
const survivorWait = 120 * time.Second

func newLedger(target *dial.Endpoint, settings dial.Settings, run string) *ledger {
	return &ledger{target: target, settings: settings, run: run, wait: survivorWait}
}

// do runs f with a living connection, connecting anew when the one it had broke.
// f must be safe to repeat.
func (l *ledger) do(ctx context.Context, what string, f func(*pgx.Conn) error) error {
	err := retry(ctx, what, func() error {
		if l.conn == nil || l.conn.IsClosed() {
			conn, err := l.target.Connect(ctx, l.settings)
			if err != nil {
				return err
			}
			l.conn = conn
		}
		return f(l.conn)
	})
	if err != nil {
		return fmt.Errorf("%s on the target: %w", what, err)
	}
	return nil
}

func (l *ledger) close(ctx context.Context) {
	if l.conn != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		_ = l.conn.Close(ctx)
	}
}

// prepare creates the ledger's tables, or refuses those of a newer program.
func (l *ledger) prepare(ctx context.Context) error {
	return l.do(ctx, "preparing the ledger (schema _pg2db9)", func(conn *pgx.Conn) error {
		if _, err := conn.PgConn().Exec(ctx, schemaSQL).ReadAll(); err != nil {
			return err
		}
		sql := fmt.Sprintf("INSERT INTO _pg2db9.version (version) SELECT %d WHERE NOT EXISTS (SELECT 1 FROM _pg2db9.version)", ledgerVersion)
		if _, err := conn.Exec(ctx, sql); err != nil && dial.SQLState(err) != pgerrcode.UniqueViolation {
			return err
		}
		var found int
		if err := conn.QueryRow(ctx, "SELECT max(version) FROM _pg2db9.version").Scan(&found); err != nil {
			return err
		}
		if found != ledgerVersion {
			return fmt.Errorf("the ledger has version %d, this program writes version %d: use the pg2db9 that wrote it, or drop schema _pg2db9 if its runs are of no more use", found, ledgerVersion)
		}
		return nil
	})
}

// runInfo is what the ledger keeps of a run.
type runInfo struct {
	tool, source, profile, schemaHash, snapshot, taken string
}

// begin records the run and its parts, in one transaction.
func (l *ledger) begin(ctx context.Context, info runInfo, parts []Part) error {
	return l.do(ctx, "recording the run in the ledger", func(conn *pgx.Conn) error {
		return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, `INSERT INTO _pg2db9.run (run, tool, source, profile, schema_hash, snapshot, taken, state)
				VALUES ($1, $2, $3, $4, $5, $6, $7, 'loading')`,
				l.run, info.tool, info.source, info.profile, info.schemaHash, info.snapshot, info.taken); err != nil {
				return err
			}
			const many = 500
			for i := 0; i < len(parts); i += many {
				if _, err := tx.Exec(ctx, l.partRows(parts[i:min(i+many, len(parts))])); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

func (l *ledger) partRows(parts []Part) string {
	var b strings.Builder
	b.WriteString("INSERT INTO _pg2db9.part (run, part, target_schema, target_name, relation_schema, relation_name, first_block, end_block, epoch, token) VALUES ")
	for i, p := range parts {
		if i > 0 {
			b.WriteString(", ")
		}
		first, end := "NULL", "NULL"
		if p.Blocks {
			first = strconv.FormatInt(p.First, 10)
			if p.End > 0 {
				end = strconv.FormatInt(p.End, 10)
			}
		}
		fmt.Fprintf(&b, "(%s, %d, %s, %s, %s, %s, %s, %s, %d, '')", quote.Literal(l.run), p.ID,
			quote.Literal(p.Target.Schema), quote.Literal(p.Target.Name),
			quote.Literal(p.Relation.Schema), quote.Literal(p.Relation.Name), first, end, firstEpoch)
	}
	return b.String()
}

// firstEpoch is the epoch of a part that its own run has just recorded.
const firstEpoch = 1

// empty empties a table that is to be loaded anew, and records before and after
// that it did: a run that dies between the two is known to have left it empty
// or half emptied, never mistaken for one that still holds its old rows.
func (l *ledger) empty(ctx context.Context, table catalog.Name) error {
	const record = `INSERT INTO _pg2db9.emptied (run, target_schema, target_name, state) VALUES ($1, $2, $3, $4)
		ON CONFLICT (run, target_schema, target_name) DO UPDATE SET state = excluded.state`
	return l.do(ctx, "emptying "+table.String(), func(conn *pgx.Conn) error {
		if _, err := conn.Exec(ctx, record, l.run, table.Schema, table.Name, "emptying"); err != nil {
			return err
		}
		if _, err := conn.Exec(ctx, "TRUNCATE TABLE "+quote.Name(table.Schema, table.Name)); err != nil {
			return err
		}
		_, err := conn.Exec(ctx, record, l.run, table.Schema, table.Name, "loading")
		return err
	})
}

// takeover fences off every writer of the part before, and returns the claim
// for the next one and what is committed. Only after the epoch is raised, by a
// committed statement, is the ledger believed: a session that outlived its
// client can commit seconds after its connection broke, and this waits for it.
func (l *ledger) takeover(ctx context.Context, part int64) (claim, []span, error) {
	c := claim{run: l.run, part: part}
	err := l.do(ctx, fmt.Sprintf("taking over part %d", part), func(conn *pgx.Conn) error {
		epoch, err := l.raise(ctx, conn, part)
		c.epoch = epoch
		return err
	})
	if err != nil {
		return c, nil, err
	}
	spans, err := l.spans(ctx, part)
	return c, spans, err
}

// raise raises the epoch, waiting for a surviving session for at most l.wait,
// then ends it if it is one of this run's own.
func (l *ledger) raise(ctx context.Context, conn *pgx.Conn, part int64) (int64, error) {
	sql := claim{run: l.run, part: part}.bind(takeoverSQL, "", span{})
	pid := conn.PgConn().PID()
	waitCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	timer := time.AfterFunc(l.wait, func() { ended <- l.endSurvivors(waitCtx, pid) })
	var epoch int64
	err := conn.QueryRow(ctx, sql).Scan(&epoch)
	if !timer.Stop() {
		cancel()
		if endErr := <-ended; err != nil && endErr != nil {
			err = errors.Join(endErr, err)
		}
	}
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, fmt.Errorf("part %d of run %s is not in the ledger: its schema _pg2db9 was dropped or changed", part, l.run)
	}
	return epoch, err
}

// endSurvivors ends the sessions of this run that the backend waits for, by
// the pid and start that they recorded when they connected.
func (l *ledger) endSurvivors(ctx context.Context, waiting uint32) error {
	conn, err := l.target.Connect(ctx, l.settings)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))                     //nolint:errcheck // of no more use
	rows, err := conn.Query(ctx, blockersSQL, l.run, int32(waiting)) //nolint:gosec // a pid
	if err != nil {
		return err
	}
	type session struct {
		pid   int64
		start string
	}
	found, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (s session, err error) { return s, r.Scan(&s.pid, &s.start) })
	if err != nil {
		return err
	}
	for _, s := range found {
		if _, err := conn.Exec(ctx, "SELECT pg_catalog.pg_terminate_backend($1)", s.pid); err != nil {
			return fmt.Errorf("a session of this run (pid %d, since %s) holds the part and could not be ended: %w", s.pid, s.start, err)
		}
	}
	if len(found) == 0 {
		// Whoever holds the row is not ours to end: give the wait up.
		if _, err := conn.Exec(ctx, "SELECT pg_catalog.pg_cancel_backend($1)", int64(waiting)); err != nil {
			return fmt.Errorf("giving up the wait for the part's row: %w", err)
		}
		return fmt.Errorf("another session holds the part's row in _pg2db9.part for more than %s", l.wait)
	}
	return nil
}

// spans reads the recorded batches of one part, or of all with part -1.
func (l *ledger) spans(ctx context.Context, part int64) ([]span, error) {
	var spans []span
	err := l.do(ctx, "reading the ledger", func(conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, spansSQL, l.run, part)
		if err != nil {
			return err
		}
		spans, err = pgx.CollectRows(rows, func(r pgx.CollectableRow) (s span, err error) {
			var hexSum string
			if err := r.Scan(&s.part, &s.first, &s.last, &s.bytes, &hexSum, &s.final); err != nil {
				return s, err
			}
			s.sum, err = digest.Parse(uint64(s.last-s.first), hexSum) //nolint:gosec // last >= first
			return s, err
		})
		return err
	})
	return spans, err
}

// settle commits durably: the commit of this transaction puts all commits
// before it, the asynchronous ones of the load too, on disk, or none of them
// survived. What did is read from the ledger afterwards.
func (l *ledger) settle(ctx context.Context, state string) error {
	return l.do(ctx, "making the load durable", func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "UPDATE _pg2db9.run SET state = $2, changed = now() WHERE run = $1", l.run, state)
		return err
	})
}

// committed sums the batches of a part: its next row, its bytes and digest, and
// whether it is complete. A gap or an overlap is an error: no writer of ours
// can leave one.
func committed(spans []span) (next, bytes int64, sum digest.Sum, final bool, err error) {
	for _, s := range spans {
		if s.first != next || final {
			return 0, 0, digest.Sum{}, false, fmt.Errorf("the ledger's batches of part %d do not follow each other at row %d: somebody else wrote to _pg2db9.span", s.part, next)
		}
		next = s.last
		bytes += s.bytes
		sum.Merge(s.sum)
		final = s.final
	}
	return next, bytes, sum, final, nil
}
