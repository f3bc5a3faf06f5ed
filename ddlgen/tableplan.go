package ddlgen

import (
	"slices"
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
)

func ident(name string) string { return quote.Ident(name) }

func literal(value string) string { return strings.TrimSpace(quote.Literal(value)) }

// shape is how a table comes to be.
type shape int

const (
	plain    shape = iota
	attached       // a partition: created with its own columns, then attached, which any column order survives
	inherits       // a child: created with INHERITS, which leaves inherited columns inherited
	adopted        // a child whose column order no INHERITS gives: created whole, then INHERIT
)

// tablePlan is what becomes of one table of the source.
type tablePlan struct {
	t       *catalog.Table
	decided bool
	carried bool             // it is a table on the target
	into    *tablePlan       // the root that it is made flat into
	leaves  []*catalog.Table // the relations that hold the rows of a flattened tree
	shape   shape
	parents []catalog.Name // the carried ones among the parents
	columns []columnPlan
	inline  *catalog.Constraint // the primary key that stands in CREATE TABLE
}

// column finds the plan of a column.
func (t *tablePlan) column(name string) *columnPlan {
	i := slices.IndexFunc(t.columns, func(c columnPlan) bool { return c.c.Name == name })
	if i < 0 {
		return nil
	}
	return &t.columns[i]
}

// classOf tells what became of a column.
func (t *tablePlan) classOf(name string) class {
	if c := t.column(name); c != nil {
		return c.typ.class
	}
	return same
}

// isRoot says whether the table is partitioned on the target too.
func (t *tablePlan) isRoot() bool {
	return t.carried && t.t.Kind == catalog.TablePartitioned && t.leaves == nil
}

// decideTables finds out which tables are created, and in what shape.
func (p *planner) decideTables() {
	for _, plan := range p.tables {
		p.decideTable(plan)
	}
	for _, plan := range p.tables {
		for _, parent := range plan.t.Inherits {
			if up := p.tableOf(parent); up != nil && up.carried {
				plan.parents = append(plan.parents, parent)
			}
		}
		p.decideShape(plan)
	}
}

// taken says whether a relation on the target has a name.
func (p *planner) taken(n catalog.Name) bool {
	return p.relations[n] || p.tableCarried(n) || p.model.index.get(n) != nil || p.model.sequences.get(n) != nil
}

// tableOf is the plan of a table; nil where the model has none of the name.
func (p *planner) tableOf(n catalog.Name) *tablePlan {
	if i := p.model.tables.position(n); i >= 0 {
		return p.tables[i]
	}
	return nil
}

// tableCarried says whether a table of the model is one on the target.
func (p *planner) tableCarried(n catalog.Name) bool {
	t := p.tableOf(n)
	if t == nil {
		return false
	}
	p.decideTable(t)
	return t.carried
}

// decideTable may be asked for by what needs the table, before its turn.
func (p *planner) decideTable(plan *tablePlan) {
	if plan.decided {
		return
	}
	plan.decided = true
	t := plan.t
	o := tableObject(t.Name)
	root := p.model.root(t)
	switch {
	case t.Kind == catalog.TableForeign:
		if p.profile.Map { // else it is a node, which may be left
			p.find(tableForeign, o, "the foreign table is left behind")
		}
	case t.IsPartition && root != t && p.flat(root):
		plan.into = p.tableOf(root.Name)
	case t.Kind == catalog.TablePartitioned && p.flat(t):
		plan.carried = true
		plan.leaves = []*catalog.Table{}
		for _, leaf := range p.model.leaves(t) {
			if leaf.Kind != catalog.TableForeign {
				plan.leaves = append(plan.leaves, leaf)
			}
		}
		why := "the target has no partitions"
		if p.profile.Partitions {
			why = "its partition key needs what is left behind"
		}
		p.find(tableFlattened, o, "%d partitions become one table: %s", len(p.model.leaves(t)), why)
	default:
		plan.carried = true
	}
	if t.IsPartition && root == t && plan.carried {
		p.find(tableInheritance, o, "its partitioned table is not among those carried: it becomes a table of its own")
	}
}

// flat says whether a partition tree becomes one table: where the target has no
// partitions, or cannot have the tree's keys.
func (p *planner) flat(root *catalog.Table) bool {
	uses := slices.DeleteFunc(slices.Clone(root.Uses), func(u catalog.Ref) bool { return u.Kind == "table" })
	if !p.profile.Partitions || p.missing(uses) != "" {
		return true
	}
	return slices.ContainsFunc(p.model.children[root.Name], func(n catalog.Name) bool {
		child := p.model.tables.get(n)
		return child.Kind == catalog.TablePartitioned && child.IsPartition && p.flat(child)
	})
}

func (p *planner) decideShape(plan *tablePlan) {
	t := plan.t
	switch {
	case !plan.carried || len(t.Inherits) == 0:
	case t.IsPartition:
		if plan.into == nil && len(plan.parents) == 1 {
			plan.shape = attached
		}
	case !p.profile.Inheritance:
		p.find(tableInheritance, tableObject(t.Name), "it inherits from %s: on the target the tables stand apart, and a query of the parent no longer sees the child's rows", names(t.Inherits))
	case len(plan.parents) < len(t.Inherits):
		p.find(tableInheritance, tableObject(t.Name), "not every parent is carried: it becomes a table of its own")
		plan.parents = nil
	case p.inheritable(plan):
		plan.shape = inherits
	default:
		plan.shape = adopted
		p.find(tableInheritance, tableObject(t.Name), "its columns count as its own, since no CREATE TABLE ... INHERITS gives their order: dropping one of the parent's leaves it here")
	}
}

// inheritable says whether CREATE TABLE with INHERITS gives the columns in
// their order, and nothing but defaults and NOT NULL remains to be set.
func (p *planner) inheritable(plan *tablePlan) bool {
	var order []string
	from := map[string]*catalog.Column{}
	for _, name := range plan.parents {
		parent := p.model.tables.get(name)
		for i := range parent.Columns {
			c := &parent.Columns[i]
			if other := from[c.Name]; other != nil {
				if other.Default != c.Default || other.Generated != c.Generated || len(plan.t.Inherits) > 1 && c.Generated != 0 {
					return false
				}
				continue
			}
			from[c.Name] = c
			order = append(order, c.Name)
		}
	}
	for _, c := range plan.t.Columns {
		if from[c.Name] == nil {
			order = append(order, c.Name)
		}
	}
	if len(order) != len(plan.t.Columns) {
		return false
	}
	for i, c := range plan.t.Columns {
		up := from[c.Name]
		switch {
		case c.Name != order[i]:
			return false
		case up == nil:
			continue
		case c.Local:
			if up.NotNull && !c.NotNull {
				return false
			}
			continue
		case c.Identity != 0 || c.Generated != up.Generated || c.Generated != 0 && c.Default != up.Default:
			return false
		case up.NotNull && !c.NotNull:
			return false
		}
	}
	return true
}

// names joins table names for people.
func names(list []catalog.Name) string {
	out := make([]string, len(list))
	for i, n := range list {
		out[i] = n.String()
	}
	return words(out)
}
