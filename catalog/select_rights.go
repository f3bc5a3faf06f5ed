package catalog

// rights chooses what hangs on selected objects: triggers, rules and policies go
// with their table or view, owners, grants and labels with their object, default
// privileges with their schema. Of roles those stay that what is selected names;
// settings are the whole database's, and stay.
func (s *selection) rights(out *Database) {
	hangs := func(table Name) bool { return s.relations[table] }
	out.Triggers = keep(s.from.Triggers, func(t Trigger) bool { return hangs(t.Table) })
	for i := range out.Triggers {
		out.Triggers[i].Apart = keep(out.Triggers[i].Apart, func(t TriggerState) bool { return hangs(t.Table) })
	}
	out.Rules = keep(s.from.Rules, func(r Rule) bool { return hangs(r.Table) })
	out.Policies = keep(s.from.Policies, func(p Policy) bool { return hangs(p.Table) })
	out.EventTriggers = keep(s.from.EventTriggers, func(EventTrigger) bool { return s.whole("") })
}

// rightsOf chooses the rights of what is selected; comments tells what is.
func (s *selection) rightsOf(out *Database, commented func(Comment) bool) {
	selected := func(o ObjectRef) bool {
		c := Comment{Kind: o.Kind, Name: Name{Schema: o.Schema, Name: o.Name}}
		if o.Parent != "" {
			c.Name.Name, c.Sub = o.Parent, o.Name
		}
		return commented(c) || (o.Schema == "pg_catalog" || o.Schema == "information_schema") && s.whole("")
	}
	out.Owners = keep(s.from.Owners, func(o Owner) bool { return selected(o.Object) })
	out.Grants = keep(s.from.Grants, func(g Grant) bool { return selected(g.Object) })
	out.SecurityLabels = keep(s.from.SecurityLabels, func(l SecurityLabel) bool { return selected(l.Object) })
	out.Dependencies = keep(s.from.Dependencies, func(d Dependency) bool { return selected(d.Object) })
	schemas := map[string]bool{"": s.whole("")}
	for _, n := range out.Schemas {
		schemas[n.Name] = true
	}
	out.DefaultPrivileges = keep(s.from.DefaultPrivileges, func(d DefaultPrivilege) bool { return schemas[d.Schema] })
	wanted := out.rolesNamed()
	for _, x := range out.Settings {
		wanted[x.Role] = true
	}
	out.Roles = rolesThatMatter(s.from.Roles, wanted)
}

// hanging counts what stands beside tables and has fields of its own.
func (db *Database) hanging() int {
	return len(db.Collations) + len(db.Statistics) + len(db.Triggers) + len(db.EventTriggers) + len(db.Rules) + len(db.Policies)
}
