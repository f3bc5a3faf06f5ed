package scan

import (
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
)

// Reference is a foreign key, in the names of the server that is asked.
type Reference struct {
	Table, Ref          catalog.Name
	Columns, RefColumns []string
	MatchFull           bool
	Only, RefOnly       bool // the rows of the table alone, not those of its children
}

// orphans is the condition that rows meet, under the alias row, whose key leads
// nowhere.
func (r Reference) orphans() string {
	var some, all, equal []string
	for j, name := range r.Columns {
		column := row + "." + quote.Ident(name)
		some = append(some, column+" IS NULL")
		all = append(all, column+" IS NOT NULL")
		equal = append(equal, "pg2db9_ref."+quote.Ident(r.RefColumns[j])+" = "+column)
	}
	missing := "NOT EXISTS (SELECT 1 FROM " + only(r.RefOnly) + quote.Name(r.Ref.Schema, r.Ref.Name) + " AS pg2db9_ref WHERE " + strings.Join(equal, " AND ") + ")"
	where := strings.Join(all, " AND ") + " AND " + missing
	if r.MatchFull && len(r.Columns) > 1 {
		where = "(" + where + " OR (" + strings.Join(some, " OR ") + ") AND NOT (" + strings.Join(some, " AND ") + "))"
	}
	return where
}

func only(yes bool) string {
	if yes {
		return "ONLY "
	}
	return ""
}

// Query lists the rows whose key leads nowhere, by the columns given before the
// key's own.
func (r Reference) Query(columns ...string) string {
	var names []string
	for _, c := range append(columns[:len(columns):len(columns)], r.Columns...) {
		names = append(names, row+"."+quote.Ident(c))
	}
	return "SELECT " + strings.Join(names, ", ") + r.from()
}

// CountQuery counts them.
func (r Reference) CountQuery() string { return "SELECT count(*)" + r.from() }

// SampleQuery is Query with texts for values, of some of the rows.
func (r Reference) SampleQuery(most string, columns ...string) string {
	var names []string
	for _, c := range append(columns[:len(columns):len(columns)], r.Columns...) {
		names = append(names, "CAST("+row+"."+quote.Ident(c)+" AS text)")
	}
	return "SELECT " + strings.Join(names, ", ") + r.from() + " LIMIT " + most
}

func (r Reference) from() string {
	return " FROM " + only(r.Only) + quote.Name(r.Table.Schema, r.Table.Name) + " AS " + row + " WHERE " + r.orphans()
}

// Orphan is the code of a foreign key that rows break.
const Orphan = "data." + kindOrphan
