package copier

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/catalog"
)

// wholeTable is the name of the relation in the ledger of a part that stands for
// all relations of a table: the part of a reconciliation. Its rows are counted in
// the order of the table's key, so nothing of it can be read again and skipped:
// unless its last span is final, the table is reconciled again from its begin.
var wholeTable = catalog.Name{}

// supersede records the part of a reconciliation, and takes out of the ledger
// what the run knew of the table before. From here on the target holds rows of
// two moments, and parts that were proved before prove nothing: they must not be
// there when a run that died in the middle is taken up again.
func (l *ledger) supersede(ctx context.Context, part Part, taken string) error {
	what := fmt.Sprintf("recording the reconciliation of %s in the ledger", part.Target)
	return l.do(ctx, what, func(conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, "SELECT part FROM _pg2db9.part WHERE run = $1 AND target_schema = $2 AND target_name = $3",
			l.run, part.Target.Schema, part.Target.Name)
		if err != nil {
			return err
		}
		parts, err := pgx.CollectRows(rows, pgx.RowTo[int64])
		if err != nil {
			return err
		}
		steps := l.owning(l.partRows([]Part{part}, taken))
		parts = slices.DeleteFunc(parts, func(id int64) bool { return id == part.ID })
		for group := range slices.Chunk(parts, 1000) {
			list := strings.Trim(strings.ReplaceAll(fmt.Sprint(group), " ", ", "), "[]")
			for _, table := range []string{"span", "reject", "part"} {
				steps = append(steps, fmt.Sprintf("DELETE FROM _pg2db9.%s WHERE run = %s AND part IN (%s)", table, literals(l.run), list))
			}
		}
		return l.transaction(ctx, conn, steps)
	})
}

// anew takes the part of a reconciliation over and forgets what it had reached:
// the merge begins again, and finds what was mended to be the same.
func (l *ledger) anew(ctx context.Context, old claim) (claim, error) {
	next, spans, err := l.takeover(ctx, old)
	if err != nil || len(spans) == 0 {
		return next, err
	}
	err = l.do(ctx, fmt.Sprintf("beginning part %d again", old.part), func(conn *pgx.Conn) error {
		// Not those of whoever may have taken the part over since.
		_, err := conn.Exec(ctx, "DELETE FROM _pg2db9.span WHERE run = $1 AND part = $2 AND epoch < $3", next.run, next.part, next.epoch)
		return err
	})
	return next, err
}

// hasPlaces says whether the rows of a table have places (ctid) of their own: it
// is a plain table of PostgreSQL's, and not one whose rows are in partitions.
func (l *ledger) hasPlaces(ctx context.Context, table catalog.Name) (plain bool, err error) {
	err = l.do(ctx, "looking at "+table.String(), func(conn *pgx.Conn) error {
		return conn.QueryRow(ctx, `SELECT c.relkind = 'r' FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
			WHERE n.nspname = $1 AND c.relname = $2`, table.Schema, table.Name).Scan(&plain)
	})
	return plain, err
}
