package ddlgen

import (
	"fmt"
	"slices"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen/usermap"
)

// What the planner asks of the mapping beside names: types, rows, columns of
// the target's own.

// wish is what is asked of a column by the user; nil is nothing.
func (r *remodel) wish(table catalog.Name, column string) *usermap.Column {
	if r == nil {
		return nil
	}
	return r.wishes[catalog.ColumnRef{Table: table, Column: column}]
}

// plainFor says why a generated column's expression is lost by the mapping.
func (r *remodel) plainFor(table catalog.Name, column string) string {
	if r == nil {
		return ""
	}
	return r.plain[catalog.ColumnRef{Table: table, Column: column}]
}

// mapped is what is asked of a table of the target.
func (r *remodel) mapped(target catalog.Name) *usermap.Table {
	if r == nil {
		return nil
	}
	return r.m.Table(r.sourceName(target))
}

// extra is the user's description of a column that the target alone has.
func (p *planner) extra(table catalog.Name, c *catalog.Column) *usermap.Extra {
	if p.names == nil {
		return nil
	}
	return p.names.extras[catalog.ColumnRef{Table: table, Column: c.Name}]
}

// refuse notes what a mapping asks for and the target has not.
func (p *planner) refuse(place, format string, args ...any) {
	if p.impossible == nil {
		p.impossible = &usermap.Error{Where: place, Reason: fmt.Sprintf(format, args...)}
	}
}

// userTyping is what the user says becomes of a column; typ is what would
// without a word of his.
func (p *planner) userTyping(table catalog.Name, c *catalog.Column, typ typing) typing {
	if x := p.extra(table, c); x != nil {
		p.find(mappingAdded, columnObject(table, c.Name), "%s, as %s says", x.Type.Text, x.Place)
		return p.wanted(c.Type, x.Place)
	}
	w := p.names.wish(table, c.Name)
	if w == nil || w.Type == nil && w.Select == "" {
		return typ
	}
	sel := func(q string) string { return q }
	if w.Select != "" {
		sel = func(string) string { return w.Select }
	}
	o := columnObject(table, c.Name)
	if w.Type == nil {
		typ.sel = sel
		p.find(mappingType, o, "its values are %s, as %s says", w.Select, w.Place)
		return typ
	}
	to := w.Type.Type
	if !builtIn(to.Name.Schema) {
		to = p.names.typ(to)
	}
	if w.Half {
		return p.half(table, c, w, to)
	}
	out := p.wanted(to, w.Place)
	out.sel, out.domains, out.loss, out.asked = sel, typ.domains, w.Loss, &to
	out.class = kindredTypes(c.Type, to)
	message := fmt.Sprintf("%s becomes %s", c.Type.Text, out.target)
	if w.Loss != "" {
		message += "; lost: " + w.Loss
	}
	p.find(mappingType, o, "%s, as %s says", message, w.Place)
	return out
}

// half is one of the two columns that one becomes.
func (p *planner) half(table catalog.Name, c *catalog.Column, w *usermap.Column, to catalog.Type) typing {
	out := p.typing(to)
	if out.sel != nil {
		inner := out.sel
		out.sel = func(string) string { return inner(w.Select) }
	} else {
		out.sel = func(string) string { return w.Select }
	}
	out.asked, out.inner = &to, w.Select
	p.find(mappingType, columnObject(table, c.Name), "column %s becomes %s of type %s; lost: %s, as %s says", w.Source, w.Target, out.target, w.Loss, w.Place)
	if out.code != "" {
		p.find(out.code, columnObject(table, c.Name), "%s", out.message)
		out.code, out.message = "", ""
	}
	return out
}

// wanted is the target's side of a type that the user asks for by name.
func (p *planner) wanted(to catalog.Type, place string) typing {
	base := p.typing(to)
	switch {
	case base.code == typeRefused || base.code == typeUnavailable:
		p.refuse(place, "the target has no type %s: %s", to.Text, base.message)
	case base.target != to.Text:
		p.refuse(place, "the target has no type %s: ask for %s", to.Text, base.target)
	case base.sel != nil: // more digits than the target keeps
		p.refuse(place, "the target does not keep the values of a %s as they are: %s", to.Text, base.message)
	}
	return typing{target: base.target, canon: base.canon}
}

// kindredTypes says what becomes of expressions over a column that gets another
// type.
func kindredTypes(from, to catalog.Type) class {
	switch {
	case from.Text == to.Text:
		return same
	case from.Array != to.Array:
		return other
	case from.Name == to.Name || kin(from) != "" && kin(from) == kin(to):
		return alike
	}
	return other
}

// kin names the families of types that share their operators.
func kin(t catalog.Type) string {
	if t.Name.Schema != "pg_catalog" {
		return ""
	}
	switch t.Name.Name {
	case "int2", "int4", "int8", "numeric", "float4", "float8":
		return "number"
	case "text", "varchar", "bpchar", "name":
		return "text"
	}
	return ""
}

// sourceTable is a table of the target's model as the source has it.
func (p *planner) sourceTable(t *catalog.Table) *catalog.Table {
	if p.source == p.db || p.source == nil {
		return t
	}
	i, ok := slices.BinarySearchFunc(p.source.Tables, p.names.sourceName(t.Name), func(t catalog.Table, n catalog.Name) int { return t.Name.Compare(n) })
	if !ok {
		return t
	}
	return &p.source.Tables[i]
}

// sourceType is the type of a column on the source, in its names.
func (p *planner) sourceType(t *tablePlan, c *columnPlan, source string) *catalog.Type {
	if from := column(p.sourceTable(t.t), source); from != nil {
		return &from.Type
	}
	return &c.c.Type
}

// relationsOf says which relations of the source are read for a table, and
// which of their rows.
func (p *planner) relationsOf(t *tablePlan, tr *Transfer) {
	relations := []*catalog.Table{t.t}
	if t.leaves != nil {
		relations = t.leaves
	}
	tr.Relations = make([]catalog.Name, 0, len(relations))
	var noData string
	filtered := false
	for _, rel := range relations {
		n := p.names.sourceName(rel.Name)
		m := p.names.mapped(rel.Name)
		if m != nil && m.NoData != "" {
			noData = m.NoData
			continue
		}
		where := ""
		if m != nil {
			where = m.Where
		}
		filtered = filtered || where != ""
		tr.Relations, tr.Where = append(tr.Relations, n), append(tr.Where, where)
	}
	if !filtered {
		tr.Where = nil
	}
	if m := p.names.mapped(t.t.Name); m != nil && m.NoData != "" {
		noData = m.NoData
		tr.Relations = []catalog.Name{}
	}
	if len(tr.Relations) == 0 {
		tr.NoData, tr.Where = noData, nil
	}
}

// rows is how many of a table's rows go: all, some, or none.
type rows int

const (
	allRows rows = iota
	someRows
	noRows
)

// chosenRows says how many rows of a table on the target go.
func (p *planner) chosenRows(target catalog.Name) rows {
	if m := p.names.mapped(target); m != nil {
		switch {
		case m.NoData != "":
			return noRows
		case m.Where != "":
			return someRows
		}
	}
	for _, child := range p.model.children[target] {
		if t := p.model.tables.get(child); t.IsPartition && p.chosenRows(child) != allRows {
			return someRows
		}
	}
	return allRows
}

// rowFindings says once, of a whole tree at its root, which rows go.
func (p *planner) rowFindings(t *tablePlan) {
	about := append([]*catalog.Table{t.t}, t.leaves...)
	for _, x := range about {
		m := p.names.mapped(x.Name)
		if m == nil {
			continue
		}
		var up *usermap.Table
		if x.IsPartition && len(x.Inherits) > 0 {
			up = p.names.mapped(x.Inherits[0])
		}
		o := tableObject(x.Name)
		switch {
		case m.NoData != "":
			if up == nil || up.NoData != m.NoData {
				p.find(filterData, o, "its rows stay behind (%s)", m.NoData)
			}
		case m.Where != "":
			if up == nil || up.Where != m.Where {
				p.find(filterRows, o, "the rows where %s (%s)", m.Where, m.Rows)
			}
			if slices.Contains(p.opts.Unserved, m.Source) {
				p.find(filterNoIndex, o, "all of it is read for the rows where %s", m.Where)
			}
		}
	}
}

// dangles says why a foreign key could not hold on the target; empty is that it
// may.
func (p *planner) dangles(t *tablePlan, c *catalog.Constraint) string {
	if c.RefTable == nil || p.chosenRows(t.t.Name) == noRows {
		return ""
	}
	switch p.chosenRows(*c.RefTable) {
	case noRows:
		return fmt.Sprintf("the rows of %s stay behind", c.RefTable)
	case someRows:
		key := catalog.ColumnRef{Table: p.names.sourceName(t.t.Name), Column: c.Name}
		if slices.Contains(p.opts.Dangling, key) {
			return fmt.Sprintf("it refers to rows of %s that stay behind", c.RefTable)
		}
	case allRows:
	}
	return ""
}

// unvalidated says whether a foreign key can stand without looking at the rows
// that are there.
func (p *planner) unvalidated(t *tablePlan, c *catalog.Constraint) bool {
	return p.profile.NotValid && c.Enforced && !t.isRoot() && t.t.Kind != catalog.TablePartitioned && c.Validated
}

// shortened are the views that show fewer rows on the target, since what they
// read is not all there.
func (p *planner) shortened() {
	if p.names == nil || p.names.m.Empty() {
		return
	}
	short := map[catalog.Name]string{}
	p.short = short
	for i := range p.db.Tables {
		n := p.db.Tables[i].Name
		if p.chosenRows(n) != allRows {
			short[n] = n.String()
		}
	}
	for changed := len(short) > 0; changed; {
		changed = false
		for i := range p.db.Views {
			v := &p.db.Views[i]
			for _, u := range v.Uses {
				if reads := short[u.Name]; reads != "" && short[v.Name] == "" {
					short[v.Name] = reads
					changed = true
				}
			}
		}
	}
	for i := range p.db.Views {
		v := &p.db.Views[i]
		if reads := short[v.Name]; reads != "" {
			p.find(filterReads, objectOf(v.Kind(), v.Name), "it reads %s, of which not all rows go", reads)
		}
	}
}
