package ddlgen

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
)

// declareForeignTables makes a node of each foreign table where the target may
// have its server. It holds no rows, and none are copied.
func (p *planner) declareForeignTables() {
	if p.profile.Map {
		return
	}
	for i := range p.db.Tables {
		t := &p.db.Tables[i]
		if t.Kind != catalog.TableForeign {
			continue
		}
		n := &node{
			key: refKey{"foreign table", t.Name}, object: tableObject(t.Name), phase: PhaseTables, code: tableForeign,
			refs: []catalog.Ref{{Kind: "server", Name: catalog.Name{Name: t.Foreign.Server}}},
		}
		for j := range t.Columns {
			c := &t.Columns[j]
			if why := p.missingBuiltIn(c.Type); why != "" && n.refuse == "" {
				n.refuse = fmt.Sprintf("column %s: %s", c.Name, why)
			}
			n.refs = append(n.refs, p.typeRefs(c.Type)...)
			n.refs = append(n.refs, p.standing(c.Collation)...)
		}
		for _, parent := range t.Inherits {
			n.refs = append(n.refs, catalog.Ref{Kind: "table", Name: parent})
		}
		// Of a tree that becomes one table, a foreign partition has no place.
		n.judge = func() string {
			if root := p.model.root(t); root != t && p.tableOf(root.Name).leaves != nil {
				return "the partition tree becomes one table, without the rows of foreign partitions"
			}
			return ""
		}
		n.make = func(at place) { p.foreignTable(t, at) }
		p.declare(n)
	}
}

// foreignCarried says whether a table is a foreign one that is carried.
func (p *planner) foreignCarried(n catalog.Name) bool {
	d := p.node[refKey{"table", n}]
	return d != nil && p.whyLeft(d) == ""
}

func (p *planner) foreignTable(t *catalog.Table, at place) {
	o := tableObject(t.Name)
	var lines, columns []string
	var carries []finding.Object
	var uses []catalog.Ref
	for i := range t.Columns {
		c := &t.Columns[i]
		co := columnObject(t.Name, c.Name)
		columns = append(columns, c.Name)
		line := ident(c.Name) + " " + c.Type.Text
		if len(c.ServerOpts) > 0 {
			line += " OPTIONS (" + serverOptions(c.ServerOpts) + ")"
		}
		line += p.collate(c.Collation, co)
		if c.Default != "" {
			why := p.missing(c.Uses)
			switch {
			case why == "" && p.needsTables(c.Uses):
				why = "it calls what needs a table"
			case why == "" && c.Generated != 0:
				line += " GENERATED ALWAYS AS (" + string(c.Default) + ") STORED"
			case why == "":
				line += " DEFAULT " + string(c.Default)
			}
			if why != "" {
				p.find(defaultLost, co, "default %s: %s", c.Default, why)
			} else {
				uses = append(uses, c.Uses...)
			}
		}
		if c.NotNull {
			line += " NOT NULL"
		}
		lines = append(lines, line)
	}
	for c := range p.model.constraints.of(t.Name) {
		co := constraintObject(c)
		switch {
		case c.Kind == catalog.NotNull && !strings.Contains(string(c.Def), "NO INHERIT") && c.Validated:
		case c.Kind != catalog.Check:
			p.find(constraintLost, co, "%s: of a foreign table", c.Def)
			continue
		case p.missing(c.Uses) != "" || p.needsTables(c.Uses):
			p.find(constraintLost, co, "%s: it calls what is not there when the table is created", c.Def)
			continue
		default:
			lines = append(lines, "CONSTRAINT "+ident(c.Name)+" "+strings.TrimSuffix(string(c.Def), " NOT VALID"))
			uses = append(uses, c.Uses...)
		}
		carries = append(carries, co)
	}
	sql := "CREATE FOREIGN TABLE " + quoted(t.Name) + " (\n    " + strings.Join(lines, ",\n    ") + "\n) SERVER " + ident(t.Foreign.Server)
	if len(t.Foreign.Options) > 0 {
		sql += " OPTIONS (" + serverOptions(t.Foreign.Options) + ")"
	}
	id := p.add(Statement{
		ID: tableID(t.Name), Phase: at.phase, Object: o, SQL: sql, Columns: columns, Carries: carries, Optional: true, Undo: "DROP FOREIGN TABLE " + quoted(t.Name),
	})
	p.use(id, uses)
	if len(t.Foreign.Secrets) > 0 {
		p.find(optionLeft, o, "%s may hold a secret, and is left out", words(t.Foreign.Secrets))
	}
	p.foreignParents(t, id, at)
}

// foreignParents joins a foreign table to its partitioned table or to those it
// inherits from.
func (p *planner) foreignParents(t *catalog.Table, id string, at place) {
	for _, parent := range t.Inherits {
		join := fmt.Sprintf("ALTER FOREIGN TABLE %s INHERIT %s", quoted(t.Name), quoted(parent))
		apart := fmt.Sprintf("ALTER FOREIGN TABLE %s NO INHERIT %s", quoted(t.Name), quoted(parent))
		if t.IsPartition {
			join = fmt.Sprintf("ALTER TABLE ONLY %s ATTACH PARTITION %s %s", quoted(parent), quoted(t.Name), t.Bound)
			apart = fmt.Sprintf("ALTER TABLE ONLY %s DETACH PARTITION %s", quoted(parent), quoted(t.Name))
		}
		p.add(Statement{
			ID: id + "/parent " + parent.String(), Phase: at.phase, Object: tableObject(t.Name), SQL: join, Undo: apart, Optional: true,
			After: []string{id},
		})
	}
}

// serverOptions renders "table_name=t" as table_name 't'.
func serverOptions(list []string) string {
	out := make([]string, len(list))
	for i, o := range list {
		key, value, _ := strings.Cut(o, "=")
		out[i] = ident(key) + " " + literal(value)
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}
