package copier

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
)

// stageTable is where a batch stands before it is merged, within its transaction.
// Runs are alone on a target, and take one table after the other.
var stageTable = catalog.Name{Schema: "_pg2db9", Name: "sync_stage"}

// stageBatches is how many batches pass through a table from which rows are taken
// away by DELETE, before another takes its place: until they are swept up each batch
// is read past the rows of those before it.
const stageBatches = 64

// stage makes the table for batches, anew: another table's may stand there.
func (u *upsert) stage(ctx context.Context) error {
	if err := u.connect(ctx); err != nil {
		return err
	}
	name := quote.Name(stageTable.Schema, stageTable.Name)
	for _, sql := range []string{"DROP TABLE IF EXISTS " + name, u.stageSQL(name)} {
		if _, err := u.send.conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	u.staged = 0
	if !u.p.Profile.FullCatalog {
		return nil
	}
	// Where no index keeps the key unique that is said now, and no row looked for.
	_, err := u.send.conn.Exec(ctx, "EXPLAIN "+u.insertSQL(name, false))
	return err
}

// stageSQL makes the table. PostgreSQL takes the columns as they stand on the target,
// with their collations, so that they compare; and writes no log of what is gone with
// the transaction.
func (u *upsert) stageSQL(name string) string {
	t := u.p.Transfer
	if u.p.Profile.FullCatalog {
		return fmt.Sprintf("CREATE UNLOGGED TABLE %s WITH (autovacuum_enabled = off) AS SELECT %s FROM %s WITH NO DATA", name, u.columns(), quote.Name(t.Target.Schema, t.Target.Name))
	}
	columns := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		columns[i] = quote.Ident(c.Target) + " " + c.TargetType
	}
	return "CREATE TABLE " + name + " (" + strings.Join(columns, ", ") + ")"
}

// columns are the target's, in the order in which they travel.
func (u *upsert) columns() string {
	names := make([]string, len(u.p.Transfer.Columns))
	for i, c := range u.p.Transfer.Columns {
		names[i] = c.Target
	}
	return quote.Idents(names)
}

// merge writes the batch within its transaction.
func (u *upsert) merge(ctx context.Context, b *upsertBatch) (inserted, updated int64, err error) {
	m := u.send
	stage := quote.Name(stageTable.Schema, stageTable.Name)
	tag, err := m.conn.PgConn().CopyFrom(ctx, bytes.NewReader(b.lines.Bytes()), fmt.Sprintf("COPY %s (%s) FROM STDIN", stage, u.columns()))
	if err != nil {
		return 0, 0, err
	}
	u.result.Bytes += int64(b.lines.Len())
	if err := m.is("COPY", tag.String(), 'T'); err != nil {
		return 0, 0, err
	}
	if tag.RowsAffected() != b.rows {
		return 0, 0, fmt.Errorf("%d rows were sent, and the target says that it took %d", b.rows, tag.RowsAffected())
	}
	there, same, err := u.look(ctx, stage)
	if err != nil {
		return 0, 0, err
	}
	inserted = b.rows - there
	written := int64(0)
	if same < b.rows {
		sql := u.insertSQL(stage, same > 0)
		u.result.Bytes += int64(len(sql))
		text, err := m.tag(ctx, sql, 'T')
		if err != nil {
			return 0, 0, err
		}
		if written, err = strconv.ParseInt(text[strings.LastIndexByte(text, ' ')+1:], 10, 64); err != nil {
			return 0, 0, fmt.Errorf("the target answered INSERT with %q: %w", text, err)
		}
	}
	if written < inserted || written > b.rows-same {
		return 0, 0, fmt.Errorf("of %d rows %d were new to the target, and it says that it wrote %d: somebody else writes to it", b.rows, inserted, written)
	}
	return inserted, written - inserted, u.clear(ctx, stage, b.rows)
}

// look counts the staged rows whose key stands on the target, and those among them
// that would be written without a change. A target that is no PostgreSQL is not asked
// for the latter.
func (u *upsert) look(ctx context.Context, stage string) (there, same int64, err error) {
	sql := fmt.Sprintf("SELECT count(*), 0 FROM %s s JOIN %s t ON %s", stage, u.target(), u.sameKey())
	if u.p.Profile.FullCatalog {
		sql = fmt.Sprintf("SELECT count(same), count(*) FILTER (WHERE same) FROM (SELECT %s AS same FROM %s s OFFSET 0) x", u.same(), stage)
	}
	results, err := u.send.conn.PgConn().Exec(ctx, sql).ReadAll()
	if err != nil {
		return 0, 0, err
	}
	if len(results) != 1 || len(results[0].Rows) != 1 || len(results[0].Rows[0]) != 2 {
		return 0, 0, fmt.Errorf("%w: the target did not count rows", dial.ErrLost)
	}
	row := results[0].Rows[0]
	if there, err = strconv.ParseInt(string(row[0]), 10, 64); err == nil {
		same, err = strconv.ParseInt(string(row[1]), 10, 64)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("the target's count of rows: %w", err)
	}
	return there, same, nil
}

// insertSQL writes the staged rows, with or without those that stand there as they
// are: ON CONFLICT would lock each of these, which writes to it too.
func (u *upsert) insertSQL(stage string, without bool) string {
	sql := fmt.Sprintf("INSERT INTO %s AS t (%s)", u.target(), u.columns())
	if len(u.p.Always) > 0 {
		sql += " OVERRIDING SYSTEM VALUE"
	}
	sql += fmt.Sprintf(" SELECT %s FROM %s AS s", u.columns(), stage)
	if without && u.updates() {
		sql += fmt.Sprintf(" WHERE %s IS NOT TRUE", u.same())
	}
	return sql + fmt.Sprintf(" ON CONFLICT (%s) %s", quote.Idents(u.p.Key), u.onConflict())
}

// clear takes the staged rows away. Rows that were deleted stay where they are until
// they are swept up, and each batch would be read past them: TRUNCATE leaves none.
func (u *upsert) clear(ctx context.Context, stage string, rows int64) error {
	u.staged++
	if u.p.Profile.FullCatalog {
		return u.send.step(ctx, "TRUNCATE "+stage, 'T')
	}
	text, err := u.send.tag(ctx, "DELETE FROM "+stage, 'T')
	if err == nil && text != "DELETE "+strconv.FormatInt(rows, 10) {
		err = fmt.Errorf("the target answered %q when %d staged rows were taken away", text, rows)
	}
	return err
}

func (u *upsert) target() string {
	return quote.Name(u.p.Transfer.Target.Schema, u.p.Transfer.Target.Name)
}

// same says of a staged row whether nothing would change with it; NULL where its key
// does not stand on the target. A subquery with a LIMIT is executed for each row, by
// the index of the key: a join is what the planner thinks best, which knows nothing
// yet of rows that have just come.
func (u *upsert) same() string {
	what := "true"
	if u.updates() {
		left, right := u.compared("t", "s")
		what = fmt.Sprintf("(%s) IS NOT DISTINCT FROM (%s)", left, right)
	}
	return fmt.Sprintf("(SELECT %s FROM %s t WHERE %s LIMIT 1)", what, u.target(), u.sameKey())
}

// sameKey says that a row t of the target has a staged row's key.
func (u *upsert) sameKey() string {
	same := make([]string, len(u.p.Key))
	for i, k := range u.p.Key {
		same[i] = "t." + quote.Ident(k) + " = s." + quote.Ident(k)
	}
	return strings.Join(same, " AND ")
}

// updates says whether rows that stand there can get other values.
func (u *upsert) updates() bool {
	return u.p.Update && slices.ContainsFunc(u.p.Transfer.Columns, u.carries)
}

// carries says whether a column is given a new value where the row stands there.
func (u *upsert) carries(c ddlgen.ColumnTransfer) bool {
	return !slices.Contains(u.p.Key, c.Target) && !slices.Contains(u.p.Always, c.Target)
}

// compared are the columns by which rows of one key differ, of two tables.
func (u *upsert) compared(a, b string) (left, right string) {
	var l, r []string
	for _, c := range u.p.Transfer.Columns {
		if u.carries(c) {
			q := "." + quote.Ident(c.Target) + cast(c)
			l, r = append(l, a+q), append(r, b+q)
		}
	}
	return strings.Join(l, ", "), strings.Join(r, ", ")
}

// onConflict is what becomes of rows that stand there.
func (u *upsert) onConflict() string {
	if !u.updates() {
		return "DO NOTHING"
	}
	var set []string
	for _, c := range u.p.Transfer.Columns {
		if u.carries(c) {
			set = append(set, quote.Ident(c.Target)+" = excluded."+quote.Ident(c.Target))
		}
	}
	left, right := u.compared("t", "excluded")
	return fmt.Sprintf("DO UPDATE SET %s WHERE (%s) IS DISTINCT FROM (%s)", strings.Join(set, ", "), left, right)
}

// cast makes a column comparable whose type may have no equality, or one under which
// values that differ are equal: texts are compared then, by their bytes.
func cast(c ddlgen.ColumnTransfer) string {
	word, _, _ := strings.Cut(c.TargetType, "(")
	switch strings.TrimSpace(word) {
	case "smallint", "integer", "bigint", "boolean", "uuid", "bytea", "date", "timestamp without time zone", "timestamp with time zone", "time without time zone":
		return ""
	}
	return `::text COLLATE "C"`
}
