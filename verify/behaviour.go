package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/event"
)

// Check is one thing that the target was made to do: to refuse a row, to fill a
// column, to answer a query.
type Check struct {
	Object  string  `json:"object"` // the constraint, index, column, view or routine
	Kind    string  `json:"kind"`   // "index", "unique", "not null", "check", "foreign key", "generated", "default", "identity", "view", "routine"
	What    string  `json:"what"`   // what was tried
	Verdict Verdict `json:"verdict"`
	Detail  string  `json:"detail"` // what it did, or why it was not tried
}

// What a try may take: others work on the target too.
const (
	tryLock = 2 * time.Second
	tryTime = 30 * time.Second
)

// errNoRollback is a target that ended a transaction otherwise than it was told.
var errNoRollback = errors.New("the target does not say that it rolled the try back: look at what it holds")

// behaviour is the part of a run that makes the target act. Each try is one
// message that begins a transaction and rolls it back: whatever ends it on the
// way, nothing that follows can run outside of it.
type behaviour struct {
	v        *run
	conn     *pgx.Conn
	settings dial.Settings
	full     bool // the target has PostgreSQL's catalog
	replica  bool // triggers can be kept from acting
	ddl      bool // no event trigger watches a sequence
	facts    behaviourFacts
}

// checkBehaviour tries what Params.Behaviour asks for. Its error is one of the
// context: whatever else goes wrong is in the checks.
func (v *run) checkBehaviour(ctx context.Context) error {
	b := &behaviour{v: v, settings: targetSettings(readerSettings(v.p.Profile), v.p.Profile), full: v.p.Profile.FullCatalog}
	defer b.drop()
	v.p.Bus.Emit(event.Note{Text: "the target's behaviour is tried, in transactions that are rolled back"})
	if err := b.learn(ctx); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		b.add(Check{Object: "the target", Kind: "catalog", What: "asked for what to try", Verdict: Errored, Detail: err.Error()})
		return nil
	}
	for _, t := range b.tables() {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		b.table(ctx, t)
	}
	b.indexes(ctx)
	b.viewCounts(ctx)
	if err := b.routines(ctx); err != nil {
		return err
	}
	return context.Cause(ctx)
}

func (b *behaviour) add(c Check) { b.v.report.Behaviour = append(b.v.report.Behaviour, c) }

// learn asks the target what stands there beside what the plan says.
func (b *behaviour) learn(ctx context.Context) error {
	if err := b.connect(ctx); err != nil {
		return err
	}
	schemas := append(schemasOf(b.v.wanted), b.v.viewSchemas()...)
	slices.Sort(schemas)
	var err error
	if b.facts, err = b.readFacts(ctx, slices.Compact(schemas)); err != nil {
		return err
	}
	if !b.full {
		return nil
	}
	_, err = b.try(ctx, nil, "SET LOCAL session_replication_role = replica")
	b.replica = err == nil
	rows, err := b.try(ctx, nil, "SELECT count(*) FROM pg_catalog.pg_event_trigger WHERE evtenabled <> 'D'")
	if err != nil {
		return fmt.Errorf("reading the target's event triggers: %w", err)
	}
	b.ddl = len(rows) == 1 && string(rows[0][0]) == "0"
	return nil
}

func (b *behaviour) connect(ctx context.Context) error {
	if b.conn != nil && !b.conn.IsClosed() {
		return nil
	}
	conn, err := b.v.p.Target.Connect(ctx, b.settings)
	if err != nil {
		return err
	}
	b.conn = conn
	for _, set := range []string{
		fmt.Sprintf("SET lock_timeout = '%dms'", tryLock.Milliseconds()),
		fmt.Sprintf("SET statement_timeout = '%dms'", tryTime.Milliseconds()),
	} {
		if _, err := conn.PgConn().Exec(ctx, set).ReadAll(); err != nil && b.full {
			b.drop()
			return fmt.Errorf("bounding tries on the target: %w", err)
		}
	}
	return nil
}

func (b *behaviour) drop() {
	if b.conn != nil {
		(&session{conn: b.conn}).close()
	}
	b.conn = nil
}

// try runs a statement in a transaction that is rolled back, behind others that
// prepare it, and gives its rows.
func (b *behaviour) try(ctx context.Context, before []string, statement string) ([][][]byte, error) {
	if err := b.connect(ctx); err != nil {
		return nil, err
	}
	timed, cancel := context.WithTimeoutCause(ctx, 2*tryTime, errors.New("trying the target's behaviour took too long"))
	defer cancel()
	sql := strings.Join(slices.Concat([]string{"BEGIN"}, before, []string{statement, "ROLLBACK"}), "; ")
	results, err := b.conn.PgConn().Exec(timed, sql).ReadAll()
	if err != nil {
		// What is left of the transaction goes with its connection, where it may be
		// that the server and we do not mean the same one.
		if dial.SQLState(err) == "" || strings.HasPrefix(dial.SQLState(err), "57") || !b.full {
			b.drop()
		} else if _, back := b.conn.PgConn().Exec(timed, "ROLLBACK").ReadAll(); back != nil || b.conn.PgConn().TxStatus() != 'I' {
			b.drop()
		}
		return nil, err
	}
	if n := len(results); n != len(before)+3 || results[n-1].CommandTag.String() != "ROLLBACK" || b.conn.PgConn().TxStatus() != 'I' {
		b.drop()
		return nil, errNoRollback
	}
	return results[len(before)+1].Rows, nil
}

// refusal is what the check wants of an error: SQLSTATE, and the name of what
// refuses, where the server tells it.
type refusal struct {
	state string
	names []string
}

const rowTaken = "the target took a row that it must refuse (rolled back)"

// judge turns what became of a row that must be refused into a verdict. other
// says that something else refused it, so that nothing is known of this one.
func judge(c *Check, want refusal, err error) (other bool) {
	var pg *pgconn.PgError
	switch {
	case err == nil:
		c.Verdict, c.Detail = Mismatch, rowTaken
	case !errors.As(err, &pg) || errors.Is(err, errNoRollback):
		c.Verdict, c.Detail = Errored, fmt.Sprintf("it could not be tried: %v", err)
	case pg.Code == want.state && (refuser(pg) == "" || slices.Contains(want.names, refuser(pg))):
		c.Verdict, c.Detail = Match, "refused with SQLSTATE "+pg.Code
	case strings.HasPrefix(pg.Code, "23"):
		c.Verdict, c.Detail = Skipped, fmt.Sprintf("each row tried is refused by %s first (SQLSTATE %s)", firstName(refuser(pg), "something else"), pg.Code)
		return true
	default:
		c.Verdict, c.Detail = Errored, fmt.Sprintf("it could not be tried: %s (SQLSTATE %s)", pg.Message, pg.Code)
	}
	return false
}

// refuser is the name of what refused a row; of NOT NULL the column.
func refuser(pg *pgconn.PgError) string {
	if pg.ConstraintName != "" && pg.Code != "23502" {
		return pg.ConstraintName
	}
	return pg.ColumnName
}

func firstName(names ...string) string {
	i := slices.IndexFunc(names, func(s string) bool { return s != "" })
	return names[i]
}
