package sync

import (
	"context"
	_ "embed" // queries
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
)

//go:embed queries/swap.sql
var swapSQL string

// swapPlan is what has to be done for another table to take a table's place.
type swapPlan struct {
	Refused []string // why it cannot
	steps   map[string][]string
}

// planSwap asks the target what hangs on a table.
func planSwap(ctx context.Context, q queryer, table catalog.Name, beside string) (*swapPlan, error) {
	rows, err := q.Query(ctx, swapSQL, table.Schema, table.Name, beside)
	p := &swapPlan{steps: map[string][]string{}}
	if err == nil {
		var step, text string
		_, err = pgx.ForEachRow(rows, []any{&step, &text}, func() error {
			if step == "refuse" {
				p.Refused = append(p.Refused, text)
			} else {
				p.steps[step] = append(p.steps[step], text)
			}
			return nil
		})
	}
	if err != nil {
		return nil, fmt.Errorf("asking the target what hangs on table %s: %w", table, err)
	}
	return p, nil
}

type queryer interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// same says whether nothing has changed since another look.
func (p *swapPlan) same(o *swapPlan) bool {
	if !slices.Equal(p.Refused, o.Refused) || len(p.steps) != len(o.steps) {
		return false
	}
	for step, texts := range p.steps {
		if !slices.Equal(texts, o.steps[step]) {
			return false
		}
	}
	return true
}

// besideName is the name of a table that is loaded beside another.
func besideName(t catalog.Name) string {
	name := t.Name
	for len(name) > 63-len(besideMark) {
		name = name[:len(name)-1]
	}
	return strings.ToValidUTF8(name, "") + besideMark
}

const besideMark = "_pg2db9_new"

// swap loads a table beside the one that stands, and lets it take that one's place in
// one transaction. Until then readers see the former rows, from then on the new ones.
func (r *run) swap(ctx context.Context, p *prepared, t *table, plan *swapPlan) error {
	target := t.transfer.Target
	beside := catalog.Name{Schema: target.Schema, Name: besideName(target)}
	name := quote.Name(beside.Schema, beside.Name)
	if err := r.dropBeside(ctx, target, beside); err != nil {
		return err
	}
	// One message is one transaction: without its comment nobody could tell whose it is.
	if err := r.execute(ctx, "making "+beside.String(), []string{strings.Join(slices.Concat(plan.steps["make"], []string{
		"COMMENT ON TABLE " + name + " IS " + quote.Literal(besideComment(target)),
	}), ";\n")}); err != nil {
		return err
	}
	transfer, expect := *t.transfer, *t.expect
	transfer.Target, expect.Name, transfer.KeyInline = beside, beside, false
	found, err := r.load(ctx, p, t, transfer, expect, false)
	if err != nil {
		return err
	}
	before := t.entry.Verdict
	if err := t.judge(found); err != nil || t.entry.Verdict != Match {
		return errors.Join(err, r.dropBeside(ctx, target, beside))
	}
	t.entry.Verdict = before
	if err := r.execute(ctx, "completing "+beside.String(), plan.steps["load"]); err != nil {
		return err
	}
	if err := r.faults.hit("beside"); err != nil {
		return err
	}
	if err := r.outlive(ctx, t); err != nil {
		return err
	}
	if err := r.exchange(ctx, p, t, plan, beside); err != nil {
		return err
	}
	t.done, t.entry.Verdict = true, Match
	return r.faults.hit("swapped")
}

// besideComment marks a table as ours, so that one of somebody else is never dropped.
func besideComment(target catalog.Name) string {
	return "pg2db9 sync loads " + target.String() + " here; it may be dropped"
}

// dropBeside drops what a run before has left of a table beside this one.
func (r *run) dropBeside(ctx context.Context, target, beside catalog.Name) error {
	var comment *string
	const look = `SELECT pg_catalog.obj_description(c.oid, 'pg_class') FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2`
	err := r.control.QueryRow(ctx, look, beside.Schema, beside.Name).Scan(&comment)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil
	case err != nil:
		return fmt.Errorf("asking the target for table %s: %w", beside, err)
	case comment == nil || *comment != besideComment(target):
		return fmt.Errorf("table %s stands on the target, and is none that a run of this has made: rename or drop it", beside)
	}
	if _, err := r.control.Exec(ctx, "DROP TABLE "+quote.Name(beside.Schema, beside.Name)); err != nil {
		return fmt.Errorf("dropping %s, which a run before has left: %w", beside, err)
	}
	return nil
}

// execute executes statements one after the other.
func (r *run) execute(ctx context.Context, doing string, statements []string) error {
	for _, sql := range statements {
		if _, err := r.control.PgConn().Exec(ctx, sql).ReadAll(); err != nil {
			return fmt.Errorf("%s on the target: %w", doing, err)
		}
	}
	return nil
}

const (
	outliveFor  = time.Minute
	outliveLook = 100 * time.Millisecond
)

// outlive waits for transactions whose snapshots are older than the rows beside: they
// would see the new table empty, or a part of it. What the target does not tell of
// other roles' sessions is not waited for.
func (r *run) outlive(ctx context.Context, t *table) error {
	ctx, cancel := context.WithTimeoutCause(ctx, outliveFor, fmt.Errorf("a transaction on the target that is older than the new rows of %s has not ended within %s: it would see the table empty. End it (pg_stat_activity.backend_xmin), or let the next run try", t.transfer.Target, outliveFor))
	defer cancel()
	var now string
	if err := r.control.QueryRow(ctx, "SELECT pg_catalog.pg_current_xact_id()::text").Scan(&now); err != nil {
		return fmt.Errorf("asking the target for its present transaction: %w", err)
	}
	const old = `SELECT count(*) FROM pg_catalog.pg_stat_activity a WHERE a.datname = pg_catalog.current_database() AND a.pid <> pg_catalog.pg_backend_pid()
		AND a.backend_type = 'client backend' AND a.backend_xmin IS NOT NULL
		AND ($1::bigint % 4294967296 - a.backend_xmin::text::bigint + 4294967296) % 4294967296 BETWEEN 1 AND 2147483647`
	tick := time.NewTicker(outliveLook)
	defer tick.Stop()
	for {
		var n int64
		if err := r.control.QueryRow(ctx, old, now).Scan(&n); err != nil {
			return fmt.Errorf("asking the target for older transactions: %w", err)
		}
		if n == 0 {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// swapTries is how often the lock on the table is asked for, each time for so long:
// whoever comes behind us would wait as long.
const (
	swapTries = 20
	swapLock  = 3 * time.Second
)

// exchange swaps in one transaction, in which the ledger says so.
func (r *run) exchange(ctx context.Context, p *prepared, t *table, plan *swapPlan, beside catalog.Name) error {
	for try := 1; ; try++ {
		err := r.exchangeOnce(ctx, p, t, plan, beside)
		code := dial.SQLState(err)
		if err == nil || try == swapTries || code != pgerrcode.LockNotAvailable && code != pgerrcode.DeadlockDetected {
			return err
		}
	}
}

func (r *run) exchangeOnce(ctx context.Context, p *prepared, t *table, plan *swapPlan, beside catalog.Name) error {
	target := t.transfer.Target
	name, former := quote.Name(target.Schema, target.Name), strings.TrimSuffix(beside.Name, "new")+"old"
	tx, err := r.control.Begin(ctx)
	if err != nil {
		return fmt.Errorf("swapping %s: %w", target, err)
	}
	defer tx.Rollback(context.WithoutCancel(ctx)) //nolint:errcheck // nothing to do after COMMIT
	tag, err := tx.Exec(ctx, "UPDATE _pg2db9.part SET token = '' WHERE run = $1 AND part = $2", r.id, t.part)
	if err == nil && tag.RowsAffected() != 1 {
		return fmt.Errorf("another run has taken table %s over: it is not swapped", target)
	}
	do := func(statements ...string) {
		for _, sql := range statements {
			if err == nil {
				_, err = tx.Conn().PgConn().Exec(ctx, sql).ReadAll()
			}
		}
	}
	do(fmt.Sprintf("SET LOCAL lock_timeout = %d", swapLock.Milliseconds()), "LOCK TABLE "+name+" IN ACCESS EXCLUSIVE MODE")
	if err == nil {
		now, looking := planSwap(ctx, tx, target, beside.Name)
		switch {
		case looking != nil:
			return looking
		case !now.same(plan):
			return fmt.Errorf("table %s was changed on the target while its rows were loaded beside it: it stays as it is, and the next run tries again", target)
		}
	}
	do("ALTER TABLE "+name+" RENAME TO "+quote.Ident(former), "ALTER TABLE "+quote.Name(beside.Schema, beside.Name)+" RENAME TO "+quote.Ident(target.Name))
	// What names the former table's sequences or triggers names them as before: they go
	// with it, at last.
	do(plan.steps["swap"]...)
	do("DROP TABLE "+quote.Name(target.Schema, former), "COMMENT ON TABLE "+name+" IS NULL")
	for _, s := range plan.steps["sequence"] {
		column, sequence, _ := strings.Cut(s, "\x1f")
		sequence, of, _ := strings.Cut(sequence, "\x1f")
		var now string
		if err == nil {
			err = tx.QueryRow(ctx, "SELECT pg_catalog.pg_get_serial_sequence($1, $2)", name, column).Scan(&now)
		}
		do("ALTER SEQUENCE "+now+" AS "+of, "ALTER SEQUENCE "+now+" RENAME TO "+quote.Ident(sequence))
	}
	do(plan.steps["name"]...)
	do(t.finish(p.moment, "", "", ""))
	if err != nil {
		return fmt.Errorf("swapping %s: %w", target, err)
	}
	if err := r.faults.hit("swapping"); err != nil {
		return err
	}
	if err := tx.Commit(ctx); err != nil {
		return fmt.Errorf("swapping %s: %w", target, err)
	}
	return nil
}

// canSwap says whether the target swaps tables: it must show what hangs on a table,
// and two names that change in one transaction must change, or stay, together.
func (r *run) canSwap(ctx context.Context) (bool, error) {
	if r.swaps != nil || !r.Profile.FullCatalog || r.Profile.Map {
		return r.swaps != nil && *r.swaps, nil
	}
	const a, b, c = "_pg2db9.sync_swap_a", "_pg2db9.sync_swap_b", "_pg2db9.sync_swap_c"
	clean := []string{"DROP TABLE IF EXISTS " + a, "DROP TABLE IF EXISTS " + b, "DROP TABLE IF EXISTS " + c}
	if err := r.execute(ctx, "proving that tables can be swapped", slices.Concat(clean, []string{"CREATE TABLE " + a + " (a integer)", "CREATE TABLE " + b + " (b integer)"})); err != nil {
		return false, err
	}
	columns := func() string {
		var s *string
		const sql = "SELECT string_agg(column_name, ' ') FROM information_schema.columns WHERE table_schema = '_pg2db9' AND table_name = 'sync_swap_a'"
		if err := r.control.QueryRow(ctx, sql).Scan(&s); err != nil || s == nil {
			return ""
		}
		return *s
	}
	renames := []string{"BEGIN", "ALTER TABLE " + a + " RENAME TO sync_swap_c", "ALTER TABLE " + b + " RENAME TO sync_swap_a"}
	err := r.execute(ctx, "proving that tables can be swapped", append(renames, "ROLLBACK"))
	stayed := columns()
	if err == nil {
		err = r.execute(ctx, "proving that tables can be swapped", append(renames, "COMMIT"))
	}
	changed := columns()
	if r.control.PgConn().TxStatus() != 'I' {
		err = errors.Join(err, r.execute(ctx, "proving that tables can be swapped", []string{"ROLLBACK"}))
	}
	can := err == nil && stayed == "a" && changed == "b"
	r.swaps = &can
	return can, r.execute(ctx, "cleaning up after a proof", clean)
}
