package scan

import (
	"slices"
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
)

func constraintObject(c *catalog.Constraint) finding.Object {
	return finding.Object{Kind: "constraint", Schema: c.Table.Schema, Parent: c.Table.Name, Name: c.Name}
}

// neverValidated asks for rows that break checks and NOT NULL constraints which
// the source holds without having looked at all rows.
func (t *table) neverValidated(p Params) {
	for i := range p.DB.Constraints {
		c := &p.DB.Constraints[i]
		if c.Table != t.tr.Source || c.Validated && c.Enforced {
			continue
		}
		switch {
		case c.Kind == catalog.Check:
			if expr := checkExpr(string(c.Def)); expr != "" {
				t.conditions = append(t.conditions, &condition{
					kind: kindCheck, object: constraintObject(c), what: "values that the check refuses: " + string(c.Def),
					where: "NOT " + expr,
				})
			}
		case c.Kind == catalog.NotNull && len(c.Columns) == 1:
			t.conditions = append(t.conditions, &condition{
				kind: kindNull, object: constraintObject(c), what: "NULL where the constraint refuses it",
				where: quote.Ident(c.Columns[0]) + " IS NULL",
			})
		}
	}
	for i := range t.t.Columns {
		c := &t.t.Columns[i]
		for typ := c.Type; typ.Kind == catalog.KindDomain && !typ.Array; {
			d := findDomain(p.DB, typ.Name)
			if d == nil {
				break
			}
			for _, check := range d.Checks {
				expr := checkExpr(string(check.Def))
				if check.Validated || expr == "" {
					continue
				}
				t.conditions = append(t.conditions, &condition{
					kind:   kindCheck,
					object: finding.Object{Kind: "column", Schema: t.tr.Source.Schema, Parent: t.tr.Source.Name, Name: c.Name},
					what:   "values that check " + check.Name + " of domain " + d.Name.String() + " refuses",
					where:  "NOT " + withValue(expr, quote.Ident(c.Name)),
				})
			}
			typ = d.Base
		}
	}
}

func findDomain(db *catalog.Database, n catalog.Name) *catalog.Domain {
	i := slices.IndexFunc(db.Domains, func(d catalog.Domain) bool { return d.Name == n })
	if i < 0 {
		return nil
	}
	return &db.Domains[i]
}

// checkExpr is the expression of pg_get_constraintdef's "CHECK ((a > 0)) NOT
// VALID", in its parentheses; empty where the text is another.
func checkExpr(def string) string {
	rest, ok := strings.CutPrefix(def, "CHECK ")
	if !ok || !strings.HasPrefix(rest, "(") {
		return ""
	}
	depth := 0
	end := -1
	walkSQL(rest, func(i int, c byte) bool {
		switch c {
		case '(':
			depth++
		case ')':
			depth--
			if depth == 0 {
				end = i
				return false
			}
		}
		return true
	})
	if end < 0 {
		return ""
	}
	return rest[:end+1]
}

// walkSQL calls f for each byte that the server wrote outside of quotes, until
// f returns false. The server doubles quotes and backslashes alike.
func walkSQL(sql string, f func(i int, c byte) bool) {
	for i := 0; i < len(sql); i++ {
		if c := sql[i]; c == '\'' || c == '"' {
			end := strings.IndexByte(sql[i+1:], c)
			if end < 0 {
				return
			}
			i += end + 1
			continue
		}
		if !f(i, sql[i]) {
			return
		}
	}
}

// withValue puts a column in the place of a domain's VALUE.
func withValue(expr, column string) string {
	var b strings.Builder
	from := 0
	word := func(c byte) bool {
		return c == '_' || c == '$' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
	}
	const name = "VALUE"
	walkSQL(expr, func(i int, _ byte) bool {
		end := i + len(name)
		if i >= from && strings.HasPrefix(expr[i:], name) && (i == 0 || !word(expr[i-1])) && (end == len(expr) || !word(expr[end])) {
			b.WriteString(expr[from:i] + column)
			from = end
		}
		return true
	})
	return b.String() + expr[from:]
}

// orphans asks for rows whose foreign key leads nowhere. Valid keys are looked
// at too: a load with triggers off leaves no trace in the catalog.
func (t *table) orphans(p Params) {
	for i := range p.DB.Constraints {
		c := &p.DB.Constraints[i]
		if c.Kind != catalog.ForeignKey || c.Table != t.tr.Source || c.RefTable == nil || len(c.Columns) != len(c.RefColumns) ||
			strings.Contains(string(c.Def), ", PERIOD ") {
			continue
		}
		ref := findTable(p.DB, *c.RefTable)
		if ref == nil || ref.Kind == catalog.TableForeign {
			continue // it is not among what is moved; the plan says what becomes of the key
		}
		where := Reference{
			Table: c.Table, Ref: ref.Name, Columns: c.Columns, RefColumns: c.RefColumns, MatchFull: c.MatchFull,
			RefOnly: ref.Kind != catalog.TablePartitioned,
		}.orphans()
		t.conditions = append(t.conditions, &condition{
			kind: kindOrphan, object: constraintObject(c), apart: true, where: where,
			what: "no row of " + ref.Name.String() + " that they refer to",
		})
	}
}
