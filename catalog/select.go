package catalog

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pg2db9/pg2db9/catalog/finding"
)

// Codes of the findings of Select.
const (
	codeForeignKey finding.Code = "filter.foreign-key" // left: it refers to a table that is not selected
	codeView       finding.Code = "filter.view"        // left: it reads a table that is not selected
	codeDetached   finding.Code = "filter.detached"    // becomes a table of its own: its parent is not selected
	codeChild      finding.Code = "filter.child"       // not selected although its parent is: the parent shows fewer rows
	codeUnselected finding.Code = "filter.unselected"  // what is left because nobody asked for it, counted
)

// Select returns the part of the database that a filter chooses: the tables,
// and with them their indexes, constraints, triggers, comments, the sequences
// that they own or call, the types, routines, extensions and schemas that they
// need, and the views that read selected tables alone. What belongs to no table (a
// routine, a sequence or type that nothing uses) is chosen with its schema,
// unless single tables are asked for. The findings say what is left because
// something else is, and count the rest. The database itself stays as it is.
func (db *Database) Select(f Filter) (*Database, []finding.Finding, error) {
	if f.Empty() {
		return db, nil, nil
	}
	refs := make([]TableRef, len(db.Tables))
	for i, t := range db.Tables {
		refs[i] = TableRef{Name: t.Name, Kind: t.Kind, IsPartition: t.IsPartition}
		if t.IsPartition && len(t.Inherits) > 0 {
			refs[i].Parent = &t.Inherits[0]
		}
	}
	m, err := f.matcher()
	if err != nil {
		return nil, nil, err
	}
	chosen, err := m.match(refs)
	if err != nil {
		return nil, nil, err
	}
	s := newSelection(db, m, chosen)
	out := s.database()
	finding.Sort(s.findings)
	return out, s.findings, nil
}

// selection is one Select under way.
type selection struct {
	from *Database
	m    *matcher

	all    map[Name]bool // every table of the database
	tables map[Name]bool // those chosen
	views  map[Name]bool // every view of the database: whether it is chosen
	needs                // what they cannot do without

	relations   map[Name]bool // what is selected of the names that relations share
	constraints map[ColumnRef]bool
	findings    []finding.Finding
}

func newSelection(db *Database, m *matcher, chosen []Name) *selection {
	s := &selection{
		from: db, m: m, all: map[Name]bool{}, tables: map[Name]bool{}, views: map[Name]bool{}, needs: newNeeds(),
		relations: map[Name]bool{}, constraints: map[ColumnRef]bool{},
	}
	for _, t := range db.Tables {
		s.all[t.Name] = true
	}
	for _, n := range chosen {
		s.tables[n], s.relations[n] = true, true
	}
	return s
}

func (s *selection) database() *Database {
	out := *s.from
	detached := map[Name]bool{}
	out.Tables = keep(s.from.Tables, func(t Table) bool { return s.tables[t.Name] })
	for i := range out.Tables {
		if t := &out.Tables[i]; s.detach(t) {
			detached[t.Name] = true
		}
		s.table(out.Tables[i])
	}
	s.chooseViews()
	s.viewsChosen(&out)
	out.Constraints = keep(s.from.Constraints, s.constraint)
	for i := range out.Constraints {
		c := &out.Constraints[i]
		c.Inherited = c.Inherited && !detached[c.Table]
		s.constraints[ColumnRef{c.Table, c.Name}] = true
		s.refs(c.Uses)
	}
	out.Indexes = keep(s.from.Indexes, func(x Index) bool { return s.tables[x.Table] || s.views[x.Table] })
	for i := range out.Indexes {
		s.relations[out.Indexes[i].Name] = true
		s.refs(out.Indexes[i].Uses)
	}
	for i := range out.Indexes {
		if p := out.Indexes[i].Parent; p != nil && !s.relations[*p] {
			out.Indexes[i].Parent = nil
		}
	}
	s.objects(&out)
	s.children()
	s.unselected(&out)
	return &out
}

// objects chooses what is not part of a table.
func (s *selection) objects(out *Database) {
	// Types first: a domain's default may call a sequence.
	s.close(s.from, s.whole)
	types := func(n Name) bool { return s.types[n] || s.whole(n.Schema) }
	out.Enums = keep(s.from.Enums, func(e Enum) bool { return types(e.Name) })
	out.Domains = keep(s.from.Domains, func(d Domain) bool { return types(d.Name) })
	out.Composites = keep(s.from.Composites, func(c Composite) bool { return types(c.Name) })
	out.Routines = keep(s.from.Routines, func(r Routine) bool { return s.routines[r.Name] || s.whole(r.Name.Schema) })
	for _, r := range out.Routines {
		s.schemas[r.Name.Schema] = true
	}
	out.Sequences = keep(s.from.Sequences, func(q Sequence) bool {
		if s.sequences[q.Name] {
			return true
		}
		if q.Owner != nil && s.all[q.Owner.Table] {
			return s.tables[q.Owner.Table]
		}
		return s.whole(q.Name.Schema)
	})
	for i, q := range out.Sequences {
		s.relations[q.Name], s.schemas[q.Name.Schema] = true, true
		if q.Owner != nil && !s.tables[q.Owner.Table] {
			out.Sequences[i].Owner, out.Sequences[i].Identity = nil, false
		}
	}
	for _, e := range out.Enums {
		s.schemas[e.Name.Schema] = true
	}
	for _, d := range out.Domains {
		s.schemas[d.Name.Schema] = true
	}
	for _, c := range out.Composites {
		s.relations[c.Name], s.schemas[c.Name.Schema] = true, true
	}
	s.chooseObjects(out)
	out.Extensions = keep(s.from.Extensions, func(x Extension) bool { return s.extensions[x.Name] || s.whole(x.Schema) })
	for _, x := range out.Extensions {
		s.schemas[x.Schema] = true
	}
	out.Schemas = keep(s.from.Schemas, func(n Schema) bool { return s.schemas[n.Name] || s.whole(n.Name) })
	s.rights(out)
	commented := s.comments(out)
	out.Comments = keep(s.from.Comments, commented)
	s.rightsOf(out, commented)
}

// whole says whether a schema is chosen with all that it holds.
func (s *selection) whole(schema string) bool { return s.m.wholeSchema(schema) }

// detach makes a table one of its own whose parents are not all selected. Its
// inherited columns and constraints become its own then.
func (s *selection) detach(t *Table) bool {
	kept := keep(t.Inherits, func(p Name) bool { return s.tables[p] || !s.all[p] })
	if len(kept) == len(t.Inherits) {
		return false
	}
	parent := t.Inherits[slices.IndexFunc(t.Inherits, func(p Name) bool { return s.all[p] && !s.tables[p] })]
	what, message := "child", "it becomes a table of its own: its parent %s is not selected"
	if t.IsPartition {
		what, message = "partition", "it becomes a table of its own: %s, of which it is a partition, is not selected"
	}
	s.find(codeDetached, finding.Change, "table", t.Name, fmt.Sprintf(message, parent),
		fmt.Sprintf("Select %s as well to keep it a %s of it.", parent, what))
	t.Inherits, t.IsPartition, t.Bound = kept, false, ""
	t.Columns = slices.Clone(t.Columns)
	for i := range t.Columns {
		t.Columns[i].Local = true
	}
	return true
}

// children names the tables that are left although their parent is selected.
func (s *selection) children() {
	for _, t := range s.from.Tables {
		if s.tables[t.Name] {
			continue
		}
		for _, p := range t.Inherits {
			if s.tables[p] {
				s.find(codeChild, finding.Left, "table", t.Name,
					fmt.Sprintf("it is not selected, but %s is: on the target that shows none of its rows", p), "Select it as well, or leave it so.")
				break
			}
		}
	}
}

func (s *selection) constraint(k Constraint) bool {
	if !s.tables[k.Table] {
		return false
	}
	if k.RefTable == nil || s.tables[*k.RefTable] || !s.all[*k.RefTable] {
		return true
	}
	if !k.Inherited {
		s.findings = append(s.findings, finding.Finding{
			Code: codeForeignKey, Severity: finding.Left,
			Object:  finding.Object{Kind: "constraint", Schema: k.Table.Schema, Parent: k.Table.Name, Name: k.Name},
			Message: fmt.Sprintf("the foreign key refers to %s, which is not selected", *k.RefTable),
			Remedy:  fmt.Sprintf("Select %s as well, or leave it so.", *k.RefTable),
		})
	}
	return false
}

// unselected counts what the filters leave, so that nothing goes unmentioned.
func (s *selection) unselected(out *Database) {
	var parts []string
	count := func(n int, what string) {
		switch {
		case n == 1:
			parts = append(parts, "1 "+what)
		case n > 1:
			parts = append(parts, fmt.Sprintf("%d %ss", n, what))
		}
	}
	count(len(s.from.Tables)-len(out.Tables), "table")
	count(len(s.from.Views)-len(out.Views), "view")
	count(len(s.from.Sequences)-len(out.Sequences), "sequence")
	count(len(s.from.Ranges)+len(s.from.Enums)+len(s.from.Domains)+len(s.from.Composites)-len(out.Ranges)-len(out.Enums)-len(out.Domains)-len(out.Composites), "type")
	count(len(s.from.Routines)-len(out.Routines), "routine")
	count(len(s.from.Extensions)-len(out.Extensions), "extension")
	count(len(s.from.Schemas)-len(out.Schemas), "schema")
	count(len(s.from.Others)+s.from.hanging()-len(out.Others)-out.hanging(), "other object")
	if len(parts) > 0 {
		s.findings = append(s.findings, finding.Finding{
			Code: codeUnselected, Severity: finding.Info, Object: finding.Object{Kind: "objects", Name: "not selected"},
			Message: "left out by the filters: " + strings.Join(parts, ", "),
		})
	}
}

func (s *selection) find(code finding.Code, severity finding.Severity, kind string, n Name, message, remedy string) {
	s.findings = append(s.findings, finding.Finding{
		Code: code, Severity: severity, Object: finding.Object{Kind: kind, Schema: n.Schema, Name: n.Name}, Message: message, Remedy: remedy,
	})
}

// keep returns a new list of what in wants, in order.
func keep[T any](list []T, in func(T) bool) []T {
	var out []T
	for _, x := range list {
		if in(x) {
			out = append(out, x)
		}
	}
	return out
}
