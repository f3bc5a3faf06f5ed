package copier

import (
	"context"
	"embed"
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
const ledgerVersion = 2

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
	setSQL      = stripComments(ledgerSQL("set_sequences"))
	takeoverSQL = stripComments(ledgerSQL("takeover"))
	spansSQL    = ledgerSQL("spans")
	blockersSQL = ledgerSQL("blockers")
	fenceSQL    = ledgerSQL("fence")
	emptiedSQL  = ledgerSQL("emptied_by_restart")
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
	sum         digest.Sum // of the rows that were loaded
	final       bool

	rejected []rejectedRow // of its rows, those that the target refused
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

// tellingWait is how long recording what failed may take.
const tellingWait = 10 * time.Second

// ledger is the control connection to the ledger on the target. Its own
// statements commit durably. It must not be used by two goroutines at once.
type ledger struct {
	target   *dial.Endpoint
	settings dial.Settings
	run      string
	owner    string // the lease's; "" where the run is held by none
	whole    bool   // the target's TRUNCATE can stand in a transaction with others
	conn     *pgx.Conn
	wait     time.Duration // how long a takeover waits for a surviving session
	patience time.Duration // how long a server that is away is tried again
	telling  time.Duration // how long recording what failed may take
	inherits bool          // the target has tables that inherit
	started  string        // the target's pg_postmaster_start_time when the run began; "" where it is not asked
}

func newLedger(target *dial.Endpoint, settings dial.Settings, run string) *ledger {
	return &ledger{target: target, settings: settings, run: run, wait: survivorWait, patience: defaultPatience, telling: tellingWait}
}

// do runs f with a living connection, connecting anew when the one it had broke.
// f must be safe to repeat.
func (l *ledger) do(ctx context.Context, what string, f func(*pgx.Conn) error) error {
	err := retry(ctx, what, l.patience, func() error {
		conn, err := l.connected(ctx)
		if err != nil {
			return err
		}
		return f(conn)
	})
	if err != nil {
		return fmt.Errorf("%s on the target: %w", what, l.judgeOwner(ctx, err))
	}
	return nil
}

// connected is the connection, made anew when it broke.
func (l *ledger) connected(ctx context.Context) (*pgx.Conn, error) {
	if l.conn == nil || l.conn.IsClosed() {
		conn, err := l.target.Connect(ctx, l.settings)
		if err != nil {
			return nil, err
		}
		l.conn = conn
	}
	return l.conn, nil
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
		// One message, one round trip.
		sql := fmt.Sprintf("%s;INSERT INTO _pg2db9.version (version) SELECT %d WHERE NOT EXISTS (SELECT 1 FROM _pg2db9.version)", schemaSQL, ledgerVersion)
		_, err := conn.PgConn().Exec(ctx, sql).ReadAll()
		if dial.SQLState(err) == pgerrcode.UniqueViolation { // another run makes the ledger at this moment
			_, err = conn.PgConn().Exec(ctx, sql).ReadAll()
		}
		if err != nil {
			return err
		}
		var found int
		err = conn.QueryRow(ctx, "SELECT max(version) FROM _pg2db9.version").Scan(&found)
		if dial.SQLState(err) == pgerrcode.UndefinedTable {
			return fmt.Errorf("%w: what was created is not there: it was rolled back in silence: %v", dial.ErrLost, err) //nolint:errorlint // not an error of its own: it would not pass
		}
		if err != nil {
			return err
		}
		if found != ledgerVersion {
			return versionError(found)
		}
		return nil
	})
}

// runInfo is what the ledger keeps of a run.
type runInfo struct {
	command, tool, source, profile, schemaHash, planHash, options, snapshot, taken string
}

// begin records the run and its parts, and what is emptied for them, in one
// transaction. The run may be there: claimed before its tables were made, or by a
// try whose answer was lost.
func (l *ledger) begin(ctx context.Context, info runInfo, parts []Part, empty []catalog.Name, started string) error {
	return l.do(ctx, "recording the run in the ledger", func(conn *pgx.Conn) error {
		steps := []string{fmt.Sprintf(`INSERT INTO _pg2db9.run (run, command, tool, source, profile, schema_hash, plan_hash, options, snapshot, taken, target_started, state)
			VALUES (%s, 'loading') ON CONFLICT (run) DO UPDATE SET state = excluded.state, snapshot = excluded.snapshot, taken = excluded.taken,
				target_started = excluded.target_started, changed = now()`,
			literals(l.run, info.command, info.tool, info.source, info.profile, info.schemaHash, info.planHash, info.options, info.snapshot, info.taken, started))}
		steps = append(steps, l.newParts(parts, info.taken)...)
		return l.transaction(ctx, conn, append(steps, l.wanted(empty)...))
	})
}

// maxMessageText is the length of a message of many statements, in bytes, at
// which it is sent.
const maxMessageText = 256 << 10

// simple runs statements in one message, the last of which must be answered
// with the tag and the transaction status: a transaction that was rolled back in
// silence is an error that passes. The connection is of no more use when one
// fails: its transaction may be open.
func simple(ctx context.Context, conn *pgx.Conn, sql, last string, status byte) error {
	results, err := conn.PgConn().Exec(ctx, sql).ReadAll()
	if err == nil {
		tag := ""
		if n := len(results); n > 0 {
			tag = results[n-1].CommandTag.String()
		}
		if now := conn.PgConn().TxStatus(); now != status || !strings.HasPrefix(tag, last) {
			err = fmt.Errorf("%w: the target answered %s with %q (transaction status %q)", dial.ErrLost, last, tag, now)
		}
	}
	if err != nil {
		_ = conn.Close(context.WithoutCancel(ctx))
	}
	return err
}

// literals writes texts as a list of SQL literals.
func literals(texts ...string) string {
	out := make([]string, len(texts))
	for i, t := range texts {
		out[i] = quote.Literal(t)
	}
	return strings.Join(out, ", ")
}

// firstEpoch is the epoch of a part that its own run has just recorded.
const firstEpoch = 1

// empty empties a table that is to be loaded anew, and records before and after
// that it did: a run that dies between the two is known to have left it empty
// or half emptied, never mistaken for one that still holds its old rows. Writers
// of other runs are fenced off first, in a statement that is committed before.
func (l *ledger) empty(ctx context.Context, table catalog.Name) error {
	const record = `INSERT INTO _pg2db9.emptied (run, target_schema, target_name, state) VALUES ($1, $2, $3, $4)
		ON CONFLICT (run, target_schema, target_name) DO UPDATE SET state = excluded.state`
	err := l.do(ctx, "emptying "+table.String(), func(conn *pgx.Conn) error {
		for _, step := range []struct {
			sql  string
			args []any
		}{
			{sql: fmt.Sprintf("SET lock_timeout = %d", lockTimeout.Milliseconds())},
			{sql: fenceSQL, args: []any{table.Schema, table.Name, l.run}},
			{sql: record, args: []any{l.run, table.Schema, table.Name, "emptying"}},
		} {
			if _, err := conn.Exec(ctx, step.sql, step.args...); err != nil {
				return err
			}
		}
		truncate := "TRUNCATE TABLE " + quote.Name(table.Schema, table.Name)
		loading := fmt.Sprintf("UPDATE _pg2db9.emptied SET state = 'loading' WHERE run = %s AND target_schema = %s AND target_name = %s",
			quote.Literal(l.run), quote.Literal(table.Schema), quote.Literal(table.Name))
		if l.whole {
			// The table's lock first: the run's row is not held, and so the lease can be
			// renewed, while others are waited for.
			lock := "LOCK TABLE " + quote.Name(table.Schema, table.Name) + " IN ACCESS EXCLUSIVE MODE"
			if err := l.transaction(ctx, conn, append([]string{lock}, l.owning(truncate, loading)...)); err != nil {
				return err
			}
		} else {
			for _, sql := range l.owning(truncate, loading) {
				if _, err := conn.Exec(ctx, sql); err != nil {
					return err
				}
			}
		}
		_, err := conn.Exec(ctx, "SET lock_timeout = 0")
		return err
	})
	if dial.SQLState(err) == pgerrcode.LockNotAvailable {
		return fmt.Errorf("%w; another session holds the table for more than %s: end it (pg_locks names it) and run the command again", err, lockTimeout)
	}
	return err
}

// restarted says which unlogged tables a restart of the target since the last
// call has emptied; the first call only remembers when the target was started.
// The ledger is logged and outlives them, so it alone would still call them full.
func (l *ledger) restarted(ctx context.Context) (emptied []string, err error) {
	err = l.do(ctx, "asking when the target was started", func(conn *pgx.Conn) error {
		return conn.QueryRow(ctx, emptiedSQL, l.started).Scan(&l.started, &emptied)
	})
	return emptied, err
}

// spans reads the recorded batches of one part, or of all with part -1.
func (l *ledger) spans(ctx context.Context, part int64) ([]span, error) {
	var spans []span
	err := l.do(ctx, "reading the ledger", func(conn *pgx.Conn) error {
		refused, err := rejected(ctx, conn, l.run, part)
		if err != nil {
			return err
		}
		rows, err := conn.Query(ctx, spansSQL, l.run, part)
		if err != nil {
			return err
		}
		spans, err = pgx.CollectRows(rows, scanSpan)
		for i := range spans {
			spans[i].leaveOut(refused[spans[i].part])
		}
		return err
	})
	return spans, err
}

// count counts the rows of a table: all, and those of its own, which differ
// where other tables inherit from it.
func (l *ledger) count(ctx context.Context, table catalog.Name) (all, own int64, err error) {
	name := quote.Name(table.Schema, table.Name)
	err = l.do(ctx, "counting the rows of "+table.String(), func(conn *pgx.Conn) error {
		if err := conn.QueryRow(ctx, "SELECT count(*) FROM "+name).Scan(&all); err != nil {
			return err
		}
		if own = all; !l.inherits {
			return nil
		}
		return conn.QueryRow(ctx, "SELECT count(*) FROM ONLY "+name).Scan(&own)
	})
	return all, own, err
}

// totals adds up the recorded batches of every part. It holds no more than one
// sum a part, however many batches there are.
func (l *ledger) totals(ctx context.Context) (map[int64]total, error) {
	var out map[int64]total
	err := l.do(ctx, "reading the ledger", func(conn *pgx.Conn) error {
		out = map[int64]total{}
		refused, err := rejected(ctx, conn, l.run, -1)
		if err != nil {
			return err
		}
		rows, err := conn.Query(ctx, spansSQL, l.run, int64(-1))
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			s, err := scanSpan(rows)
			if err != nil {
				return err
			}
			s.leaveOut(refused[s.part])
			t := out[s.part]
			if err := t.add(s); err != nil {
				return err
			}
			out[s.part] = t
		}
		return rows.Err()
	})
	return out, err
}

// settle commits durably: the commit of this transaction puts all commits
// before it, the asynchronous ones of the load too, on disk, or none of them
// survived. What did is read from the ledger afterwards.
func (l *ledger) settle(ctx context.Context, state string) error {
	return l.do(ctx, "making the load durable", func(conn *pgx.Conn) error {
		tag, err := conn.Exec(ctx, "UPDATE _pg2db9.run SET state = $2, changed = now(), owner = CASE WHEN owner = $3 OR $3 = '' THEN owner END WHERE run = $1", l.run, state, l.owner)
		if err == nil && tag.RowsAffected() != 1 { // and nothing was written, so nothing was made durable
			return fmt.Errorf("run %s is not in the ledger any more: its schema _pg2db9 was dropped or changed", l.run)
		}
		return err
	})
}

// scanSpan reads one row of spans.sql.
func scanSpan(r pgx.CollectableRow) (s span, err error) {
	var hexSum string
	if err := r.Scan(&s.part, &s.first, &s.last, &s.bytes, &hexSum, &s.final); err != nil {
		return s, err
	}
	s.sum, err = digest.Parse(uint64(s.last-s.first), hexSum) //nolint:gosec // last >= first
	return s, err
}

// total is what the batches of a part add up to.
type total struct {
	next  int64 // rows, and so the first row that is not there
	bytes int64

	rejected []rejectedRow // of the rows, those that the target refused
	sum      digest.Sum    // of the others
	final    bool
}

// add takes the next batch. A gap or an overlap is an error: no writer of ours
// can leave one.
func (t *total) add(s span) error {
	if s.first != t.next || t.final {
		return fmt.Errorf("the ledger's batches of part %d do not follow each other at row %d: somebody else wrote to _pg2db9.span", s.part, t.next)
	}
	t.next, t.final = s.last, s.final
	t.bytes += s.bytes
	t.rejected = append(t.rejected, s.rejected...)
	t.sum.Merge(s.sum)
	return nil
}

// committed adds up the batches of one part.
func committed(spans []span) (t total, err error) {
	for _, s := range spans {
		if err := t.add(s); err != nil {
			return total{}, err
		}
	}
	return t, nil
}
