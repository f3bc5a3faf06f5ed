package scan

import (
	"fmt"
	"strings"
	"sync"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
)

// row is the alias of the table that a condition is asked of. Conditions name
// its columns bare; those with subqueries of their own qualify by it.
const row = "pg2db9_row"

// condition is one kind of rows of a table, counted piece by piece.
type condition struct {
	kind    string
	object  finding.Object
	what    string
	where   string
	refused bool
	apart   bool // asked by a query of its own over the whole relation: a join

	// What was seen, over all relations; under table.mu.
	count, low, high float64
	estimated        bool
	keys             []string
	why              string // the error that stopped it
}

// table is a table of the plan while it is scanned.
type table struct {
	tr         *ddlgen.Transfer
	t          *catalog.Table
	conditions []*condition
	keys       []string // source columns that name a row; empty: its ctid
	relations  []*relation

	mu          sync.Mutex
	rows, bytes int64
	of          float64
	partial     bool
	why         string
	left        int // pieces not done yet
}

// relation is what is read: the table itself, or a leaf partition.
type relation struct {
	name   catalog.Name
	where  string // the user's condition on its rows, in parentheses; empty is none
	size   size
	known  bool    // there, and readable
	sample float64 // percent of its blocks that are read; 0 is all
	rows   int64   // looked at
	closed bool    // it turned out that it cannot be read
}

// size is a row of queries/relations.sql.
type size struct {
	Ord      int64
	Kind     string
	Method   string
	Heap     int64
	Toast    int64
	Block    int64
	Tuples   int64
	Readable bool // at least one column
	Ranges   bool // all columns, the system's with them
}

// from is the relation with its sample and the user's condition as a FROM and
// WHERE clause; more is a further condition.
func (r *relation) from(more ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "FROM ONLY %s AS %s", quote.Name(r.name.Schema, r.name.Name), row)
	if r.sample > 0 {
		// The same blocks each time: sample keys come from the rows that were counted.
		fmt.Fprintf(&b, " TABLESAMPLE SYSTEM (%g) REPEATABLE (1)", r.sample)
	}
	var conditions []string
	if r.where != "" {
		conditions = append(conditions, r.where)
	}
	for _, c := range more {
		if c != "" {
			conditions = append(conditions, "("+c+")")
		}
	}
	if len(conditions) > 0 {
		b.WriteString(" WHERE " + strings.Join(conditions, " AND "))
	}
	return b.String()
}

// tablesOf makes a table of each that the user knows; partitions that stay
// partitions have a transfer each, and one table together.
func tablesOf(p Params) []*table {
	var out []*table
	bySource := map[catalog.Name]*table{}
	for i := range p.Plan.Transfers {
		tr := &p.Plan.Transfers[i]
		t := bySource[tr.Source]
		if t == nil {
			t = newTable(p, tr)
			bySource[tr.Source] = t
			out = append(out, t)
		}
		for _, r := range tr.Relations {
			t.relations = append(t.relations, &relation{name: r, where: tr.WhereOf(r)})
		}
	}
	return out
}

// newTable collects what is asked of a transfer's rows.
func newTable(p Params, tr *ddlgen.Transfer) *table {
	t := &table{tr: tr, t: findTable(p.DB, tr.Source)}
	for _, k := range tr.Key {
		for _, c := range tr.Columns {
			if c.Target == k {
				t.keys = append(t.keys, c.Source)
				break
			}
		}
	}
	if len(t.keys) < len(tr.Key) {
		t.keys = nil
	}
	for _, c := range tr.Columns {
		for _, a := range c.Affected {
			t.conditions = append(t.conditions, &condition{
				kind: a.Kind, what: a.What, where: a.Where, refused: a.Refused,
				object: finding.Object{Kind: "column", Schema: tr.Source.Schema, Parent: tr.Source.Name, Name: c.Source},
			})
		}
	}
	if t.t == nil {
		return t
	}
	if p.Profile.RowBytes > 0 {
		t.wideRows(p)
	}
	if p.Profile.Map {
		t.longKeys(p)
	}
	t.neverValidated(p)
	t.orphans(p)
	return t
}

func findTable(db *catalog.Database, n catalog.Name) *catalog.Table {
	for i := range db.Tables {
		if db.Tables[i].Name == n {
			return &db.Tables[i]
		}
	}
	return nil
}

func findColumn(t *catalog.Table, name string) *catalog.Column {
	for i := range t.Columns {
		if t.Columns[i].Name == name {
			return &t.Columns[i]
		}
	}
	return nil
}

// object is the table as findings name it.
func (t *table) object() finding.Object {
	return finding.Object{Kind: "table", Schema: t.tr.Source.Schema, Name: t.tr.Source.Name}
}

// whole is the table as the user names it, in a FROM clause.
func (t *table) whole() string {
	only := "ONLY "
	if t.t != nil && t.t.Kind == catalog.TablePartitioned {
		only = ""
	}
	return only + quote.Name(t.tr.Source.Schema, t.tr.Source.Name) + " AS " + row
}

// list is the query for the user that lists all rows of a condition.
func (t *table) list(c *condition) string {
	columns := row + ".ctid, " + row + ".*"
	if len(t.keys) > 0 {
		columns = quote.Idents(t.keys)
	}
	where := c.where
	if len(t.relations) > 0 && t.relations[0].where != "" {
		where = t.relations[0].where + " AND (" + where + ")"
	}
	return "SELECT " + columns + " FROM " + t.whole() + " WHERE " + strings.Join(strings.Fields(where), " ")
}
