package ddlgen

import (
	"cmp"
	"slices"
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/ddlgen/usermap"
)

// Remnant is an object that a plan leaves behind or carries in another form,
// with the statements that make it what it is at the source.
type Remnant struct {
	Object   finding.Object    `json:"object"`   // in the source's names
	Carried  bool              `json:"carried"`  // the target has it, in another form: SQL is for reading
	Findings []finding.Finding `json:"findings"` // why; of severity Change or above
	SQL      []string          `json:"sql"`      // in their order, without semicolons; what a server needs that has the rest
	Why      string            `json:"why"`      // why there is no SQL

	at int // the position of what makes it in the plan of originals
}

// Remnants lists what a plan does not carry as it is, with its original
// definition, in an order in which the definitions can be executed where all
// else stands. db is the model that the plan was made from, or a larger one that
// holds it; more are findings beside the plan's, such as those of Select. No
// definition holds a secret: passwords and options that may be one are not read.
func Remnants(db *catalog.Database, plan *Plan, m *usermap.Mapping, more []finding.Finding) []Remnant {
	told, order := toldOf(slices.Concat(more, plan.Findings), plan.Groups)
	if len(order) == 0 {
		return nil
	}
	s := newOriginals(db)
	carried := carriedObjects(db, plan, m)
	out := make([]Remnant, 0, len(order))
	for _, o := range order {
		r := Remnant{Object: o, Carried: carried[o], Findings: told[o], at: s.rank(o)}
		if i := s.shell(o); i >= 0 { // its functions come between the two
			shell := r
			shell.SQL, shell.at = []string{s.plan.Statements[i].SQL}, i
			out = append(out, shell)
			s.makes[o] = s.makes[o][1:]
			r.at = s.rank(o)
		}
		if whole := s.whole(o); whole != o && told[whole] != nil && !carried[whole] {
			r.Why = "it comes with " + whole.String()
		} else {
			r.SQL, r.Why = s.define(o)
		}
		out = append(out, r)
	}
	slices.SortStableFunc(out, func(a, b Remnant) int { return cmp.Compare(a.at, b.at) })
	return out
}

// whole is the object in whose definition another stands; that itself, where it
// has one of its own.
func (s *originals) whole(o finding.Object) finding.Object {
	if i, inside := s.carries[o]; inside && len(s.makes[o]) == 0 {
		return s.plan.Statements[i].Object
	}
	return o
}

// shell is the position of the statement that makes a type's shell, where the
// type needs one for functions that it needs itself; -1 where it has none.
func (s *originals) shell(o finding.Object) int {
	if list := s.makes[o]; len(list) > 1 && strings.HasSuffix(s.plan.Statements[list[0]].ID, "/shell") {
		return list[0]
	}
	return -1
}

// toldOf gathers the findings that speak of something lost, by their objects. Of
// groups, each object is told of by itself.
func toldOf(findings []finding.Finding, groups []Group) (told map[finding.Object][]finding.Finding, order []finding.Object) {
	told = map[finding.Object][]finding.Finding{}
	put := func(f finding.Finding) {
		o := f.Object
		switch f.Code {
		case filterData: // the rows stay behind, not the table
			return
		case tableRowSecurity:
			o = rowSecurityObject(catalog.Name{Schema: o.Schema, Name: o.Name})
		}
		if told[o] == nil {
			order = append(order, o)
		}
		told[o] = append(told[o], f)
	}
	grouped := map[finding.Code]map[finding.Object]bool{}
	for _, g := range groups {
		grouped[g.Code] = map[finding.Object]bool{}
		for _, o := range g.Objects {
			grouped[g.Code][o] = true
		}
	}
	for _, f := range findings {
		_, summary := grouped[f.Code]
		if f.Severity >= finding.Change && !summary {
			put(f)
		}
	}
	for _, g := range groups {
		rule := ruleOf(g.Code)
		if rule.Severity < finding.Change {
			continue
		}
		for _, o := range g.Objects {
			put(finding.Finding{Code: g.Code, Severity: rule.Severity, Object: o, Message: rule.Reason, Remedy: rule.Remedy})
		}
	}
	// Findings of one code that a group summarizes can be of single objects too.
	for _, f := range findings {
		if set, summary := grouped[f.Code]; summary && f.Severity >= finding.Change && !set[f.Object] && !isSummary(f.Object) {
			put(f)
		}
	}
	return told, order
}

// isSummary tells the object of a group's finding from one of the database.
func isSummary(o finding.Object) bool {
	switch o.Kind {
	case "owners", "privileges", "default privileges", "comments", "roles":
		return o.Schema == "" && strings.Contains(o.Name, " ")
	}
	return false
}

// carriedObjects are those that a plan's statements make, in the source's names.
func carriedObjects(db *catalog.Database, plan *Plan, m *usermap.Mapping) map[finding.Object]bool {
	_, names := remodeled(db, m)
	out := map[finding.Object]bool{}
	for i := range plan.Statements {
		s := &plan.Statements[i]
		for o := range s.Objects() {
			out[names.sourceObject(o)] = true
		}
	}
	return out
}

// originals gives the definitions of a source's objects: a plan for a PostgreSQL
// that takes everything has most of them.
type originals struct {
	p       *planner
	plan    *Plan
	hanging map[finding.Object][]string
	makes   map[finding.Object][]int // statements of the plan, by the object that they are for
	carries map[finding.Object]int   // the statement that makes an object beside its own
	kept    map[finding.Object]*catalog.Constraint
	indexes map[finding.Object]*catalog.Index
	checks  map[finding.Object]catalog.DomainCheck
	others  map[finding.Object]*catalog.Other
}

func newOriginals(db *catalog.Database) *originals {
	p := planned(db, Postgres(), Options{
		TargetVersion: db.ServerVersion, OnlySchema: true, Roles: true, Owners: true, Privileges: true, Policies: true,
	})
	s := &originals{
		p: p, hanging: HangingDefinitions(db), makes: map[finding.Object][]int{}, carries: map[finding.Object]int{}, plan: &Plan{},
		kept: map[finding.Object]*catalog.Constraint{}, indexes: map[finding.Object]*catalog.Index{}, checks: map[finding.Object]catalog.DomainCheck{},
		others: map[finding.Object]*catalog.Other{},
	}
	tables := p.tables
	if plan, err := p.plan(); err == nil { // it fails for what a mapping asks, and there is none
		s.plan = plan
	}
	p.tables = tables // plan gives them up
	for i := range s.plan.Statements {
		x := &s.plan.Statements[i]
		s.makes[x.Object] = append(s.makes[x.Object], i)
		for o := range x.Objects() {
			if _, there := s.carries[o]; !there && o != x.Object {
				s.carries[o] = i
			}
		}
	}
	for i := range db.Constraints {
		s.kept[constraintObject(&db.Constraints[i])] = &db.Constraints[i]
	}
	for i := range db.Indexes {
		s.indexes[indexObject(&db.Indexes[i])] = &db.Indexes[i]
	}
	for _, d := range db.Domains {
		for _, c := range d.Checks {
			s.checks[finding.Object{Kind: "constraint", Schema: d.Name.Schema, Parent: d.Name.Name, Name: c.Name}] = c
		}
	}
	for i := range db.Others {
		s.others[otherObject(db.Others[i])] = &db.Others[i]
	}
	return s
}

// define gives the statements that make an object what it is, or says why there
// are none.
func (s *originals) define(o finding.Object) (sql []string, why string) {
	if sql := s.hanging[o]; sql != nil && o.Kind != "table" {
		return sql, ""
	}
	switch o.Kind {
	case "constraint":
		return s.constraint(o)
	case "index":
		return s.index(o)
	case "column":
		return s.column(o)
	}
	for _, i := range s.makes[o] {
		sql = append(sql, s.plan.Statements[i].SQL)
	}
	if sql != nil {
		return append(sql, s.partitions(o)...), ""
	}
	if i, ok := s.carries[o]; ok {
		return nil, "it comes with " + s.plan.Statements[i].Object.String()
	}
	if x := s.others[o]; x != nil {
		switch {
		case len(x.Def) > 0:
			return x.Def, ""
		case x.Count > 0:
			return nil, "it is counted, not read"
		}
	}
	for _, f := range s.plan.Findings {
		if f.Object == o {
			return nil, f.Message
		}
	}
	return nil, "the model holds no definition of it"
}

// partitions are the statements that make the partitions below a table.
func (s *originals) partitions(o finding.Object) (sql []string) {
	if o.Kind != "table" {
		return nil
	}
	for _, child := range s.p.model.children[catalog.Name{Schema: o.Schema, Name: o.Name}] {
		if !s.p.model.tables.get(child).IsPartition {
			continue
		}
		for _, i := range s.makes[tableObject(child)] {
			sql = append(sql, s.plan.Statements[i].SQL)
		}
		sql = append(sql, s.partitions(tableObject(child))...)
	}
	return sql
}

func (s *originals) constraint(o finding.Object) (sql []string, why string) {
	parent := quoted(catalog.Name{Schema: o.Schema, Name: o.Parent})
	if c, ok := s.checks[o]; ok {
		return []string{"ALTER DOMAIN " + parent + " ADD CONSTRAINT " + ident(o.Name) + " " + string(c.Def)}, ""
	}
	c := s.kept[o]
	switch {
	case c == nil:
		return nil, "the model holds no definition of it"
	case c.Inherited && c.Kind != catalog.PrimaryKey && c.Kind != catalog.Unique:
		return nil, "it comes with that of the parent"
	}
	for _, i := range s.makes[o] { // with what is set for its index
		sql = append(sql, s.plan.Statements[i].SQL)
	}
	if sql == nil {
		sql = []string{"ALTER TABLE " + parent + " ADD CONSTRAINT " + ident(o.Name) + " " + string(c.Def)}
	}
	return sql, ""
}

func (s *originals) index(o finding.Object) (sql []string, why string) {
	for _, i := range s.makes[o] {
		sql = append(sql, s.plan.Statements[i].SQL)
	}
	x := s.indexes[o]
	switch {
	case sql != nil:
		return sql, ""
	case x == nil:
		return nil, "the model holds no definition of it"
	case x.Constraint != "":
		return nil, "it comes with constraint " + x.Constraint
	}
	return []string{string(x.Def)}, ""
}

// column is the column with all that its table's definition says of it.
func (s *originals) column(o finding.Object) (sql []string, why string) {
	name := catalog.Name{Schema: o.Schema, Name: o.Parent}
	if t := s.p.tableOf(name); t != nil && t.carried {
		plan := t.column(o.Name)
		if plan == nil {
			return nil, "the model holds no definition of it"
		}
		sql = []string{"ALTER TABLE " + quoted(name) + " ADD COLUMN " + s.p.clause(plan)}
		for _, i := range s.makes[o] {
			sql = append(sql, s.plan.Statements[i].SQL)
		}
		return sql, ""
	}
	for _, i := range s.makes[o] { // defaults of a view's columns
		sql = append(sql, s.plan.Statements[i].SQL)
	}
	if sql != nil {
		return sql, ""
	}
	return nil, "it comes with " + name.String()
}

// rank orders definitions as a plan would execute them: by what makes the
// object, else last, by kind.
func (s *originals) rank(o finding.Object) int {
	if list := s.makes[o]; len(list) > 0 {
		return list[0]
	}
	if i, ok := s.carries[o]; ok {
		return i
	}
	last := len(s.plan.Statements)
	switch {
	case strings.HasPrefix(o.Kind, "comment on "), strings.HasPrefix(o.Kind, "security label "):
		return last + 2
	case strings.HasPrefix(o.Kind, "privileges on "), strings.HasPrefix(o.Kind, "owner of "), o.Kind == "default privileges", o.Kind == "setting":
		return last + 1
	}
	return last
}
