package ddlgen

import (
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
)

// HangingDefinitions are the statements that make triggers, rules, policies,
// rights, settings, labels and comments as the source has them, by the objects
// under which findings name them: whoever leaves one behind can be handed it.
// They hold no secret: passwords and the values of applications' own parameters
// are not read.
func HangingDefinitions(db *catalog.Database) map[finding.Object][]string {
	p := newPlanner(db, Postgres(), Options{})
	out := map[finding.Object][]string{}
	put := func(o finding.Object, sql ...string) {
		for _, s := range sql {
			if s != "" {
				out[o] = append(out[o], s)
			}
		}
	}
	p.defineHanging(put)
	p.defineRights(put)
	for _, c := range db.Comments {
		if on := p.commentTarget(c); on != "" {
			put(commentObject(c), "COMMENT ON "+on+" IS "+literal(c.Text))
		}
	}
	return out
}

func (p *planner) defineHanging(put func(finding.Object, ...string)) {
	for i := range p.db.Triggers {
		t := &p.db.Triggers[i]
		o := triggerObject(t)
		put(o, string(t.Def))
		if t.Enabled != "origin" {
			put(o, "ALTER TABLE "+quoted(t.Table)+" "+stateSQL(t.Enabled)+" TRIGGER "+ident(t.Name))
		}
		for _, s := range t.Apart {
			put(o, "ALTER TABLE "+quoted(s.Table)+" "+stateSQL(s.Enabled)+" TRIGGER "+ident(t.Name))
		}
	}
	for i := range p.db.EventTriggers {
		t := &p.db.EventTriggers[i]
		o := finding.Object{Kind: "event trigger", Name: t.Name}
		put(o, eventTriggerSQL(t))
		if t.Enabled != "origin" {
			put(o, "ALTER EVENT TRIGGER "+ident(t.Name)+" "+stateSQL(t.Enabled))
		}
	}
	for i := range p.db.Rules {
		r := &p.db.Rules[i]
		o := hangingObject("rule", r.Table, r.Name)
		put(o, string(r.Def))
		if r.Enabled != "origin" {
			put(o, ruleStateSQL(r))
		}
	}
	for i := range p.db.Tables {
		t := &p.db.Tables[i]
		alter := "ALTER TABLE " + quoted(t.Name) + " "
		if t.RowSecurity {
			put(rowSecurityObject(t.Name), alter+"ENABLE ROW LEVEL SECURITY")
		}
		if t.ForceRLS {
			put(rowSecurityObject(t.Name), alter+"FORCE ROW LEVEL SECURITY")
		}
	}
	for i := range p.db.Policies {
		x := &p.db.Policies[i]
		put(policyObject(x), policySQL(x, x.Roles, string(x.Using), string(x.Check)))
	}
}

func (p *planner) defineRights(put func(finding.Object, ...string)) {
	for i := range p.db.Roles {
		r := &p.db.Roles[i]
		put(roleObject(r.Name), roleSQL(r, false))
		for _, group := range r.MemberOf {
			put(roleObject(r.Name), "GRANT "+ident(group)+" TO "+ident(r.Name))
		}
	}
	for i := range p.db.Owners {
		w := &p.db.Owners[i]
		o := rightObject("owner of", w.Object)
		if w.Object.Kind == "database" {
			put(o, ofDatabase("ALTER DATABASE %I OWNER TO "+ident(w.Role)))
		} else if sql := p.named(w.Object.Kind, catalog.Name{Schema: w.Object.Schema, Name: w.Object.Name}); sql != "" && p.followed(w.Object) == nil {
			put(o, "ALTER "+sql+" OWNER TO "+ident(w.Role))
		}
	}
	for i := range p.db.Grants {
		g := &p.db.Grants[i]
		sql, _ := p.grantSQL(g)
		if g.Object.Kind == "database" {
			whole := *g
			whole.Object = catalog.ObjectRef{Kind: "schema", Name: "%I"}
			sql, _ = p.grantSQL(&whole)
			sql = ofDatabase(strings.Replace(sql, `SCHEMA "%I"`, "DATABASE %I", 1))
		}
		put(rightObject("privileges on", g.Object), sql)
	}
	for i := range p.db.DefaultPrivileges {
		d := &p.db.DefaultPrivileges[i]
		sql, _ := defaultPrivilegeSQL(d)
		put(defaultPrivilegeObject(d), sql)
	}
	for i := range p.db.Settings {
		put(settingObject(&p.db.Settings[i]), settingSQL(&p.db.Settings[i]))
	}
	for _, l := range p.db.SecurityLabels {
		on := p.commentTarget(catalog.Comment{Kind: l.Object.Kind, Name: catalog.Name{Schema: l.Object.Schema, Name: l.Object.Name}})
		if l.Object.Parent != "" {
			on = p.commentTarget(catalog.Comment{Kind: l.Object.Kind, Name: catalog.Name{Schema: l.Object.Schema, Name: l.Object.Parent}, Sub: l.Object.Name})
		}
		if on != "" {
			put(rightObject("security label of "+l.Provider+" on", l.Object), "SECURITY LABEL FOR "+ident(l.Provider)+" ON "+on+" IS "+literal(l.Label))
		}
	}
}

// commentTarget is an object as COMMENT ON takes it at the source.
func (p *planner) commentTarget(c catalog.Comment) string {
	switch c.Kind {
	case "column":
		return "COLUMN " + quoted(c.Name) + "." + ident(c.Sub)
	case "constraint", "trigger", "rule", "policy":
		return strings.ToUpper(c.Kind) + " " + ident(c.Sub) + " ON " + quoted(c.Name)
	case "constraint on domain":
		return "CONSTRAINT " + ident(c.Sub) + " ON DOMAIN " + quoted(c.Name)
	case "database":
		return "DATABASE " + ident(c.Name.Name)
	case "function", "procedure", "aggregate":
		if c.Args == "" && strings.HasSuffix(c.Name.Name, ")") { // named with its arguments
			return p.named(c.Kind, c.Name)
		}
		arguments := c.Args
		if arguments == "" && c.Kind == "aggregate" {
			arguments = "*"
		}
		return strings.ToUpper(c.Kind) + " " + quoted(c.Name) + "(" + arguments + ")"
	}
	return p.named(c.Kind, c.Name)
}

// settingSQL sets a parameter for whatever database it is run in. Of a value
// that was not read it gives a comment.
func settingSQL(s *catalog.Setting) string {
	set := " SET " + s.Name + " TO " + settingValue(s)
	if strings.Contains(s.Name, ".") { // each part may need quotes
		set = " SET " + ident(s.Name) + " TO " + settingValue(s)
	}
	whom := "ROLE " + ident(s.Role)
	if s.Role == "" {
		whom = "the database"
	}
	switch {
	case s.Unread:
		return "-- " + s.Name + " is set for " + strings.Join(strings.Fields(whom), " ") + ", to a value that was not read"
	case s.Role == "":
		return ofDatabase("ALTER DATABASE %I" + strings.ReplaceAll(set, "%", "%%"))
	case s.Database:
		return ofDatabase("ALTER " + strings.ReplaceAll(whom, "%", "%%") + " IN DATABASE %I" + strings.ReplaceAll(set, "%", "%%"))
	}
	return "ALTER " + whom + set
}

// ofDatabase executes a statement with the name of the database that it is run
// in at %I.
func ofDatabase(format string) string {
	return "DO " + literal("BEGIN EXECUTE pg_catalog.format("+literal(format)+", pg_catalog.current_database()); END")
}
