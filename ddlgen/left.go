package ddlgen

import (
	"fmt"
	"strings"
)

// orphans names the constraints and indexes of what is no table on the target.
func (p *planner) orphans() {
	for i := range p.db.Constraints {
		if c := &p.db.Constraints[i]; p.tableOf(c.Table) == nil {
			p.find(constraintLost, constraintObject(c), "%s is left behind", c.Table)
		}
	}
	for i := range p.db.Indexes {
		if x := &p.db.Indexes[i]; p.tableOf(x.Table) == nil && !p.viewCarried(x.Table) {
			p.find(indexLost, indexObject(x), "%s is left behind", x.Table)
		}
	}
}

// multirangeName is the name that PostgreSQL gives the multirange of a range
// type by itself (makeMultirangeTypeName).
func multirangeName(name string) string {
	if before, after, ok := strings.Cut(name, "range"); ok {
		return before + "multirange" + after
	}
	return name + "_multirange"
}

// analyze gathers statistics of each table with rows; of a partition tree once,
// by its root.
func (p *planner) analyze() {
	if p.opts.Sketch {
		return
	}
	for _, t := range p.tables {
		if !t.carried || t.shape == attached {
			continue
		}
		table := t.t.Name
		p.add(Statement{
			ID: "analyze/" + table.String(), Phase: PhaseAnalyze, Object: tableObject(table), Table: &t.t.Name,
			SQL: fmt.Sprintf("ANALYZE %s", quoted(table)), Optional: true,
		})
	}
}
