package like

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/internal/bench/shape"
)

var (
	//go:embed queries/table.sql
	tableSQL string
	//go:embed queries/columns.sql
	columnsSQL string
)

// table is a row of queries/table.sql.
type table struct {
	OID    uint32  `db:"oid"`
	Schema string  `db:"schema"`
	Name   string  `db:"name"`
	Kind   string  `db:"kind"`
	Rows   float64 `db:"rows"`  // as of the last ANALYZE; not above 0 where that is unknown
	Toast  int64   `db:"toast"` // bytes
}

// column is a row of queries/columns.sql.
type column struct {
	Name          string   `db:"name"`
	TypeSchema    string   `db:"type_schema"`
	TypeName      string   `db:"type_name"`
	Kind          string   `db:"kind"` // pg_type.typtype
	Type          string   `db:"type"` // with its modifier, as SQL has it
	Declared      string   `db:"declared"`
	Typmod        int32    `db:"typmod"`
	Domain        bool     `db:"domain"`
	Element       string   `db:"element"` // of an array
	ElementKind   string   `db:"element_kind"`
	ElementSchema string   `db:"element_schema"`
	Labels        []string `db:"labels"` // of an enum, or of an array's
	Outside       bool     `db:"outside"`
	Key           bool     `db:"key"` // the only column of the primary key
	Known         bool     `db:"known"`
	Nulls         float64  `db:"nulls"`
	Width         float64  `db:"width"` // bytes as stored
	Distinct      float64  `db:"distinct_values"`
	Bounds        string   `db:"bounds"` // an array's text
}

// Of what a row keeps outside of itself, that share of the pages is the value's, where
// values are large; small ones leave up to a quarter of a page empty.
const toastFill = 0.97

// Read is the shape of a table's rows (schema.table, as SQL writes it): its columns by
// their types, with the share of NULLs, the mean width and the number of values that
// the server's statistics tell. notes say what is otherwise than in the table. It is an
// error where a column is of a type whose values cannot be made, or where ANALYZE has
// never run.
func Read(ctx context.Context, conn *pgx.Conn, name string) (s shape.Shape, notes []string, err error) {
	rows, err := conn.Query(ctx, tableSQL, name)
	if err != nil {
		return s, nil, fmt.Errorf("reading what table %s is: %w", name, err)
	}
	t, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[table])
	if errors.Is(err, pgx.ErrNoRows) {
		return s, nil, fmt.Errorf("there is no table %s on the source: name it with its schema, as SQL writes it", name)
	}
	if err != nil {
		return s, nil, fmt.Errorf("reading what table %s is: %w", name, err)
	}
	if !slices.Contains([]string{"r", "p", "m", "f"}, t.Kind) {
		return s, nil, fmt.Errorf("%s is no table: it has no rows of its own", name)
	}
	rows, err = conn.Query(ctx, columnsSQL, t.OID, t.Kind == "p")
	if err != nil {
		return s, nil, fmt.Errorf("reading the statistics of %s: %w", name, err)
	}
	columns, err := pgx.CollectRows(rows, pgx.RowToStructByName[column])
	if err != nil {
		return s, nil, fmt.Errorf("reading the statistics of %s: %w", name, err)
	}
	return shapeOf(t, columns)
}

// shapeOf makes the shape of what was read.
func shapeOf(t table, columns []column) (s shape.Shape, notes []string, err error) {
	name := t.Schema + "." + t.Name
	s.Name = "like " + name
	note := func(format string, args ...any) { notes = append(notes, s.Name+": "+fmt.Sprintf(format, args...)) }
	share, keeps := outside(t, columns)
	var unknown, silent []string
	keyed := false
	taken := map[string]bool{shape.KeyColumn: true}
	for _, c := range columns {
		if c.Key && slices.Contains([]string{"int2", "int4", "int8"}, c.TypeName) {
			keyed = true // every shape has one
			continue
		}
		if !c.Known {
			silent = append(silent, c.Name)
			continue
		}
		if share > 0 && keeps(c) {
			c.Width += share
		}
		made, ok := c.column(t.Rows)
		if !ok {
			unknown = append(unknown, fmt.Sprintf("%s (%s)", c.Name, c.Declared))
			continue
		}
		for made.Name = c.Name; taken[made.Name]; {
			made.Name += "_"
		}
		taken[made.Name] = true
		if c.Domain {
			note("column %s has the domain %s in the table; here it is %s, without the domain's checks", c.Name, c.Declared, made.SQL())
		}
		s.Columns = append(s.Columns, made)
	}
	switch {
	case len(silent) > 0 && len(s.Columns)+len(unknown) == 0:
		return s, nil, fmt.Errorf("the server has no statistics of %s: run ANALYZE on it, which needs rows in it, or measure by a file of columns (--shape FILE.yaml)", name)
	case len(silent) > 0:
		return s, nil, fmt.Errorf("the server has no statistics of %s for %s: run ANALYZE on the table, as a role that may read these columns", name, strings.Join(silent, ", "))
	case len(unknown) > 0:
		return s, nil, fmt.Errorf("like %s no rows can be made: there are no values for %s; describe the other columns in a file (--shape FILE.yaml)", name, strings.Join(unknown, ", "))
	}
	if !keyed {
		note("the table's key is not one column of integers; the rows have the key %q besides", shape.KeyColumn)
	}
	if share > 0 {
		note("rows keep %.0f bytes outside of themselves in each column that seems to, as stored: more before they are compressed", share)
	}
	return s, notes, nil
}

// pointer is the width of a value that stands outside, as statistics know it.
const pointer = 18

// outside is how many bytes a row keeps outside of itself, in each of the columns
// that seem to: their mean width knows of nothing but the pointers to it. A column
// whose values are smaller than a pointer keeps them inside.
func outside(t table, columns []column) (bytes float64, of func(column) bool) {
	of = func(c column) bool { return c.Outside && c.Width >= pointer }
	if !slices.ContainsFunc(columns, of) {
		of = func(c column) bool { return c.Outside }
	}
	n := 0.0
	for _, c := range columns {
		if of(c) {
			n += 1 - c.Nulls
		}
	}
	if n <= 0 || t.Rows <= 0 {
		return 0, of
	}
	return float64(t.Toast) * toastFill / t.Rows / n, of
}
