package copier

import (
	"fmt"
	"strings"

	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
)

// copyOutSQL reads a part. Only the relation itself is read, never what inherits
// from it: that is a relation of its own.
func copyOutSQL(t *ddlgen.Transfer, p Part) string {
	rel := quote.Name(p.Relation.Schema, p.Relation.Name)
	rows := t.WhereOf(p.Relation)
	plain := !p.Blocks && p.Keys == nil && rows == "" && len(t.Columns) > 0
	var cols []string
	for _, c := range t.Columns {
		cols = append(cols, c.Select)
		plain = plain && !c.Computed && c.Select == quote.Ident(c.Source)
	}
	list := strings.Join(cols, ", ")
	if plain {
		// COPY of a table reads the table alone, and a little faster than a query.
		return fmt.Sprintf("COPY %s (%s) TO STDOUT", rel, list) + formatSQL(t)
	}
	var conditions []string
	if p.Blocks {
		conditions = append(conditions, fmt.Sprintf("ctid >= '(%d,0)'::pg_catalog.tid", p.First))
		if p.End > 0 {
			conditions = append(conditions, fmt.Sprintf("ctid < '(%d,0)'::pg_catalog.tid", p.End))
		}
	}
	order := ""
	if p.Keys != nil {
		conditions = append(conditions, p.Keys.where(p.Relation.Name)...)
		order = " ORDER BY " + p.Keys.order(p.Relation.Name)
	}
	if rows != "" {
		conditions = append(conditions, rows)
	}
	where := ""
	if len(conditions) > 0 {
		where = " WHERE " + strings.Join(conditions, " AND ")
	}
	return fmt.Sprintf("COPY (SELECT %s FROM ONLY %s%s%s) TO STDOUT", list, rel, where, order) + formatSQL(t)
}

// copyInSQL writes a table. A table of which no column can be written (it has
// none, or only generated ones) takes no list: its rows are empty lines.
func copyInSQL(t *ddlgen.Transfer) string {
	table := quote.Name(t.Target.Schema, t.Target.Name)
	if len(t.Columns) == 0 {
		return fmt.Sprintf("COPY %s FROM STDIN", table)
	}
	cols := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		cols[i] = c.Target
	}
	return fmt.Sprintf("COPY %s (%s) FROM STDIN", table, quote.Idents(cols))
}
