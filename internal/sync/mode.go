package sync

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
	"github.com/pg2db9/pg2db9/internal/sync/jobfile"
)

// holdMode finds what a table lacks for its mode.
func (t *table) holdMode(db *catalog.Database) {
	switch t.job.Mode {
	case jobfile.Append, jobfile.Upsert:
		t.holdCursor(db)
	case jobfile.Mirror, jobfile.Full:
		if len(t.job.Key) > 0 && !sameNames(t.targets(t.job.Key), t.transfer.Key) {
			t.fault("key", "%s compares by the key that the table has (%s), not by another", t.job.Mode, orNone(t.transfer.Key))
		}
	default:
		t.fault("mode", "there is no mode %q", t.job.Mode)
	}
	if t.job.Deletes == jobfile.DeletesDigest && t.err == nil && t.job.Mode == jobfile.Upsert && !sameNames(t.key, t.transfer.Key) {
		t.fault("deletes", "deleted rows are found by the table's own key (%s): make it the key of the upsert, or leave deletes out", orNone(t.transfer.Key))
	}
}

// holdCursor finds what append and upsert need: a heap, a cursor, a key that is unique.
func (t *table) holdCursor(db *catalog.Database) {
	for _, rel := range t.transfer.Relations {
		i := slices.IndexFunc(db.Tables, func(x catalog.Table) bool { return x.Name == rel })
		if i < 0 || db.Tables[i].AccessMeth != "" && db.Tables[i].AccessMeth != "heap" || db.Tables[i].Foreign != nil {
			t.fault("mode", "%s is no ordinary table: which of its rows came since the last run cannot be told; use mode mirror", rel)
			return
		}
	}
	if !slices.ContainsFunc(t.source.Columns, func(c catalog.Column) bool { return c.Name == t.job.Cursor }) {
		t.fault("cursor", "%s has no column %q to read along", t.job.Table, t.job.Cursor)
		return
	}
	if len(t.job.Key) == 0 {
		if t.key = t.transfer.Key; len(t.key) == 0 {
			t.fault("mode", "%s has no primary key and no unique key that is NOT NULL: rows that are read twice would stand twice; use mode mirror or full", t.job.Table)
		}
		return
	}
	if t.key = t.targets(t.job.Key); t.key == nil || !t.unique(db) {
		t.fault("key", "(%s) is no primary key and no unique constraint of %s: rows could not be told apart", strings.Join(t.job.Key, ", "), t.job.Table)
	}
}

// holdOrder asks the source whether the cursor is something to read along: of types
// like json and boolean there is no order, or no largest value.
func (t *table) holdOrder(ctx context.Context, conn *pgx.Conn) error {
	if t.job.Cursor == "" {
		return nil
	}
	cursor, rel := quote.Ident(t.job.Cursor), quote.Name(t.job.Table.Schema, t.job.Table.Name)
	_, err := conn.Exec(ctx, fmt.Sprintf("EXPLAIN SELECT max(%[1]s)::text FROM %[2]s; EXPLAIN SELECT FROM %[2]s ORDER BY %[1]s", cursor, rel), pgx.QueryExecModeSimpleProtocol)
	switch dial.SQLState(err) {
	case "":
		return err
	case pgerrcode.UndefinedFunction:
		i := slices.IndexFunc(t.source.Columns, func(c catalog.Column) bool { return c.Name == t.job.Cursor })
		t.fault("cursor", "column %q of %s is %s, of which there is no largest value to read up to: choose a number or a time", t.job.Cursor, t.job.Table, t.source.Columns[i].Type.Text)
		return nil
	}
	err = fmt.Errorf("asking the source whether %s of %s has an order: %w", t.job.Cursor, t.job.Table, err)
	if conn.IsClosed() {
		return err
	}
	t.err = err
	return nil
}

// targets are the target's names of the source's columns; nil where one does not travel.
func (t *table) targets(columns []string) []string {
	var out []string
	for _, name := range columns {
		i := slices.IndexFunc(t.transfer.Columns, func(c ddlgen.ColumnTransfer) bool { return c.Source == name })
		if i < 0 {
			return nil
		}
		out = append(out, t.transfer.Columns[i].Target)
	}
	return out
}

// unique says whether the source keeps the wished key unique, and free of NULL.
func (t *table) unique(db *catalog.Database) bool {
	for _, name := range t.job.Key {
		i := slices.IndexFunc(t.source.Columns, func(c catalog.Column) bool { return c.Name == name })
		if i < 0 || !t.source.Columns[i].NotNull {
			return false
		}
	}
	return slices.ContainsFunc(db.Constraints, func(c catalog.Constraint) bool {
		return c.Table == t.job.Table && (c.Kind == catalog.PrimaryKey || c.Kind == catalog.Unique) && sameNames(c.Columns, t.job.Key)
	})
}

func sameNames(a, b []string) bool {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(a, b)
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
