package ddlgen

import (
	"slices"

	"github.com/pg2db9/pg2db9/catalog"
)

// rules creates rewrite rules after the data, which COPY does not go through,
// but the application's statements on the target do.
func (p *planner) rules() {
	for i := range p.db.Rules {
		r := &p.db.Rules[i]
		o := hangingObject("rule", r.Table, r.Name)
		why := p.missingHome(r.Table)
		if why == "" {
			why = p.missing(r.Uses)
		}
		if p.profile.Map {
			why = "the target has no rules"
		}
		if why != "" {
			p.find(ruleLeft, o, "%s", why)
			continue
		}
		table := r.Table
		id := p.add(Statement{
			ID: "rules/" + r.Table.String() + "/" + r.Name, Phase: PhaseTriggers, Object: o, Table: &table, SQL: string(r.Def),
			Undo: "DROP RULE " + ident(r.Name) + " ON " + quoted(r.Table),
		})
		p.use(id, append(slices.Clone(r.Uses), p.hangsOn(r.Table)))
		if r.Enabled != "origin" {
			p.add(Statement{
				ID: id + "/state", Phase: PhaseTriggers, Object: o, Table: &table, After: []string{id},
				SQL: ruleStateSQL(r),
			})
		}
	}
}

func ruleStateSQL(r *catalog.Rule) string {
	return "ALTER TABLE " + quoted(r.Table) + " " + stateSQL(r.Enabled) + " RULE " + ident(r.Name)
}
