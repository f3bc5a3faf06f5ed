package ddlgen

import (
	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
)

// declareObjects makes a node of each object beside tables. What no kind's own
// file declares is left.
func (p *planner) declareObjects() {
	p.declareViews()
	p.declareRoutines()
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
	for _, t := range db.Ranges {
		add("range type", t.Name, "")
	}
	for _, s := range db.Statistics {
		add("statistics", s.Name, "")
	}
	for _, c := range db.Collations {
		add("collation", c.Name, "")
	}
	return out
}
