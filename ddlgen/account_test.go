package ddlgen

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/ddlgen/usermap"
)

// accounted are the objects of a plan's statements and findings, under the
// source's names.
func accounted(db *catalog.Database, plan *Plan, mapped ...*usermap.Mapping) map[finding.Object]bool {
	var m *usermap.Mapping
	if len(mapped) > 0 {
		m = mapped[0]
	}
	_, names := remodeled(db, m) // statements have the target's names
	has := map[finding.Object]bool{}
	for _, s := range plan.Statements {
		for o := range s.Objects() {
			has[names.sourceObject(o)] = true
		}
	}
	for _, f := range plan.Findings {
		has[f.Object] = true
	}
	for _, g := range plan.Groups {
		for _, o := range g.Objects {
			has[o] = true
		}
	}
	return has
}

// unaccounted lists what is in a model and neither in a statement nor in a
// finding of its plan (N17). It must be empty, always.
func unaccounted(db *catalog.Database, plan *Plan, mapped ...*usermap.Mapping) []string {
	has := accounted(db, plan, mapped...)
	var missing []string
	want := func(o finding.Object, or ...finding.Object) {
		if !has[o] && !slices.ContainsFunc(or, func(o finding.Object) bool { return has[o] }) {
			missing = append(missing, o.String())
		}
	}
	for _, s := range db.Schemas {
		want(schemaObject(s.Name))
	}
	for _, e := range db.Extensions {
		want(extensionObject(e.Name))
	}
	for _, e := range db.Enums {
		want(objectOf("type", e.Name))
	}
	left := map[catalog.Name]bool{}
	for _, f := range plan.Findings {
		if f.Code == tableForeign || f.Code == typeLeft || f.Code == typeExpanded {
			left[catalog.Name{Schema: f.Object.Schema, Name: f.Object.Name}] = true
		}
	}
	for _, d := range db.Domains {
		want(objectOf("domain", d.Name))
		for _, c := range d.Checks {
			if !left[d.Name] { // checks of a domain go the way of the domain
				want(finding.Object{Kind: "constraint", Schema: d.Name.Schema, Parent: d.Name.Name, Name: c.Name})
			}
		}
	}
	for _, c := range db.Composites {
		want(objectOf("type", c.Name))
	}
	for _, s := range db.Sequences {
		want(sequenceObject(s.Name))
	}
	for _, t := range db.Tables {
		want(tableObject(t.Name))
		for _, c := range t.Columns {
			if !left[t.Name] { // columns go the way of their table
				want(columnObject(t.Name, c.Name))
			}
		}
	}
	for i := range db.Constraints {
		want(constraintObject(&db.Constraints[i]))
	}
	for i := range db.Indexes {
		want(indexObject(&db.Indexes[i]))
	}
	for i := range db.Routines {
		want(routineObject(&db.Routines[i]))
	}
	for i := range db.Views {
		want(objectOf(db.Views[i].Kind(), db.Views[i].Name))
		for _, c := range db.Views[i].Columns {
			if c.Default != "" {
				want(columnObject(db.Views[i].Name, c.Name), objectOf(db.Views[i].Kind(), db.Views[i].Name))
			}
		}
	}
	for _, r := range db.Ranges {
		want(objectOf("range type", r.Name))
	}
	for _, x := range db.Statistics {
		want(objectOf("statistics", x.Name))
	}
	for _, c := range db.Collations {
		want(objectOf("collation", c.Name))
	}
	for _, c := range db.Comments {
		want(commentObject(c))
	}
	for _, o := range db.Others {
		want(otherObject(o))
	}
	hanging(db, func(o finding.Object) { want(o) })
	return missing
}

// hanging lists the objects of triggers, rules, policies and rights.
func hanging(db *catalog.Database, want func(finding.Object)) {
	for i := range db.Triggers {
		want(triggerObject(&db.Triggers[i]))
	}
	for _, t := range db.EventTriggers {
		want(finding.Object{Kind: "event trigger", Name: t.Name})
	}
	for _, r := range db.Rules {
		want(hangingObject("rule", r.Table, r.Name))
	}
	for i := range db.Policies {
		want(policyObject(&db.Policies[i]))
	}
	for _, r := range db.Roles {
		want(roleObject(r.Name))
	}
	var home string
	for _, w := range db.Owners {
		if w.Object.Kind == "database" {
			home = w.Role
		}
	}
	for _, w := range db.Owners {
		if w.Role != home { // what is the database owner's is as good as nobody's
			want(rightObject("owner of", w.Object))
		}
	}
	for _, g := range db.Grants {
		want(rightObject("privileges on", g.Object))
	}
	for i := range db.DefaultPrivileges {
		want(defaultPrivilegeObject(&db.DefaultPrivileges[i]))
	}
	for i := range db.Settings {
		want(settingObject(&db.Settings[i]))
	}
	for _, l := range db.SecurityLabels {
		want(rightObject("security label of "+l.Provider+" on", l.Object))
	}
}

// requireSound checks what holds for every plan.
func requireSound(t *testing.T, db *catalog.Database, plan *Plan, mapped ...*usermap.Mapping) {
	t.Helper()
	require.Empty(t, unaccounted(db, plan, mapped...), "neither in the plan nor in a finding")
	ids := map[string]Phase{}
	for i, s := range plan.Statements {
		require.NotContains(t, ids, s.ID)
		require.NotEmpty(t, s.SQL)
		for _, a := range s.After {
			require.Equal(t, s.Phase, ids[a], "%s stands before %s", s.ID, a)
		}
		if i > 0 {
			require.GreaterOrEqual(t, s.Phase, plan.Statements[i-1].Phase)
		}
		ids[s.ID] = s.Phase
	}
	for _, f := range plan.Findings {
		require.NotZero(t, f.Severity, f)
		require.True(t, f.Object.Name != "" || strings.HasSuffix(f.Object.Kind, "large object"), f) // those are counted, and have no names
		require.NotEmpty(t, f.Message, f)
	}
}
