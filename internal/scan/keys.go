package scan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
)

// question is what takes a query of its own, after the rows were counted: it
// needs all of them at once.
type question struct {
	table  *table
	kind   string
	object finding.Object
	what   string
	query  string // one row: how many rows it is about, and an array of sample keys
	list   string // for the user: lists them all
	whole  bool   // it cannot be answered from a sample

	// needed says after the count whether there is anything to ask.
	needed func() bool
}

// uniqueKeys asks for keys that become equal on the way: the rounded time of two
// rows, or texts whose case no longer matters.
func (t *table) uniqueKeys(p Params) []*question {
	var out []*question
	for i := range p.DB.Indexes {
		x := &p.DB.Indexes[i]
		if x.Table != t.tr.Source || !x.Unique || !x.Valid {
			continue
		}
		var exprs, notNull, names []string
		var rounded []string // columns that lose digits of time
		changed := false
		for _, k := range x.Keys {
			if k.Column == "" {
				exprs, names = append(exprs, "("+string(k.Expr)+")"), append(names, string(k.Expr))
				notNull = append(notNull, "("+string(k.Expr)+") IS NOT NULL")
				continue
			}
			expr, kind := t.arriving(p, k.Column)
			if kind == kindCollision {
				rounded = append(rounded, k.Column)
			}
			changed = changed || kind != ""
			exprs, names = append(exprs, expr), append(names, k.Column)
			notNull = append(notNull, quote.Ident(k.Column)+" IS NOT NULL")
		}
		if !changed {
			continue
		}
		where := notNull
		if x.NullsEqual && p.Profile.Deferrable {
			where = nil
		}
		if x.Predicate != "" {
			where = append(where, "("+string(x.Predicate)+")")
		}
		out = append(out, t.keyQuestion(p, x, exprs, names, where, rounded))
	}
	return out
}

func (t *table) keyQuestion(p Params, x *catalog.Index, exprs, names, where, rounded []string) *question {
	from := " FROM " + t.whole()
	if len(t.relations) > 0 && t.relations[0].where != "" {
		where = append(where, t.relations[0].where)
	}
	if len(where) > 0 {
		from += " WHERE " + strings.Join(where, " AND ")
	}
	labels := make([]string, len(exprs))
	texts := make([]string, len(exprs))
	for i, e := range exprs {
		labels[i] = fmt.Sprintf("%s AS k%d", e, i+1)
		texts[i] = keyText(names[i], fmt.Sprintf("g.k%d", i+1))
	}
	group := make([]string, len(exprs))
	for i := range exprs {
		group[i] = fmt.Sprint(i + 1)
	}
	list := "SELECT " + strings.Join(labels, ", ") + ", pg_catalog.count(*) AS n" + from + " GROUP BY " + strings.Join(group, ", ") + " HAVING pg_catalog.count(*) > 1"
	q := &question{
		table: t, kind: kindDuplicate, object: finding.Object{Kind: "index", Schema: x.Name.Schema, Name: x.Name.Name},
		what: "a key that others have too, in the form in which it arrives", list: list, whole: true,
		query: fmt.Sprintf("WITH g AS MATERIALIZED (%s) SELECT coalesce((SELECT pg_catalog.sum(g.n) FROM g), 0)::bigint, ARRAY(SELECT %s FROM g LIMIT %d)",
			list, strings.Join(texts, " || ', ' || "), p.Keys),
	}
	if x.Constraint != "" {
		q.object = finding.Object{Kind: "constraint", Schema: x.Table.Schema, Parent: x.Table.Name, Name: x.Constraint}
	}
	if len(rounded) > 0 {
		q.kind, q.what = kindCollision, "a key that others have too once its time is rounded"
		if !slices.ContainsFunc(x.Keys, func(k catalog.IndexKey) bool { _, kind := t.arriving(p, k.Column); return kind == kindDuplicate }) {
			// Of two keys that become equal, one has more digits than are kept.
			q.needed = func() bool { return t.any("sub-millisecond", rounded) }
		}
	}
	return q
}

// arriving is the expression of a key column as the target compares it; kind
// says what may make two of them equal, and is empty where nothing does.
func (t *table) arriving(p Params, column string) (expr, kind string) {
	expr = quote.Ident(column)
	i := slices.IndexFunc(t.tr.Columns, func(c ddlgen.ColumnTransfer) bool { return c.Source == column })
	if i < 0 {
		return expr, ""
	}
	c := &t.tr.Columns[i]
	for _, a := range c.Affected {
		switch a.Kind {
		case "sub-millisecond":
			return c.Select, kindCollision
		case "scale":
			return c.Select, kindDuplicate
		}
	}
	if c.SourceType.Extension == "citext" && !c.SourceType.Array && p.Profile.Map {
		return "pg_catalog.lower(" + expr + "::pg_catalog.text)", kindDuplicate
	}
	return expr, ""
}

// any says whether rows of a kind were seen in one of the columns, or may be
// there unseen.
func (t *table) any(kind string, columns []string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.partial {
		return true
	}
	return slices.ContainsFunc(t.conditions, func(c *condition) bool {
		return c.kind == kind && slices.Contains(columns, c.object.Name) && (c.count > 0 || c.why != "")
	})
}

// keyText is a key column's name and value in one text, shortened.
func keyText(name, expr string) string {
	return quote.Literal(name+"=") + " || coalesce(pg_catalog.left(" + expr + "::pg_catalog.text, 60), 'NULL')"
}

// sequences asks whether sequences stand behind their columns.
func (t *table) sequences(p Params) []*question {
	var out []*question
	for i := range p.DB.Sequences {
		s := &p.DB.Sequences[i]
		if s.Owner == nil || s.Owner.Table != t.tr.Source || s.Unreadable || s.Cycle || findColumn(t.t, s.Owner.Column) == nil {
			continue
		}
		column := quote.Ident(s.Owner.Column)
		// The next value is the last one and a step, or the last one where it was
		// never taken.
		next := s.LastValue
		if s.IsCalled {
			next += s.Increment
		}
		end, behind := "max", ">="
		if s.Increment < 0 {
			end, behind = "min", "<="
		}
		list := fmt.Sprintf("SELECT %s FROM %s WHERE %s %s %d", column, t.whole(), column, behind, next)
		out = append(out, &question{
			table: t, kind: kindSequence, object: finding.Object{Kind: "sequence", Schema: s.Name.Schema, Name: s.Name.Name},
			what: fmt.Sprintf("a value in column %s that the sequence has still to give, whose next is %d", s.Owner.Column, next),
			list: list, whole: !t.indexed(p, s.Owner.Column),
			query: fmt.Sprintf(`SELECT CASE WHEN m.v %[1]s %[2]d THEN (SELECT pg_catalog.count(*) FROM %[3]s WHERE %[4]s %[1]s %[2]d) ELSE 0 END,
	CASE WHEN m.v %[1]s %[2]d THEN ARRAY[%[5]s || m.v::pg_catalog.text] ELSE '{}' END
FROM (SELECT pg_catalog.%[6]s(%[4]s) AS v FROM %[3]s) AS m`, behind, next, t.whole(), column, quote.Literal(s.Owner.Column+"="), end),
		})
	}
	return out
}

// indexed says whether the ends of a column are found by an index.
func (t *table) indexed(p Params, column string) bool {
	return slices.ContainsFunc(p.DB.Indexes, func(x catalog.Index) bool {
		return x.Table == t.tr.Source && x.Method == "btree" && x.Valid && x.Predicate == "" && len(x.Keys) > 0 && x.Keys[0].Column == column
	})
}
