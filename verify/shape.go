package verify

import (
	"context"
	_ "embed" // queries
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
)

//go:embed queries/tables.sql
var tablesSQL string

// foundTable is a table as the target shows it.
type foundTable struct {
	kind    string // pg_class.relkind
	columns []ddlgen.ExpectedColumn
	info    []infoColumn // beside columns, where information_schema tells of them
}

// partitioned reports whether the table's rows are in others.
func (t *foundTable) partitioned() bool { return t.kind == "p" }

// column returns the column's index, -1 when there is none.
func (t *foundTable) column(name string) int {
	return slices.IndexFunc(t.columns, func(c ddlgen.ExpectedColumn) bool { return c.Name == name })
}

var kindNames = map[string]string{"r": "table", "p": "partitioned table", "f": "foreign table", "v": "view", "m": "materialized view"}

type tableRow struct {
	Schema    string `db:"schema_name"`
	Table     string `db:"table_name"`
	Kind      string `db:"kind"`
	Column    string `db:"column_name"`
	Type      string `db:"type_name"`
	NotNull   string `db:"not_null"`
	Identity  string `db:"identity_kind"`
	Generated string `db:"generated_kind"`
	Default   string `db:"has_default"`
}

var (
	identities  = map[string]catalog.Identity{"": 0, "a": catalog.IdentityAlways, "d": catalog.IdentityByDefault}
	generations = map[string]catalog.Generation{"": 0, "s": catalog.GeneratedStored, "v": catalog.GeneratedVirtual}
)

// readTables reads all tables of the schemas, with one query.
func readTables(ctx context.Context, conn *pgx.Conn, schemas []string) (map[catalog.Name]*foundTable, error) {
	// The simple protocol gives text results, whatever the types' OIDs are.
	rows, err := conn.Query(ctx, tablesSQL, pgx.QueryExecModeSimpleProtocol, schemas)
	if err != nil {
		return nil, fmt.Errorf("reading the target's tables: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[tableRow])
	if err != nil {
		return nil, fmt.Errorf("reading the target's tables: %w", err)
	}
	tables := map[catalog.Name]*foundTable{}
	for _, r := range list {
		name := catalog.Name{Schema: r.Schema, Name: r.Table}
		t := tables[name]
		if t == nil {
			t = &foundTable{kind: r.Kind}
			tables[name] = t
		}
		if r.Column == "" {
			continue
		}
		c := ddlgen.ExpectedColumn{Name: r.Column, Type: r.Type, NotNull: r.NotNull == "true"}
		var known [2]bool
		c.Identity, known[0] = identities[r.Identity]
		c.Generated, known[1] = generations[r.Generated]
		if !known[0] || !known[1] {
			return nil, fmt.Errorf("column %s of %s is of a kind that this version does not know (attidentity %q, attgenerated %q)",
				r.Column, name, r.Identity, r.Generated)
		}
		// A generation expression is kept where defaults are.
		c.HasDefault = r.Default == "true" && c.Generated == 0
		t.columns = append(t.columns, c)
	}
	return tables, nil
}

// compareShape holds a table against what the plan promises. Of a table that
// was there before the run only the columns' presence is demanded: its owner
// may have chosen other types, another order, and columns beside them.
func compareShape(want ddlgen.ExpectedTable, found *foundTable, existing bool) Shape {
	var s Shape
	if found == nil {
		s.Differences = []Difference{{What: "table", Expected: "table", Found: "none"}}
		s.Verdict = Mismatch
		return s
	}
	differ := func(demanded bool, d Difference) {
		if d.Expected == d.Found {
			return
		}
		if demanded || !existing {
			s.Differences = append(s.Differences, d)
		} else {
			s.Tolerated = append(s.Tolerated, d)
		}
	}
	if kind := kindNames[found.kind]; found.kind != "r" && found.kind != "p" {
		differ(false, Difference{What: "table", Expected: "table", Found: kind})
	}
	for _, w := range want.Columns {
		i := found.column(w.Name)
		if i < 0 {
			differ(true, Difference{Column: w.Name, What: "column", Expected: w.Type, Found: "none"})
			continue
		}
		f := found.columns[i]
		differ(false, Difference{w.Name, "type", w.Type, f.Type})
		differ(false, Difference{w.Name, "not null", yesNo(w.NotNull), yesNo(f.NotNull)})
		differ(false, Difference{w.Name, "identity", orNone(w.Identity.String()), orNone(f.Identity.String())})
		differ(false, Difference{w.Name, "generated", orNone(w.Generated.String()), orNone(f.Generated.String())})
		differ(false, Difference{w.Name, "default", yesNo(w.HasDefault), yesNo(f.HasDefault)})
	}
	for _, f := range found.columns {
		if !slices.ContainsFunc(want.Columns, func(w ddlgen.ExpectedColumn) bool { return w.Name == f.Name }) {
			differ(false, Difference{f.Name, "column", "none", f.Type})
		}
	}
	// No value depends on the order of columns: they are read by name.
	if name, wanted, got, ok := misplaced(want.Columns, found); !ok {
		s.Tolerated = append(s.Tolerated, Difference{name, "position", wanted, got})
	}
	s.Verdict = Match
	if len(s.Differences) > 0 {
		s.Verdict = Mismatch
	}
	return s
}

// timestampPrecision is what a timestamp's declared precision looks like.
var timestampPrecision = regexp.MustCompile(`^timestamp\(\d\)`)

// timestamps takes a timestamp of another precision for the promised one: to a
// DB9 precision is syntax (db9.md section 5), so that it may tell of none; how
// many digits it keeps shows in the rows.
func (t *foundTable) timestamps(want ddlgen.ExpectedTable) {
	for _, w := range want.Columns {
		i := t.column(w.Name)
		if i >= 0 && strings.HasPrefix(w.Type, "timestamp") &&
			timestampPrecision.ReplaceAllString(w.Type, "timestamp") == timestampPrecision.ReplaceAllString(t.columns[i].Type, "timestamp") {
			t.columns[i].Type = w.Type
		}
	}
}

// misplaced finds the first column that stands elsewhere than expected among
// the columns that both have; positions count from 1.
func misplaced(want []ddlgen.ExpectedColumn, found *foundTable) (name, wanted, got string, ok bool) {
	var common []string
	for _, f := range found.columns {
		if slices.ContainsFunc(want, func(w ddlgen.ExpectedColumn) bool { return w.Name == f.Name }) {
			common = append(common, f.Name)
		}
	}
	position := 0
	for _, w := range want {
		if found.column(w.Name) < 0 {
			continue
		}
		if common[position] != w.Name {
			return w.Name, strconv.Itoa(position + 1), strconv.Itoa(slices.Index(common, w.Name) + 1), false
		}
		position++
	}
	return "", "", "", true
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
