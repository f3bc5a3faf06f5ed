package catalog

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// rights reads who owns what, who may do what, and what is set for whom. It
// follows all other steps: objects are named by what those know.
func (r *reader) rights(ctx context.Context) error {
	for _, step := range []func(context.Context) error{r.owners, r.grants, r.defaultPrivileges, r.securityLabels, r.settingsAndRoles} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// object is what the reader knows of a row of a catalog, in the words of
// findings.
func (r *reader) object(class string, oid int64, column string) (ObjectRef, bool) {
	if ref, ok := r.routineRef[oid]; ok && class == "pg_proc" {
		return ref, true
	}
	c, ok := r.known[objectKey{class, oid}]
	if !ok {
		return ObjectRef{}, false
	}
	o := ObjectRef{Kind: c.Kind, Schema: c.Name.Schema, Name: c.Name.Name}
	if o.Kind == "foreign table" {
		o.Kind = "table"
	}
	if c.Sub != "" {
		o.Name, o.Parent = c.Sub, c.Name.Name
	}
	if column != "" {
		o = ObjectRef{Kind: "column", Schema: o.Schema, Name: column, Parent: o.Name}
	}
	return o, true
}

// named is an object as pg_identify_object names it: one that is not the
// user's own.
func named(kind, schema, name, identity, column string) ObjectRef {
	o := ObjectRef{Kind: kind, Schema: schema, Name: name}
	if name == "" { // of what may share its name: schema.f(integer)
		o.Name = strings.TrimPrefix(identity, schema+".")
	}
	if column != "" {
		o = ObjectRef{Kind: "column", Schema: schema, Name: column, Parent: o.Name}
	}
	return o
}

type ownerRow struct {
	Class string `db:"class"`
	OID   int64  `db:"oid"`
	Owner string `db:"owner"`
}

func (r *reader) owners(ctx context.Context) error {
	rows, err := collect[ownerRow](ctx, r.q, "owners")
	for _, w := range rows {
		if o, ok := r.object(w.Class, w.OID, ""); ok {
			r.db.Owners = append(r.db.Owners, Owner{Object: o, Role: w.Owner})
		}
	}
	return err
}

type grantRow struct {
	Class      string   `db:"class"`
	OID        int64    `db:"oid"`
	Column     string   `db:"column"`
	Grantee    string   `db:"grantee"`
	Grantor    string   `db:"grantor"`
	Grantable  bool     `db:"grantable"`
	Revoked    bool     `db:"revoked"`
	Privileges []string `db:"privileges"`
	Kind       string   `db:"kind"`
	Schema     string   `db:"schema"`
	Name       string   `db:"name"`
	Identity   string   `db:"identity"`
}

func (r *reader) grants(ctx context.Context) error {
	rows, err := collect[grantRow](ctx, r.q, "grants")
	for _, g := range rows {
		o, ok := r.object(g.Class, g.OID, g.Column)
		if !ok {
			if g.Identity == "" {
				continue // of a schema or relation that is not the user's: temporary ones
			}
			o = named(g.Kind, g.Schema, g.Name, g.Identity, g.Column)
		}
		r.db.Grants = append(r.db.Grants, Grant{
			Object: o, Grantee: g.Grantee, Grantor: g.Grantor, Privileges: g.Privileges, Grantable: g.Grantable, Revoked: g.Revoked,
		})
	}
	return err
}

type defaultPrivilegeRow struct {
	Role       string   `db:"role"`
	Schema     string   `db:"schema"`
	Objects    string   `db:"objects"`
	Grantee    string   `db:"grantee"`
	Grantable  bool     `db:"grantable"`
	Revoked    bool     `db:"revoked"`
	Privileges []string `db:"privileges"`
}

func (r *reader) defaultPrivileges(ctx context.Context) error {
	rows, err := collect[defaultPrivilegeRow](ctx, r.q, "default_privileges")
	for _, d := range rows {
		r.db.DefaultPrivileges = append(r.db.DefaultPrivileges, DefaultPrivilege{
			Role: d.Role, Schema: d.Schema, Objects: d.Objects, Grantee: d.Grantee, Privileges: d.Privileges, Grantable: d.Grantable, Revoked: d.Revoked,
		})
	}
	return err
}

type securityLabelRow struct {
	Class    string `db:"class"`
	OID      int64  `db:"oid"`
	Column   string `db:"column"`
	Provider string `db:"provider"`
	Label    string `db:"label"`
	Kind     string `db:"kind"`
	Schema   string `db:"schema"`
	Name     string `db:"name"`
	Identity string `db:"identity"`
}

func (r *reader) securityLabels(ctx context.Context) error {
	rows, err := collect[securityLabelRow](ctx, r.q, "security_labels")
	for _, l := range rows {
		o, ok := r.object(l.Class, l.OID, l.Column)
		if !ok {
			o = named(l.Kind, l.Schema, l.Name, l.Identity, l.Column)
		}
		r.db.SecurityLabels = append(r.db.SecurityLabels, SecurityLabel{Object: o, Provider: l.Provider, Label: l.Label})
	}
	return err
}

type settingRow struct {
	Role     string `db:"role"`
	Database bool   `db:"database"`
	Name     string `db:"name"`
	Value    string `db:"value"`
	Unread   bool   `db:"unread"`
}

type roleRow struct {
	Name        string   `db:"name"`
	Login       bool     `db:"login"`
	Superuser   bool     `db:"superuser"`
	CreateDB    bool     `db:"create_db"`
	CreateRole  bool     `db:"create_role"`
	Inherit     bool     `db:"inherit"`
	Replication bool     `db:"replication"`
	BypassRLS   bool     `db:"bypass_rls"`
	ConnLimit   int      `db:"conn_limit"`
	MemberOf    []string `db:"member_of"`
}

// settingsAndRoles keeps the roles that matter to the database, and what is set
// for them elsewhere.
func (r *reader) settingsAndRoles(ctx context.Context) error {
	settings, err := collect[settingRow](ctx, r.q, "settings")
	if err != nil {
		return err
	}
	rows, err := collect[roleRow](ctx, r.q, "roles")
	if err != nil {
		return err
	}
	all := make([]Role, len(rows))
	for i, o := range rows {
		all[i] = Role{
			Name: o.Name, Login: o.Login, Superuser: o.Superuser, CreateDB: o.CreateDB, CreateRole: o.CreateRole, Inherit: o.Inherit,
			Replication: o.Replication, BypassRLS: o.BypassRLS, ConnLimit: o.ConnLimit, MemberOf: sortedStrings(o.MemberOf),
		}
	}
	wanted := r.db.rolesNamed()
	for _, s := range settings {
		if s.Database {
			wanted[s.Role] = true
		}
	}
	r.db.Roles = rolesThatMatter(all, wanted)
	for _, s := range settings {
		if s.Database || slices.ContainsFunc(r.db.Roles, func(o Role) bool { return o.Name == s.Role }) {
			r.db.Settings = append(r.db.Settings, Setting(s))
		}
	}
	return nil
}

// rolesNamed are the roles that own, are granted or are named.
func (db *Database) rolesNamed() map[string]bool {
	named := map[string]bool{}
	for i := range db.Owners {
		named[db.Owners[i].Role] = true
	}
	for i := range db.Grants {
		named[db.Grants[i].Grantee], named[db.Grants[i].Grantor] = true, true
	}
	for i := range db.DefaultPrivileges {
		named[db.DefaultPrivileges[i].Role], named[db.DefaultPrivileges[i].Grantee] = true, true
	}
	for i := range db.Policies {
		for _, role := range db.Policies[i].Roles {
			named[role] = true
		}
	}
	return named
}

// rolesThatMatter are the roles wanted, those that act through them (their
// members), and the groups that all of these are in.
func rolesThatMatter(all []Role, wanted map[string]bool) []Role {
	members, groups := map[string][]string{}, map[string][]string{}
	for _, o := range all {
		for _, group := range o.MemberOf {
			members[group] = append(members[group], o.Name)
			groups[o.Name] = append(groups[o.Name], group)
		}
	}
	reach := func(from map[string]bool, next map[string][]string) map[string]bool {
		seen := map[string]bool{}
		var todo []string
		for name := range from {
			todo = append(todo, name)
		}
		for len(todo) > 0 {
			name := todo[len(todo)-1]
			todo = todo[:len(todo)-1]
			if seen[name] {
				continue
			}
			seen[name] = true
			todo = append(todo, next[name]...)
		}
		return seen
	}
	// The members of a predefined role are many and of no concern here: it is
	// there on every server, and what it is granted is not theirs by name.
	own := map[string]bool{}
	for name := range wanted {
		own[name] = !predefinedRole(name)
	}
	for name, mine := range own {
		if !mine {
			delete(own, name)
		}
	}
	named := reach(reach(own, members), groups)
	return keep(all, func(o Role) bool { return named[o.Name] })
}

// predefinedRole says that a role is PostgreSQL's own.
func predefinedRole(name string) bool { return strings.HasPrefix(name, "pg_") }

// String names the object for people and for reports: "column public.t.c".
func (o ObjectRef) String() string {
	s := o.Name
	if o.Parent != "" {
		s = o.Parent + "." + s
	}
	if o.Schema != "" {
		s = o.Schema + "." + s
	}
	return fmt.Sprintf("%s %s", o.Kind, s)
}
