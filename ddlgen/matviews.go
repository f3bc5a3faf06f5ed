package ddlgen

import (
	"fmt"

	"github.com/pg2db9/pg2db9/catalog"
)

// materialized adds what a materialized view has beside its query: settings,
// indexes, rows. It is filled in a phase of its own, when whatever its query may
// call is there: the bodies of routines do not say what they need.
func (p *planner) materialized(vp *viewPlan, at place) {
	t := p.rowsOf(vp)
	p.storageSettings(vp, t, at)
	for x := range p.model.indexes.of(vp.v.Name) {
		p.matviewIndex(vp, t, x, at)
	}
	if vp.v.Populated {
		p.fill(vp)
	}
}

// rowsOf is a materialized view as the rules for a table's indexes look at it.
func (p *planner) rowsOf(vp *viewPlan) *tablePlan {
	v := vp.v
	table := &catalog.Table{Name: v.Name, Kind: catalog.TableOrdinary, HeapBytes: v.HeapBytes, ToastBytes: v.ToastBytes, RowsGuess: v.RowsGuess}
	t := &tablePlan{t: table, carried: true}
	for i, c := range v.Columns {
		table.Columns = append(table.Columns, catalog.Column{
			Name: c.Name, Num: int16(i + 1), Type: c.Type, Collation: c.Collation, StatsTgt: c.StatsTgt, Storage: c.Storage, Compress: c.Compress, Options: c.Options,
		})
	}
	for i := range table.Columns {
		c := &table.Columns[i]
		typ := p.viewType(vp, &v.Columns[i])
		t.columns = append(t.columns, columnPlan{c: c, typ: &typ})
	}
	return t
}

// storageSettings sets how the columns are kept. It changes no result.
func (p *planner) storageSettings(vp *viewPlan, t *tablePlan, at place) {
	name := vp.v.Name
	for i := range t.columns {
		c := &t.columns[i]
		o := columnObject(name, c.c.Name)
		if !p.profile.StorageOptions && (c.c.Storage != 0 || c.c.Compress != 0 || c.c.StatsTgt >= 0 || len(c.c.Options) > 0) {
			p.find(tableOptions, o, "storage, compression, statistics target and options of the column are not kept")
		}
		column := fmt.Sprintf("ALTER MATERIALIZED VIEW %s ALTER COLUMN %s ", quoted(name), ident(c.c.Name))
		for _, s := range p.columnSettings(c) {
			p.add(Statement{
				ID: vp.id + "/" + c.c.Name + "/" + s[0], Phase: at.phase, Object: o, Optional: true,
				SQL: column + s[1], Undo: column + s[2], After: []string{vp.id},
			})
		}
	}
}

// matviewIndex is indexStatement for a materialized view.
func (p *planner) matviewIndex(vp *viewPlan, t *tablePlan, x *catalog.Index, at place) {
	o := indexObject(x)
	def, ok := parseIndex(x.Def)
	why := "its definition is not understood"
	switch {
	case !x.Valid:
		why = "it is invalid at the source, left by a build that failed"
	case ok:
		why = p.adaptIndex(t, x, &def)
	}
	if why != "" {
		p.find(indexLost, o, "%s: %s", x.Def, why)
		return
	}
	name := vp.v.Name
	id := p.add(Statement{
		ID: indexID(x), Phase: at.phase, Object: o, Table: &name, SQL: def.sql(x.Name.Name, name), Undo: "DROP INDEX " + quoted(x.Name), After: []string{vp.id},
	})
	p.users = append(p.users, user{id, p.indexUses(t, x)})
	switch {
	case !x.Clustered:
	case p.profile.StorageOptions:
		p.add(Statement{
			ID: id + "/cluster", Phase: at.phase, Object: o, Table: &name, Optional: true, After: []string{id},
			SQL:  fmt.Sprintf("ALTER MATERIALIZED VIEW %s CLUSTER ON %s", quoted(name), ident(x.Name.Name)),
			Undo: fmt.Sprintf("ALTER MATERIALIZED VIEW %s SET WITHOUT CLUSTER", quoted(name)),
		})
	default:
		p.find(tableOptions, o, "CLUSTER ON is not kept")
	}
}

// fill adds the REFRESH of a materialized view, after those of the ones that it
// reads. One that is empty at the source would make it fail.
func (p *planner) fill(vp *viewPlan) {
	if empty := p.unfilled(vp); empty != nil {
		p.find(viewNotFilled, vp.node.object, "it reads %s, which has no rows: at the source its own are from a time when that had", empty.v.Name)
		return
	}
	var after []string
	for _, below := range p.matviewsBelow(vp) {
		after = append(after, refreshID(below.v.Name))
	}
	name := vp.v.Name
	vp.refresh = p.add(Statement{
		ID: refreshID(name), Phase: PhaseRefresh, Object: vp.node.object, Table: &name, SQL: "REFRESH MATERIALIZED VIEW " + quoted(name), After: after,
		Undo: "REFRESH MATERIALIZED VIEW " + quoted(name) + " WITH NO DATA",
	})
	p.add(Statement{
		ID: "analyze/" + name.String(), Phase: PhaseAnalyze, Object: vp.node.object, Table: &name, SQL: "ANALYZE " + quoted(name), Optional: true,
	})
}

// unfilled is a materialized view below that stays empty; nil is none.
func (p *planner) unfilled(vp *viewPlan) *viewPlan {
	for _, below := range p.matviewsBelow(vp) {
		if !below.v.Populated || p.unfilled(below) != nil {
			return below
		}
	}
	return nil
}

func refreshID(n catalog.Name) string { return "refresh/" + n.String() }

// matviewsBelow are the materialized views that a view reads, at once or through
// views, but not through other materialized ones.
func (p *planner) matviewsBelow(vp *viewPlan) []*viewPlan {
	seen := map[*viewPlan]bool{vp: true}
	var out []*viewPlan
	for todo := []*viewPlan{vp}; len(todo) > 0; {
		last := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, u := range last.v.Uses {
			below := p.views[u.Name]
			if below == nil || seen[below] || !isView(u.Kind) {
				continue
			}
			seen[below] = true
			if below.v.Materialized {
				out = append(out, below)
			} else {
				todo = append(todo, below)
			}
		}
	}
	return out
}
