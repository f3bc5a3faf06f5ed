package preflight

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/ddlgen/usermap"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
)

// CheckMapping lets the source plan what a mapping reads there: conditions that
// are none, functions and casts that it does not have are errors that name the
// place of the mapping. No row is read.
func CheckMapping(ctx context.Context, q Querier, db *catalog.Database, m *usermap.Mapping) error {
	if m.Empty() {
		return nil
	}
	for i := range m.Tables {
		t := &m.Tables[i]
		if err := checkExtras(ctx, q, t); err != nil {
			return err
		}
		source := tableOf(db, t.Source)
		if source == nil || t.NoData != "" {
			continue
		}
		if t.Where != "" {
			if err := explained(ctx, q, "SELECT FROM "+fromOf(source)+" WHERE ("+t.Where+")", t.Rows, "where "+t.Where); err != nil {
				return err
			}
		}
		for _, c := range t.Columns {
			if c.Select == "" {
				continue
			}
			if err := explained(ctx, q, "SELECT "+c.Select+" FROM "+fromOf(source), c.Place, fmt.Sprintf("column %s of %s as %s", c.Source, t.Source, c.Select)); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkExtras plans the defaults of the target's own columns, where the source
// has the type as well.
func checkExtras(ctx context.Context, q Querier, t *usermap.Table) error {
	for _, x := range t.Extra {
		if x.Default == "" || x.Type.Name.Schema != "pg_catalog" {
			continue
		}
		sql := "SELECT CAST((" + x.Default + ") AS " + x.Type.Text + ")"
		if err := explained(ctx, q, sql, x.Place, fmt.Sprintf("the default of %s, %s", x.Name, x.Default)); err != nil {
			return err
		}
	}
	return nil
}

func tableOf(db *catalog.Database, n catalog.Name) *catalog.Table {
	i, ok := slices.BinarySearchFunc(db.Tables, n, func(t catalog.Table, n catalog.Name) int { return t.Name.Compare(n) })
	if !ok {
		return nil
	}
	return &db.Tables[i]
}

// fromOf is a table as FROM takes it: a partitioned one with its partitions,
// any other without what inherits from it.
func fromOf(t *catalog.Table) string {
	name := quote.Name(t.Name.Schema, t.Name.Name)
	if t.Kind == catalog.TablePartitioned {
		return name
	}
	return "ONLY " + name
}

// planNode is a node of EXPLAIN's JSON.
type planNode struct {
	Type     string     `json:"Node Type"`
	Relation string     `json:"Relation Name"`
	Rows     float64    `json:"Plan Rows"` // a guess
	Plans    []planNode `json:"Plans"`
}

// explain asks for a statement's plan.
func explain(ctx context.Context, q Querier, sql string) (planNode, error) {
	r, err := q.Query(ctx, "EXPLAIN (FORMAT JSON) "+sql, pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		return planNode{}, err
	}
	text, err := pgx.CollectExactlyOneRow(r, pgx.RowTo[string])
	if err != nil {
		return planNode{}, err
	}
	var out []struct {
		Plan planNode `json:"Plan"`
	}
	if err := json.Unmarshal([]byte(text), &out); err != nil || len(out) != 1 {
		return planNode{}, fmt.Errorf("the source's plan is not understood: %w", errors.Join(err, errors.New(text)))
	}
	return out[0].Plan, nil
}

// explained plans a statement for a place of the mapping. One that makes of a
// row several rows, or of several one, is refused.
func explained(ctx context.Context, q Querier, sql, place, what string) error {
	node, err := explain(ctx, q, sql)
	var pg *pgconn.PgError
	switch {
	case errors.As(err, &pg):
		reason := fmt.Sprintf("the source refuses %s: %s (%s)", what, pg.Message, pg.Code)
		if pg.Hint != "" {
			reason += "; " + pg.Hint
		}
		if pg.Code == "42883" || pg.Code == "42704" || pg.Code == "42P01" {
			reason += "; what is not in pg_catalog is named with its schema"
		}
		return &usermap.Error{Where: place, Reason: reason, Err: err}
	case err != nil:
		return fmt.Errorf("asking the source about %s: %w", what, err)
	}
	for n := &node; n != nil; {
		switch {
		case n.Type == "ProjectSet" || strings.Contains(n.Type, "Aggregate") || n.Type == "WindowAgg" || n.Type == "Group":
			return &usermap.Error{Where: place, Reason: fmt.Sprintf("%s does not give each row one value of its own", what)}
		case len(n.Plans) == 0:
			n = nil
		default:
			n = &n.Plans[0]
		}
	}
	return nil
}

// largeTable is the heap from which reading all of it for a few rows is worth a
// word, in bytes.
const largeTable = 64 << 20

// Unserved lists the large tables whose rows are chosen by a condition that no
// index of the source serves.
func Unserved(ctx context.Context, q Querier, db *catalog.Database, m *usermap.Mapping) ([]catalog.Name, error) {
	if m.Empty() {
		return nil, nil
	}
	var out []catalog.Name
	for i := range m.Tables {
		t := &m.Tables[i]
		source := tableOf(db, t.Source)
		if t.Where == "" || source == nil || source.Kind == catalog.TablePartitioned || source.HeapBytes < largeTable {
			continue
		}
		node, err := explain(ctx, q, "SELECT FROM "+fromOf(source)+" WHERE ("+t.Where+")")
		if err != nil {
			return nil, fmt.Errorf("asking the source how it would read %s: %w", t.Source, err)
		}
		if scansAll(&node, t.Source.Name) {
			out = append(out, t.Source)
		}
	}
	return out, nil
}

// Chosen is how many rows the user's conditions choose of each relation that has
// one, as the source's planner guesses.
func Chosen(ctx context.Context, q Querier, db *catalog.Database, transfers []ddlgen.Transfer) (map[catalog.Name]float64, error) {
	out := map[catalog.Name]float64{}
	for i := range transfers {
		t := &transfers[i]
		for _, r := range t.Relations {
			where, source := t.WhereOf(r), tableOf(db, r)
			if where == "" || source == nil {
				continue
			}
			node, err := explain(ctx, q, "SELECT FROM ONLY "+quote.Name(r.Schema, r.Name)+" WHERE "+where)
			if err != nil {
				return nil, fmt.Errorf("asking the source how many rows of %s it would read: %w", r, err)
			}
			out[r] = node.Rows
		}
	}
	return out, nil
}

// scansAll says whether a plan reads a table from its beginning to its end.
func scansAll(n *planNode, table string) bool {
	if n.Type == "Seq Scan" && n.Relation == table {
		return true
	}
	return slices.ContainsFunc(n.Plans, func(p planNode) bool { return scansAll(&p, table) })
}

// Dangling lists the foreign keys that hold on the source and would not among
// the rows that go: some of those chosen refer to one that is not. Each is
// asked for one such row.
func Dangling(ctx context.Context, q Querier, db *catalog.Database, m *usermap.Mapping) ([]catalog.ColumnRef, error) {
	if m.Empty() {
		return nil, nil
	}
	var out []catalog.ColumnRef
	for i := range db.Constraints {
		c := &db.Constraints[i]
		if c.Kind != catalog.ForeignKey || c.RefTable == nil || c.Inherited || len(c.Columns) != len(c.RefColumns) {
			continue
		}
		from, to := tableOf(db, c.Table), tableOf(db, *c.RefTable)
		if from == nil || to == nil || m.Table(c.Table) != nil && m.Table(c.Table).NoData != "" {
			continue
		}
		chosen, some := rowsOf(db, m, to)
		if !some {
			continue
		}
		mine, _ := rowsOf(db, m, from)
		var match, there []string
		for j, name := range c.Columns {
			there = append(there, "a."+quote.Ident(name)+" IS NOT NULL")
			match = append(match, "b."+quote.Ident(c.RefColumns[j])+" = a."+quote.Ident(name))
		}
		sql := "SELECT EXISTS (SELECT FROM " + mine + " AS a WHERE " + strings.Join(there, " AND ") +
			" AND NOT EXISTS (SELECT FROM " + chosen + " AS b WHERE " + strings.Join(match, " AND ") + "))"
		r, err := q.Query(ctx, sql, pgx.QueryExecModeSimpleProtocol)
		if err != nil {
			return nil, fmt.Errorf("looking for rows of %s that refer to none of those chosen of %s: %w", c.Table, c.RefTable, err)
		}
		dangles, err := pgx.CollectExactlyOneRow(r, pgx.RowTo[bool])
		if err != nil {
			return nil, fmt.Errorf("looking for rows of %s that refer to none of those chosen of %s: %w", c.Table, c.RefTable, err)
		}
		if dangles {
			out = append(out, catalog.ColumnRef{Table: c.Table, Column: c.Name})
		}
	}
	return out, nil
}

// rowsOf is the rows of a table that go, as FROM takes them; some says that
// others stay behind.
func rowsOf(db *catalog.Database, m *usermap.Mapping, t *catalog.Table) (from string, some bool) {
	mapped := m.Table(t.Name)
	if t.Kind != catalog.TablePartitioned {
		switch {
		case mapped == nil || mapped.NoData == "" && mapped.Where == "":
			return fromOf(t), false
		case mapped.NoData != "":
			return "(SELECT * FROM " + fromOf(t) + " WHERE false)", true
		}
		return "(SELECT * FROM " + fromOf(t) + " WHERE (" + mapped.Where + "))", true
	}
	var all []string
	for i := range db.Tables {
		leaf := &db.Tables[i]
		if !leaf.IsPartition || !slices.Contains(leaf.Inherits, t.Name) {
			continue
		}
		rows, less := rowsOf(db, m, leaf)
		some = some || less
		all = append(all, "SELECT "+columnList(t)+" FROM "+rows+" AS p")
	}
	if len(all) == 0 || !some {
		return fromOf(t), some
	}
	return "(" + strings.Join(all, " UNION ALL ") + ")", some
}

func columnList(t *catalog.Table) string {
	names := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		names[i] = c.Name
	}
	return quote.Idents(names)
}
