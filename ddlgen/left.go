package ddlgen

import (
	"fmt"
)

// others names all that the model counts and names only, and what hangs on it.
func (p *planner) others() {
	for i := range p.db.Constraints {
		if c := &p.db.Constraints[i]; p.byName[c.Table] == nil {
			p.find(constraintLost, constraintObject(c), "%s is left behind", c.Table)
		}
	}
	for i := range p.db.Indexes {
		if x := &p.db.Indexes[i]; p.byName[x.Table] == nil {
			p.find(indexLost, indexObject(x), "%s is left behind", x.Table)
		}
	}
	for _, o := range p.db.Others {
		switch {
		case o.Count > 0:
			p.find(objectLeft, otherObject(o), "%d of kind %s are not carried", o.Count, o.Kind)
		default:
			p.find(objectLeft, otherObject(o), "%s are not carried", plural(o.Kind))
		}
	}
}

func plural(kind string) string {
	switch {
	case kind == "":
		return "such objects"
	case kind[len(kind)-1] == 'y':
		return kind[:len(kind)-1] + "ies"
	case kind[len(kind)-1] == 's' || kind[len(kind)-1] == 'x':
		return kind + "es"
	}
	return kind + "s"
}

// analyze gathers statistics of each table with rows; of a partition tree once,
// by its root.
func (p *planner) analyze() {
	for _, t := range p.tables {
		if !t.carried || t.shape == attached {
			continue
		}
		table := t.t.Name
		p.add(Statement{
			ID: "analyze/" + table.String(), Phase: PhaseAnalyze, Object: tableObject(table), Table: &table,
			SQL: fmt.Sprintf("ANALYZE %s", quoted(table)), Optional: true,
		})
	}
}
