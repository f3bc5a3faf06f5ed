package ddlgen

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
)

// grants carries what differs from the rights that every object has by itself.
func (p *planner) grants() {
	last := map[catalog.ObjectRef]string{} // two at once about one object would fail: "tuple concurrently updated"
	for i := range p.db.Grants {
		g := &p.db.Grants[i]
		o := rightObject("privileges on", g.Object)
		switch why := p.rightOn(g.Object); {
		case !p.opts.Privileges:
			p.group(privilegeLeft, "privileges", "of the source", "they are not carried; --privileges carries them", o)
		case why != "":
			p.group(privilegeLeft, "privileges", "on what is left", why, o)
		case !p.hasRole(g.Grantee):
			p.group(privilegeLeft, "privileges", "of role "+g.Grantee, "the role is not on the target", o)
		default:
			p.grant(g, o, last)
		}
	}
}

func (p *planner) grant(g *catalog.Grant, o finding.Object, last map[catalog.ObjectRef]string) {
	known := *g
	known.Privileges = slices.DeleteFunc(slices.Clone(g.Privileges), func(x string) bool { return x == "MAINTAIN" && !p.has(17) })
	if len(known.Privileges) < len(g.Privileges) {
		p.find(privilegeChanged, o, "%s has no privilege MAINTAIN", p.majorText())
	}
	sql, undo := p.grantSQL(&known)
	if sql == "" || len(known.Privileges) == 0 {
		p.group(privilegeLeft, "privileges", "on what has no GRANT", "no GRANT names such an object", o)
		return
	}
	s := Statement{
		ID: "privileges/" + g.Object.String() + "/" + roleName(g.Grantee), Phase: PhaseRights, Object: o, Optional: true, Anyway: true,
		SQL: sql, Undo: undo, After: p.afterRoles(g.Grantee),
	}
	for _, id := range []string{last[g.Object], p.maker(rightObject("owner of", g.Object))} {
		if id != "" {
			s.After = append(s.After, id)
		}
	}
	last[g.Object] = p.add(s)
}

// grantSQL writes GRANT or REVOKE, and what takes it back; empty where an object
// of that kind has neither.
func (p *planner) grantSQL(g *catalog.Grant) (sql, undo string) {
	on, privileges := p.grantOn(g.Object), strings.Join(g.Privileges, ", ")
	if on == "" {
		return "", ""
	}
	if g.Object.Kind == "column" {
		each := make([]string, len(g.Privileges))
		for i, x := range g.Privileges {
			each[i] = x + " (" + ident(g.Object.Name) + ")"
		}
		privileges = strings.Join(each, ", ")
	}
	give := "GRANT " + privileges + " ON " + on + " TO " + roleName(g.Grantee)
	take := "REVOKE " + privileges + " ON " + on + " FROM " + roleName(g.Grantee)
	if g.Revoked {
		return take, give
	}
	if g.Grantable {
		give += " WITH GRANT OPTION"
	}
	return give, take
}

// grantOn is an object as GRANT takes it.
func (p *planner) grantOn(o catalog.ObjectRef) string {
	n := catalog.Name{Schema: o.Schema, Name: o.Name}
	switch o.Kind {
	case "table", "view", "materialized view", "foreign table":
		return "TABLE " + quoted(n)
	case "column":
		return "TABLE " + quoted(catalog.Name{Schema: o.Schema, Name: o.Parent})
	case "sequence":
		if target, ok := p.seqName[n]; ok {
			n = target
		}
		return "SEQUENCE " + quoted(n)
	case "schema":
		return "SCHEMA " + ident(o.Name)
	case "aggregate", "function", "window function":
		sql := p.signature(o.Kind, n)
		return "FUNCTION " + strings.TrimSuffix(sql, "(*)") + strings.Repeat("()", strings.Count(sql, "(*)"))
	case "procedure":
		return "PROCEDURE " + p.signature(o.Kind, n)
	case "type", "domain", "range type", "base type":
		return "TYPE " + quoted(n)
	case "language", "foreign data wrapper":
		return strings.ToUpper(o.Kind) + " " + ident(o.Name)
	case "server":
		return "FOREIGN SERVER " + ident(o.Name)
	case "large object":
		return "LARGE OBJECT " + o.Name
	}
	return ""
}

func defaultPrivilegeObject(d *catalog.DefaultPrivilege) finding.Object {
	return finding.Object{Kind: "default privileges", Schema: d.Schema, Name: fmt.Sprintf("FOR ROLE %s ON %s", d.Role, d.Objects)}
}

// defaultPrivileges come after the grants: before them they would act on what
// the plan itself makes.
func (p *planner) defaultPrivileges() {
	for i := range p.db.DefaultPrivileges {
		d := &p.db.DefaultPrivileges[i]
		o := defaultPrivilegeObject(d)
		has, lacks := p.present([]string{d.Role, d.Grantee})
		switch {
		case !p.opts.Privileges:
			p.group(defaultPrivilegeLeft, "default privileges", "of the source", "they are not carried; --privileges carries them", o)
		case d.Schema != "" && !p.model.schemas[d.Schema]:
			p.group(defaultPrivilegeLeft, "default privileges", "in what is left", "the schema is not carried", o)
		case len(has) < 2:
			p.group(defaultPrivilegeLeft, "default privileges", "naming "+words(lacks), "a role is not on the target", o)
		default:
			sql, undo := defaultPrivilegeSQL(d)
			p.add(Statement{
				ID: "default privileges/" + o.Path() + "/" + roleName(d.Grantee), Phase: PhaseRights, Object: o, Optional: true,
				SQL: sql, Undo: undo, After: p.afterRoles(d.Role, d.Grantee),
			})
		}
	}
}

func defaultPrivilegeSQL(d *catalog.DefaultPrivilege) (sql, undo string) {
	alter := "ALTER DEFAULT PRIVILEGES FOR ROLE " + ident(d.Role)
	if d.Schema != "" {
		alter += " IN SCHEMA " + ident(d.Schema)
	}
	privileges := strings.Join(d.Privileges, ", ")
	give := alter + " GRANT " + privileges + " ON " + d.Objects + " TO " + roleName(d.Grantee)
	take := alter + " REVOKE " + privileges + " ON " + d.Objects + " FROM " + roleName(d.Grantee)
	if d.Revoked {
		return take, give
	}
	if d.Grantable {
		give += " WITH GRANT OPTION"
	}
	return give, take
}
