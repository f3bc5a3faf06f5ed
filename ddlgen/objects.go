package ddlgen

import (
	"fmt"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
)

// declareObjects makes a node of each object beside tables. What no kind's own
// file declares is left.
func (p *planner) declareObjects() {
	p.declareViews()
	for _, o := range beside(p.db) {
		p.declare(&node{key: refKey{o.Kind, catalog.Name{Schema: o.Schema, Name: o.Name}}, object: o, code: objectLeft, refuse: "it is not carried"})
	}
}

// beside lists what the plan has no words for yet.
func beside(db *catalog.Database) []finding.Object {
	var out []finding.Object
	add := func(kind string, n catalog.Name, parent string) {
		out = append(out, finding.Object{Kind: kind, Schema: n.Schema, Name: n.Name, Parent: parent})
	}
	for _, r := range db.Routines {
		add(string(r.Kind), r.Name, "")
	}
	for _, t := range db.Ranges {
		add("range type", t.Name, "")
	}
	for _, s := range db.Statistics {
		add("statistics", s.Name, "")
	}
	for _, c := range db.Collations {
		add("collation", c.Name, "")
	}
	for _, e := range db.EventTriggers {
		add("event trigger", catalog.Name{Name: e.Name}, "")
	}
	for _, t := range db.Triggers {
		add("trigger", catalog.Name{Schema: t.Table.Schema, Name: t.Name}, t.Table.Name)
	}
	for _, r := range db.Rules {
		add("rule", catalog.Name{Schema: r.Table.Schema, Name: r.Name}, r.Table.Name)
	}
	for _, x := range db.Policies {
		add("policy", catalog.Name{Schema: x.Table.Schema, Name: x.Name}, x.Table.Name)
	}
	for _, d := range db.DefaultPrivileges {
		add("default privileges", catalog.Name{Schema: d.Schema, Name: fmt.Sprintf("FOR ROLE %s ON %s", d.Role, d.Objects)}, "")
	}
	return out
}
