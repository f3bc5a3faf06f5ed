package assess

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/ddlgen"
)

// extensionsOf lists the installed extensions, each with the objects that need
// it: columns by their type, and whatever the server says depends on a member.
func extensionsOf(db *catalog.Database, plan *ddlgen.Plan) []Extension {
	users := map[string]map[string]bool{}
	use := func(extension string, o finding.Object) {
		if extension == "" {
			return
		}
		if users[extension] == nil {
			users[extension] = map[string]bool{}
		}
		users[extension][o.String()] = true
	}
	uses := func(refs []catalog.Ref, o finding.Object) {
		for _, r := range refs {
			use(r.Extension, o)
		}
	}
	in := func(kind string, n catalog.Name) finding.Object {
		return finding.Object{Kind: kind, Schema: n.Schema, Name: n.Name}
	}
	of := func(kind string, parent catalog.Name, name string) finding.Object {
		return finding.Object{Kind: kind, Schema: parent.Schema, Parent: parent.Name, Name: name}
	}
	for i := range db.Tables {
		t := &db.Tables[i]
		uses(t.Uses, in("table", t.Name))
		for j := range t.Columns {
			c := &t.Columns[j]
			use(c.Type.Extension, of("column", t.Name, c.Name))
			uses(c.Uses, of("column", t.Name, c.Name))
		}
	}
	for i := range db.Constraints {
		uses(db.Constraints[i].Uses, of("constraint", db.Constraints[i].Table, db.Constraints[i].Name))
	}
	for i := range db.Indexes {
		x := &db.Indexes[i]
		uses(x.Uses, in("index", x.Name))
	}
	for _, d := range db.Domains {
		use(d.Base.Extension, in("domain", d.Name))
		uses(d.Uses, in("domain", d.Name))
	}
	for _, c := range db.Composites {
		for _, f := range c.Fields {
			use(f.Type.Extension, in("type", c.Name))
		}
	}
	for _, v := range db.Views {
		uses(v.Uses, in(viewKind(v), v.Name))
	}
	for i := range db.Routines {
		r := &db.Routines[i]
		uses(r.Uses, in(string(r.Kind), r.Name))
		for _, u := range ddlgen.Constructs(r) { // bodies as text, which pg_depend does not look into
			use(u.Extension, in(string(r.Kind), r.Name))
		}
	}
	for _, g := range db.Triggers {
		uses(g.Uses, of("trigger", g.Table, g.Name))
	}
	for _, p := range db.Policies {
		uses(p.Uses, of("policy", p.Table, p.Name))
	}
	for _, d := range db.Dependencies {
		use(d.Extension, finding.Object{Kind: d.Object.Kind, Schema: d.Object.Schema, Name: d.Object.Name, Parent: d.Object.Parent})
	}
	there := map[string]bool{}
	for _, s := range plan.Statements {
		if s.Object.Kind == "extension" {
			there[s.Object.Name] = true
		}
	}
	for _, f := range plan.Findings {
		if f.Code == "extension.built-in" {
			there[f.Object.Name] = true
		}
	}
	out := make([]Extension, 0, len(db.Extensions))
	for _, e := range db.Extensions {
		x := Extension{Name: e.Name, Version: e.Version, Carried: there[e.Name]}
		for u := range users[e.Name] {
			x.Users = append(x.Users, u)
		}
		slices.Sort(x.Users)
		out = append(out, x)
	}
	return out
}

func viewKind(v catalog.View) string {
	if v.Materialized {
		return "materialized view"
	}
	return "view"
}

// usedExtensions finds extensions that the target lacks and something needs.
func usedExtensions(all []Extension) []finding.Finding {
	const named = 5
	var out []finding.Finding
	for _, e := range all {
		if e.Carried || len(e.Users) == 0 {
			continue
		}
		list := strings.Join(e.Users[:min(named, len(e.Users))], ", ")
		if n := len(e.Users) - named; n > 0 {
			list += fmt.Sprintf(" and %d more", n)
		}
		word := fmt.Sprintf("%d objects need it", len(e.Users))
		if len(e.Users) == 1 {
			word = "1 object needs it"
		}
		out = append(out, find(extensionUsed, finding.Object{Kind: "extension", Name: e.Name}, word+": "+list))
	}
	return out
}
