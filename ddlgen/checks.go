package ddlgen

import (
	"fmt"
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
)

// checkInline says whether a check stands in CREATE TABLE: there it costs no
// second scan, a partition may be attached, and a child's merges with its
// parent's. Under a profile that maps types checks follow the data, each with
// its own outcome.
func (p *planner) checkInline(t *tablePlan, c *catalog.Constraint) bool {
	if p.profile.Map || !c.Validated || !c.Enforced || p.needsTables(c.Uses) {
		return false
	}
	if c.Inherited {
		return t.shape == attached || t.shape == adopted || t.shape == plain
	}
	return true
}

// inlineConstraints are the checks and named NOT NULL constraints that stand in
// CREATE TABLE.
func (p *planner) inlineConstraints(t *tablePlan) (lines []string, objects []finding.Object) {
	for c := range p.model.constraints.of(t.t.Name) {
		switch {
		case c.Kind == catalog.Check && p.checkInline(t, c):
			def, why := p.expression(string(c.Def), c.Uses, t.classOf)
			if why != "" {
				p.find(constraintLost, constraintObject(c), "%s: %s", c.Def, why)
				continue
			}
			lines = append(lines, "CONSTRAINT "+ident(c.Name)+" "+def)
		case c.Kind == catalog.NotNull && p.has(18) && c.Validated && !c.Inherited:
			lines = append(lines, "CONSTRAINT "+ident(c.Name)+" "+string(c.Def))
		default:
			continue
		}
		objects = append(objects, constraintObject(c))
	}
	return lines, objects
}

// namedNotNulls decides about the NOT NULL constraints of PostgreSQL 18 that
// say more than the column does.
func (p *planner) namedNotNulls(t *tablePlan) {
	for c := range p.model.constraints.of(t.t.Name) {
		if c.Kind != catalog.NotNull || len(c.Columns) == 0 {
			continue
		}
		plan := t.column(c.Columns[0])
		switch {
		case plan == nil:
		case !c.Validated:
			p.neverValidated(plan)
		case p.has(18) && !c.Inherited:
			plan.named = true
		case c.NoInherit && p.profile.Inheritance && !p.has(18):
			plan.notNull = false // children would have to have it too
		}
	}
}

// neverValidated lets a column be filled although rows may break its NOT NULL.
func (p *planner) neverValidated(plan *columnPlan) {
	plan.invalid = true
	if !p.has(18) || !p.profile.NotValid {
		plan.notNull = false
	}
}

// checkStatements adds the checks that do not stand in CREATE TABLE, and those
// that keep the bounds of mapped types and domains.
func (p *planner) checkStatements() {
	for _, t := range p.tables {
		for c := range p.model.constraints.of(t.t.Name) {
			switch {
			case t.t.Kind == catalog.TableForeign && p.foreignCarried(t.t.Name): // in CREATE FOREIGN TABLE
			case c.Kind == catalog.Check && !p.comesFromParent(t, c):
				p.check(t, c)
			case c.Kind == catalog.NotNull:
				p.notNull(t, c)
			}
		}
		if t.carried {
			for i := range t.columns {
				p.typeChecks(t, &t.columns[i])
			}
		}
	}
	for _, t := range p.tables {
		for c := range p.model.constraints.of(t.t.Name) {
			if c.Kind != catalog.Check {
				continue
			}
			if p.comesFromParent(t, c) {
				p.carryWith(c, constraintObject(c))
			}
			p.childrenFirst(c)
		}
	}
}

// comesFromParent says whether a check needs no statement of its own, since
// that of a parent makes it.
func (p *planner) comesFromParent(t *tablePlan, c *catalog.Constraint) bool {
	switch {
	case !c.Inherited || p.checkInline(t, c):
		return false
	case t.into != nil:
		return true
	}
	return t.carried && t.shape != plain
}

// childrenFirst lets a child's check of the same name stand before its
// parent's, which then merges with it; the other way round is an error.
func (p *planner) childrenFirst(c *catalog.Constraint) {
	own := p.statement(checkID(c.Table, c.Name))
	if own == nil {
		return
	}
	for _, up := range p.ancestors(c.Table) {
		if s := p.statement(checkID(up, c.Name)); s != nil {
			s.After = append(s.After, own.ID)
		}
	}
}

func checkID(table catalog.Name, name string) string { return "checks/" + table.String() + "/" + name }

func (p *planner) check(t *tablePlan, c *catalog.Constraint) {
	o := constraintObject(c)
	switch {
	case !t.carried && t.into != nil:
		p.find(constraintLost, o, "a check of one partition: %s", c.Def)
		return
	case !t.carried:
		p.find(constraintLost, o, "its table is left behind")
		return
	case p.checkInline(t, c):
		return // in CREATE TABLE, or found there
	case !c.Enforced && !p.has(18):
		p.find(constraintLost, o, "%s has no constraints that are not enforced", p.majorText())
		return
	}
	def, why := p.expression(string(c.Def), c.Uses, t.classOf)
	if why != "" {
		p.find(constraintLost, o, "%s: %s", c.Def, why)
		return
	}
	if !c.Validated && c.Enforced && !p.profile.NotValid {
		p.find(constraintLost, o, "it was never validated, and rows of the source may break it: %s", c.Def)
		return
	}
	if c.NoInherit && !p.profile.Inheritance {
		def = strings.TrimSuffix(def, " NO INHERIT")
		p.find(constraintChanged, o, "it was NO INHERIT, which says nothing where tables stand apart")
	}
	p.addCheck(t, c.Name, o, def, c.Uses)
}

// addCheck adds a check to a table and its children.
func (p *planner) addCheck(t *tablePlan, name string, o finding.Object, def string, uses []catalog.Ref) {
	table := t.t.Name
	p.use(p.add(Statement{
		ID: checkID(table, name), Phase: PhaseChecks, Object: o, Table: &t.t.Name,
		SQL:  fmt.Sprintf("ALTER TABLE %s ADD CONSTRAINT %s %s", quoted(table), ident(name), def),
		Undo: dropConstraint(table, name),
	}), uses)
}

func dropConstraint(table catalog.Name, name string) string {
	return fmt.Sprintf("ALTER TABLE %s DROP CONSTRAINT %s", quoted(table), ident(name))
}

// carryWith accounts for a constraint that comes with that of a parent.
func (p *planner) carryWith(c *catalog.Constraint, o finding.Object) {
	for _, up := range p.ancestors(c.Table) {
		for pc := range p.model.constraints.of(up) {
			if pc.Name != c.Name || pc.Kind != c.Kind {
				continue
			}
			if id := p.maker(constraintObject(pc)); id != "" {
				p.carry(id, o)
				return
			}
		}
	}
	p.find(constraintLost, o, "the parent's constraint, from which it comes, is not carried")
}

// ancestors are the tables above one, nearest first.
func (p *planner) ancestors(n catalog.Name) []catalog.Name {
	var out []catalog.Name
	t := p.model.tables.get(n)
	if t == nil {
		return nil
	}
	for _, parent := range t.Inherits {
		out = append(out, parent)
		out = append(out, p.ancestors(parent)...)
	}
	return out
}

func (p *planner) notNull(t *tablePlan, c *catalog.Constraint) {
	o := constraintObject(c)
	stands := p.maker(o) != ""
	switch {
	case stands:
	case !t.carried && t.into != nil:
		p.carry(tableID(t.into.t.Name), o)
	case !t.carried:
		p.find(constraintLost, o, "its table is left behind")
	case c.Inherited && (c.Validated || p.profile.Inheritance):
		p.carry(tableID(t.t.Name), o)
	case c.Validated && c.NoInherit && p.profile.Inheritance:
		def := fmt.Sprintf("CHECK ((%s IS NOT NULL)) NO INHERIT", ident(c.Columns[0]))
		p.find(constraintChanged, o, "%s has no NOT NULL that children do not inherit: a check takes its place", p.majorText())
		p.addCheck(t, c.Name, o, def, nil)
	case c.Validated:
		p.find(constraintChanged, o, "%s gives NOT NULL constraints no name of their own, and children inherit them", p.majorText())
	case p.has(18) && p.profile.NotValid:
		p.addCheck(t, c.Name, o, string(c.Def), nil)
	case p.profile.NotValid:
		def := fmt.Sprintf("CHECK ((%s IS NOT NULL)) NOT VALID", ident(c.Columns[0]))
		p.find(constraintChanged, o, "%s has no NOT NULL that is not validated: a check takes its place", p.majorText())
		p.addCheck(t, c.Name, o, def, nil)
	default:
		p.find(notNullLost, o, "it was never validated, and rows of the source may break it")
	}
}

// typeChecks keeps the bounds of a mapped type and the checks of a domain.
func (p *planner) typeChecks(t *tablePlan, plan *columnPlan) {
	if !p.profile.Map {
		return
	}
	table := t.t.Name
	column := ident(plan.c.Name)
	generated := func(suffix, condition string, uses []catalog.Ref) {
		name := p.freshConstraint(table, table.Name+"_"+plan.c.Name+"_"+suffix)
		o := finding.Object{Kind: "constraint", Schema: table.Schema, Parent: table.Name, Name: name}
		p.addCheck(t, name, o, condition, uses)
		p.find(constraintAdded, o, "it keeps the bounds that column %s has by its type at the source", plan.c.Name)
	}
	if plan.typ.check != "" {
		generated("check", "CHECK ("+fmt.Sprintf(plan.typ.check, column)+")", nil)
	}
	for _, d := range plan.typ.domains {
		for _, c := range d.Checks {
			o := columnObject(table, plan.c.Name)
			def, why := p.expression(string(c.Def), d.Uses, nil)
			switch {
			case why == "" && plan.typ.class == other:
				why = "its type is " + plan.typ.target + " on the target"
			case why == "" && !c.Validated:
				why = "it was never validated"
			}
			if why != "" {
				p.find(constraintLost, o, "check %s of domain %s: %s", c.Name, d.Name, why)
				continue
			}
			generated(c.Name, withValue(def, column), d.Uses)
		}
	}
}
