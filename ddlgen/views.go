package ddlgen

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
)

// viewPlan is what becomes of one view.
type viewPlan struct {
	v     *catalog.View
	node  *node
	query string          // on the target
	shows map[string]bool // columns that show a value of another kind than at the source; see classOf

	nesting int    // views that it stands upon, itself counted; 0 was not asked for
	id      string // of the statement that makes it
	refresh string // of the one that fills it; empty is none
}

func viewID(n catalog.Name) string { return "views/" + n.String() }

// declareViews makes a node of each view.
func (p *planner) declareViews() {
	for i := range p.db.Views {
		v := &p.db.Views[i]
		vp := &viewPlan{v: v, shows: map[string]bool{}}
		p.views[v.Name] = vp
		p.relations[v.Name] = true
		vp.node = &node{
			key: refKey{v.Kind(), v.Name}, object: objectOf(v.Kind(), v.Name), refs: wholeRefs(v.Uses), phase: PhaseViews, code: viewLost,
			judge:  func() string { return p.judgeView(vp) },
			settle: func() { p.settleView(vp) },
			make:   func(at place) { p.makeView(vp, at) },
		}
		if !v.Materialized {
			vp.node.shell = func(at place) { p.viewShell(vp, at) }
		}
		p.declare(vp.node)
	}
}

// wholeRefs are references to objects, without their columns.
func wholeRefs(refs []catalog.Ref) []catalog.Ref {
	out := make([]catalog.Ref, 0, len(refs))
	for _, r := range refs {
		r.Column = ""
		if len(out) == 0 || out[len(out)-1] != r {
			out = append(out, r)
		}
	}
	return out
}

// judgeView says why a view cannot be carried although all that it needs is
// there.
func (p *planner) judgeView(vp *viewPlan) (why string) {
	v := vp.v
	switch {
	case builtIn(v.Name.Schema):
		return fmt.Sprintf("it stands in %s, which is the server's own", v.Name.Schema)
	case p.profile.Map && p.circular(vp.node):
		return "it needs itself, by way of what it reads or calls"
	case v.Materialized && p.circular(vp.node):
		return "it needs itself, by way of what it reads or calls: a materialized view cannot be replaced by another query"
	case !p.profile.Map && hasOption(v.Options, "security_invoker") && !p.has(15):
		return fmt.Sprintf("%s has no security_invoker: the view would show all rows to all who may read it", p.majorText())
	}
	if limit := p.profile.ViewNesting; limit > 0 && p.nesting(vp) > limit {
		return fmt.Sprintf("it stands upon %d views, one upon the other: the target takes %d", p.nesting(vp)-1, limit-1)
	}
	vp.query, why = p.viewQuery(vp)
	return why
}

// nesting counts the views upon which a view stands, one upon the other.
func (p *planner) nesting(vp *viewPlan) int {
	if vp.nesting == 0 {
		vp.nesting = 1 // for a circle
		deepest := 0
		for _, u := range vp.v.Uses {
			if below := p.views[u.Name]; below != nil && isView(u.Kind) {
				deepest = max(deepest, p.nesting(below))
			}
		}
		vp.nesting = 1 + deepest
	}
	return vp.nesting
}

func isView(kind string) bool { return kind == "view" || kind == "materialized view" }

func hasOption(options []string, name string) bool {
	return slices.ContainsFunc(options, func(o string) bool {
		key, value, given := strings.Cut(o, "=")
		return key == name && (!given || value == "" || strings.EqualFold(value, "true") || strings.EqualFold(value, "on") || value == "1")
	})
}

// viewCarried says whether a name is that of a view on the target.
func (p *planner) viewCarried(n catalog.Name) bool {
	vp := p.views[n]
	return vp != nil && p.whyLeft(vp.node) == ""
}

// settleView notes what a view's statements use beside its query.
func (p *planner) settleView(vp *viewPlan) {
	for i := range vp.v.Columns {
		p.need(vp.v.Columns[i].Uses, PhaseViews)
	}
	for x := range p.model.indexes.of(vp.v.Name) {
		p.need(x.Uses, PhaseViews)
	}
}

// makeView adds the statements of a view.
func (p *planner) makeView(vp *viewPlan, at place) {
	v := vp.v
	word := strings.ToUpper(v.Kind())
	var b strings.Builder
	b.WriteString("CREATE ")
	undo := "DROP " + word + " " + quoted(v.Name)
	if at.shell {
		b.WriteString("OR REPLACE ")
		undo = "CREATE OR REPLACE " + p.shellText(v)
	}
	b.WriteString(word + " " + quoted(v.Name))
	columns := p.viewColumns(vp, &b)
	p.viewOptions(vp, &b)
	b.WriteString(" AS\n" + vp.query)
	if v.Materialized {
		b.WriteString("\n  WITH NO DATA")
	}
	vp.id = p.add(Statement{ID: viewID(v.Name), Phase: at.phase, Object: vp.node.object, SQL: b.String(), Columns: columns, Undo: undo})
	p.viewDefaults(vp, at)
	if v.Materialized {
		p.materialized(vp, at)
	}
	p.viewFindings(vp)
}

// viewColumns writes the names of the columns: those of the query may be others.
func (p *planner) viewColumns(vp *viewPlan, b *strings.Builder) (columns []string) {
	names := make([]string, len(vp.v.Columns))
	for i, c := range vp.v.Columns {
		names[i] = ident(c.Name)
		columns = append(columns, c.Name)
	}
	if len(names) > 0 {
		b.WriteString(" (" + strings.Join(names, ", ") + ")")
	}
	return columns
}

// viewOptions writes the options that the target keeps, and finds the others.
func (p *planner) viewOptions(vp *viewPlan, b *strings.Builder) {
	v, given := vp.v, vp.v.Options
	if !p.profile.Map && !p.has(15) { // where it is off, which is what a target without it does
		given = slices.DeleteFunc(slices.Clone(given), func(o string) bool { return strings.HasPrefix(o, "security_invoker=") })
	}
	switch {
	case len(given) == 0:
	case p.profile.StorageOptions:
		b.WriteString(" WITH (" + options(given) + ")")
	case v.Materialized:
		p.find(tableOptions, vp.node.object, "WITH (%s) is not kept", strings.Join(given, ", "))
	default:
		p.find(viewChanged, vp.node.object, "WITH (%s) is not kept", strings.Join(given, ", "))
	}
	if v.Tablespace != "" {
		p.find(tablePlace, vp.node.object, "tablespace %s is not kept", v.Tablespace)
	}
	if v.AccessMeth != "" {
		p.find(tableAccess, vp.node.object, "access method %s is not kept", v.AccessMeth)
	}
}

// viewDefaults sets the values that an INSERT into the view takes.
func (p *planner) viewDefaults(vp *viewPlan, at place) {
	for _, c := range vp.v.Columns {
		if c.Default == "" {
			continue
		}
		o := columnObject(vp.v.Name, c.Name)
		if p.profile.Map {
			p.find(defaultLost, o, "default %s: the target is not known to take defaults of a view's columns", c.Default)
			continue
		}
		sql, why := p.expression(string(c.Default), c.Uses, nil)
		if why != "" {
			p.find(defaultLost, o, "default %s: %s", c.Default, why)
			continue
		}
		column := fmt.Sprintf("ALTER VIEW %s ALTER COLUMN %s ", quoted(vp.v.Name), ident(c.Name))
		id := p.add(Statement{
			ID: vp.id + "/" + c.Name + "/default", Phase: at.phase, Object: o, SQL: column + "SET DEFAULT " + sql, Undo: column + "DROP DEFAULT", After: []string{vp.id},
		})
		p.users = append(p.users, user{id, c.Uses})
	}
}

// viewShell makes a view of the same columns without a query, for others of its
// circle to refer to; the view itself replaces it.
func (p *planner) viewShell(vp *viewPlan, at place) {
	p.add(Statement{
		ID: viewID(vp.v.Name) + "/shell", Phase: at.phase, Object: vp.node.object, SQL: "CREATE " + p.shellText(vp.v),
		Undo: "DROP VIEW " + quoted(vp.v.Name),
	})
}

func (p *planner) shellText(v *catalog.View) string {
	columns := make([]string, len(v.Columns))
	for i, c := range v.Columns {
		columns[i] = "NULL::" + c.Type.Text
		if c.Collation != nil {
			columns[i] += " COLLATE " + quoted(*c.Collation)
		}
		columns[i] += " AS " + ident(c.Name)
	}
	return "VIEW " + quoted(v.Name) + " AS SELECT " + strings.Join(columns, ", ")
}

// viewFindings names the columns whose types are others on the target.
func (p *planner) viewFindings(vp *viewPlan) {
	var changed []string
	for _, c := range vp.v.Columns {
		if t := p.viewType(vp, &c); t.target != c.Type.Text {
			changed = append(changed, fmt.Sprintf("%s: %s becomes %s", c.Name, c.Type.Text, t.target))
		}
	}
	if len(changed) > 0 {
		p.find(viewTypes, vp.node.object, "%s", strings.Join(changed, "; "))
	}
}

// viewType is what becomes of a view's column. An expression gives an array also
// where the columns that are arrays become documents.
func (p *planner) viewType(vp *viewPlan, c *catalog.ViewColumn) typing {
	t := p.typing(c.Type)
	if t.document && !vp.shows[c.Name] {
		return p.mapped(c.Type)
	}
	return t
}

// expectedViews is what reading the views back must show.
func (p *planner) expectedViews() []ExpectedView {
	if p.opts.OnlyData {
		return nil
	}
	var out []ExpectedView
	for i := range p.db.Views {
		vp := p.views[p.db.Views[i].Name]
		if vp.id == "" {
			continue
		}
		e := ExpectedView{
			Name: vp.v.Name, Source: p.names.sourceName(vp.v.Name), Fewer: p.short[vp.v.Name] != "", Materialized: vp.v.Materialized, Columns: []ExpectedViewColumn{}, Statement: vp.id, Refresh: vp.refresh,
			Reads: p.viewReads(vp), Circular: p.circular(vp.node),
		}
		for _, c := range vp.v.Columns {
			types := []string{c.Type.Text, p.viewType(vp, &c).target}
			slices.Sort(types)
			e.Columns = append(e.Columns, ExpectedViewColumn{Name: c.Name, Types: slices.Compact(types)})
		}
		out = append(out, e)
	}
	return out
}

// viewReads are the tables of the target that a view reads, through others too.
func (p *planner) viewReads(vp *viewPlan) []catalog.Name {
	seen := map[catalog.Name]bool{vp.v.Name: true}
	var out []catalog.Name
	for todo := []*viewPlan{vp}; len(todo) > 0; {
		last := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, u := range last.v.Uses {
			if seen[u.Name] {
				continue
			}
			seen[u.Name] = true
			if t := p.tableOf(u.Name); t != nil && t.carried && u.Kind == "table" {
				out = append(out, u.Name)
			} else if below := p.views[u.Name]; below != nil && isView(u.Kind) {
				todo = append(todo, below)
			}
		}
	}
	slices.SortFunc(out, catalog.Name.Compare)
	return out
}
