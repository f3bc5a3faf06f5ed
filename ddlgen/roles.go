package ddlgen

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
)

func roleObject(name string) finding.Object { return finding.Object{Kind: "role", Name: name} }

// roles creates the roles that the target lacks, without passwords: those of
// the source are not read.
func (p *planner) roles() {
	p.created = map[string]bool{}
	for i := range p.db.Roles {
		r := &p.db.Roles[i]
		o := roleObject(r.Name)
		switch {
		case p.opts.TargetRoles != nil && slices.Contains(p.opts.TargetRoles, r.Name):
			p.group(roleThere, "roles", "that the target has", "they are used as they stand there", o)
		case slices.Contains(p.opts.ProviderRoles, r.Name):
			p.group(roleLeft, "roles", "of the provider", "they are the source's provider's own, and never carried", o)
		case !p.opts.Roles:
			p.group(roleLeft, "roles", "of the source", "--roles creates those that the target lacks, without passwords", o)
		case r.Superuser:
			p.find(roleLeft, o, "it is a superuser at the source: who may do everything on the target is not decided here")
		default:
			p.role(r)
		}
	}
	for i := range p.db.Roles {
		r := &p.db.Roles[i]
		for _, group := range r.MemberOf {
			if p.opts.Roles && (p.created[r.Name] || p.created[group]) && p.hasRole(r.Name) && p.hasRole(group) {
				p.membership(r.Name, group)
			}
		}
	}
}

func (p *planner) role(r *catalog.Role) {
	o := roleObject(r.Name)
	p.created[r.Name] = true
	p.add(Statement{
		ID: "roles/" + r.Name, Phase: PhaseRights, Object: o, SQL: roleSQL(r, p.profile.Map), Optional: true, Undo: "DROP ROLE " + ident(r.Name),
	})
	if r.Login {
		p.find(rolePassword, o, "it is created without a password")
	}
	var lost []string
	if r.Replication {
		lost = append(lost, "REPLICATION")
	}
	if r.BypassRLS {
		lost = append(lost, "BYPASSRLS")
	}
	if p.profile.Map {
		if r.CreateDB {
			lost = append(lost, "CREATEDB")
		}
		if r.CreateRole {
			lost = append(lost, "CREATEROLE")
		}
		if r.ConnLimit >= 0 {
			lost = append(lost, fmt.Sprintf("CONNECTION LIMIT %d", r.ConnLimit))
		}
	}
	if len(lost) > 0 {
		p.find(roleChanged, o, "it is created without %s", words(lost))
	}
}

// roleSQL writes a role without what only a superuser can give; to a target
// that may know no more, with LOGIN alone.
func roleSQL(r *catalog.Role, bare bool) string {
	sql := "CREATE ROLE " + ident(r.Name)
	if r.Login {
		sql += " LOGIN"
	}
	if bare {
		return sql
	}
	if !r.Inherit {
		sql += " NOINHERIT"
	}
	if r.CreateDB {
		sql += " CREATEDB"
	}
	if r.CreateRole {
		sql += " CREATEROLE"
	}
	if r.ConnLimit >= 0 {
		sql += fmt.Sprintf(" CONNECTION LIMIT %d", r.ConnLimit)
	}
	return sql
}

func (p *planner) membership(member, group string) {
	s := Statement{
		ID: "roles/" + member + "/member of " + group, Phase: PhaseRights, Object: roleObject(member), Optional: true,
		SQL: "GRANT " + ident(group) + " TO " + ident(member), Undo: "REVOKE " + ident(group) + " FROM " + ident(member),
	}
	for _, r := range []string{member, group} {
		if p.created[r] {
			s.After = append(s.After, "roles/"+r)
		}
	}
	p.add(s)
}

// hasRole says whether the target has a role, or will have; where nobody said
// which it has, those are taken to be there that are not a provider's.
func (p *planner) hasRole(name string) bool {
	switch {
	case name == "" || p.created[name]:
		return true
	case p.opts.TargetRoles != nil:
		return slices.Contains(p.opts.TargetRoles, name)
	case strings.HasPrefix(name, "pg_"):
		return !p.profile.Map
	}
	return !slices.Contains(p.opts.ProviderRoles, name)
}

// present splits roles into those that the target has and those that it lacks.
func (p *planner) present(roles []string) (has, lacks []string) {
	for _, r := range roles {
		if p.hasRole(r) {
			has = append(has, r)
		} else {
			lacks = append(lacks, r)
		}
	}
	return has, lacks
}

// afterRoles are the statements that create what a statement of the same phase
// names.
func (p *planner) afterRoles(names ...string) []string {
	var out []string
	for _, n := range names {
		if p.created[n] {
			out = append(out, "roles/"+n)
		}
	}
	return out
}
