package ddlgen

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
)

// rowSecurity switches row security on and creates the policies, after the
// data. It is switched on first: a table whose policies fail shows no rows to
// others than its owner, rather than all of them.
func (p *planner) rowSecurity() {
	refused := p.rowSecurityRefused()
	on := map[catalog.Name]string{}
	for _, t := range p.tables {
		if !t.t.RowSecurity && !t.t.ForceRLS {
			continue
		}
		name := t.t.Name
		switch {
		case t.into != nil:
			p.find(tableRowSecurity, tableObject(name), "row security is on at the source for the partition; on the target it is part of %s, whose policies rule", t.into.t.Name)
			continue
		case !t.carried:
			continue
		case refused != "":
			p.find(tableRowSecurity, tableObject(name), "row security is on at the source, and is not carried: %s", refused)
			continue
		}
		on[name] = p.switchOn(t)
	}
	for i := range p.db.Policies {
		p.policy(&p.db.Policies[i], refused, on)
	}
}

// rowSecurityRefused says why no table gets row security.
func (p *planner) rowSecurityRefused() string {
	switch {
	case !p.profile.Map:
		return ""
	case !p.opts.Policies:
		return "the target is documented to have none; --policies tries, where the target was seen to enforce them"
	case !p.profile.RowSecurity:
		return "the target was not seen to enforce policies"
	}
	return ""
}

func rowSecurityObject(n catalog.Name) finding.Object { return objectOf("row security", n) }

// switchOn returns the ID of the statement that a table's policies wait for.
func (p *planner) switchOn(t *tablePlan) string {
	name := t.t.Name
	id := ""
	alter := func(step, clause, undo string) {
		s := Statement{
			ID: "row security/" + name.String() + step, Phase: PhaseRights, Object: rowSecurityObject(name), Table: &name,
			SQL: "ALTER TABLE " + quoted(name) + " " + clause + " ROW LEVEL SECURITY", Undo: "ALTER TABLE " + quoted(name) + " " + undo + " ROW LEVEL SECURITY",
		}
		if id != "" {
			s.After = []string{id}
		}
		last := p.add(s)
		if id == "" {
			id = last
		}
	}
	if t.t.RowSecurity {
		alter("", "ENABLE", "DISABLE")
	}
	if t.t.ForceRLS {
		if p.opts.TargetObeysPolicies {
			p.find(tableRowSecurity, tableObject(name),
				"FORCE ROW LEVEL SECURITY is not set: the role that loads the target would see too few rows to compare them; afterwards: ALTER TABLE %s FORCE ROW LEVEL SECURITY", quoted(name))
		} else {
			alter("/force", "FORCE", "NO FORCE")
		}
	}
	return id
}

func policyObject(x *catalog.Policy) finding.Object { return hangingObject("policy", x.Table, x.Name) }

func (p *planner) policy(x *catalog.Policy, refused string, on map[catalog.Name]string) {
	using, check, why := p.policyExpressions(x)
	if home := p.missingHome(x.Table); home != "" {
		why = home
	}
	if refused != "" {
		why = refused
	}
	roles, missing := p.present(x.Roles)
	if why == "" && len(roles) == 0 {
		why = fmt.Sprintf("%s not on the target", areNames(missing))
	}
	if why != "" {
		effect := "rows that it shows stay hidden"
		if !x.Permissive {
			effect = "rows that it hides are shown"
		}
		if refused != "" || on[x.Table] == "" {
			effect = "what it says is not enforced"
		}
		p.find(policyLeft, policyObject(x), "%s: %s", why, effect)
		return
	}
	if len(missing) > 0 {
		p.find(policyChanged, policyObject(x), "%s not on the target, and left out of it", areNames(missing))
	}
	table := x.Table
	s := Statement{
		ID: "policies/" + x.Table.String() + "/" + x.Name, Phase: PhaseRights, Object: policyObject(x), Table: &table,
		SQL: policySQL(x, roles, using, check), Undo: "DROP POLICY " + ident(x.Name) + " ON " + quoted(x.Table),
	}
	if id := on[x.Table]; id != "" {
		s.After = append(s.After, id)
	}
	for _, r := range roles {
		if id := p.maker(roleObject(r)); id != "" {
			s.After = append(s.After, id)
		}
	}
	p.use(p.add(s), x.Uses)
}

// policyExpressions are the conditions of a policy on the target.
func (p *planner) policyExpressions(x *catalog.Policy) (using, check, why string) {
	classes := func(string) class { return same }
	if t := p.tableOf(x.Table); t != nil {
		classes = t.classOf
	}
	for _, e := range []struct {
		from catalog.Expr
		to   *string
	}{{x.Using, &using}, {x.Check, &check}} {
		if e.from == "" {
			continue
		}
		if *e.to, why = p.expression(string(e.from), x.Uses, classes); why != "" {
			return "", "", why
		}
	}
	return using, check, ""
}

// policySQL writes a policy; its roles are those that the target has.
func policySQL(x *catalog.Policy, roles []string, using, check string) string {
	var b strings.Builder
	b.WriteString("CREATE POLICY " + ident(x.Name) + " ON " + quoted(x.Table))
	if !x.Permissive {
		b.WriteString(" AS RESTRICTIVE")
	}
	b.WriteString(" FOR " + strings.ToUpper(x.Command) + " TO " + roleList(roles))
	if using != "" {
		b.WriteString(" USING (" + using + ")")
	}
	if check != "" {
		b.WriteString(" WITH CHECK (" + check + ")")
	}
	return b.String()
}

// roleList writes roles as GRANT and CREATE POLICY take them.
func roleList(roles []string) string {
	out := make([]string, len(roles))
	for i, r := range roles {
		out[i] = roleName(r)
	}
	return strings.Join(out, ", ")
}

// roleName writes a role; an empty one is PUBLIC. Quoted, public is a name like
// any other, and refused by the server.
func roleName(role string) string {
	if role == "" {
		return "PUBLIC"
	}
	return ident(role)
}

func areNames(roles []string) string {
	if len(roles) == 1 {
		return "role " + roles[0] + " is"
	}
	return "roles " + words(slices.Clone(roles)) + " are"
}
