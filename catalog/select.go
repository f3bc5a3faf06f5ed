package catalog

import (
	"fmt"
	"slices"

	"github.com/pg2db9/pg2db9/catalog/finding"
)

// Select returns the part of the database that a filter chooses: the tables,
// and with them their indexes, constraints, comments, the sequences they own or
// call, the types and schemas they need. What is left because a table is left
// is in the findings.
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
	chosen, err := f.Match(refs)
	if err != nil {
		return nil, nil, err
	}
	s := &selection{from: db, tables: map[Name]bool{}, sequences: map[Name]bool{}, types: map[Name]bool{}, schemas: map[string]bool{}}
	for _, n := range chosen {
		s.tables[n] = true
	}
	return s.database(), s.findings, nil
}

// selection is one Select under way.
type selection struct {
	from      *Database
	tables    map[Name]bool
	sequences map[Name]bool
	types     map[Name]bool
	schemas   map[string]bool
	findings  []finding.Finding
}

func (s *selection) database() *Database {
	out := *s.from
	out.Tables = keep(s.from.Tables, func(t Table) bool { return s.tables[t.Name] })
	for i := range out.Tables {
		s.schemas[out.Tables[i].Name.Schema] = true
		s.needs(out.Tables[i])
	}
	for i, t := range out.Tables {
		out.Tables[i].Inherits = keep(t.Inherits, func(p Name) bool { return s.tables[p] })
		if len(out.Tables[i].Inherits) < len(t.Inherits) {
			s.left("table", t.Name, nil, "It is copied as a table of its own: a parent is not selected.")
			columns := slices.Clone(t.Columns)
			for j := range columns {
				columns[j].Local = true
			}
			out.Tables[i].Columns = columns
		}
	}
	s.closeTypes()
	out.Sequences = keep(s.from.Sequences, func(q Sequence) bool {
		return s.sequences[q.Name] || q.Owner != nil && s.tables[q.Owner.Table]
	})
	for i, q := range out.Sequences {
		s.schemas[q.Name.Schema] = true
		s.sequences[q.Name] = true
		if q.Owner != nil && !s.tables[q.Owner.Table] {
			out.Sequences[i].Owner = nil
		}
	}
	out.Constraints = keep(s.from.Constraints, s.constraint)
	out.Indexes = keep(s.from.Indexes, func(x Index) bool { return s.tables[x.Table] })
	out.Enums = keep(s.from.Enums, func(e Enum) bool { return s.typeNeeded(e.Name) })
	out.Domains = keep(s.from.Domains, func(d Domain) bool { return s.typeNeeded(d.Name) })
	out.Composites = keep(s.from.Composites, func(c Composite) bool { return s.typeNeeded(c.Name) })
	out.Schemas = keep(s.from.Schemas, func(n Schema) bool { return s.schemas[n.Name] })
	out.Others = keep(s.from.Others, s.other)
	out.Comments = keep(s.from.Comments, s.comment)
	return &out
}

// needs notes the types and sequences that a table cannot do without.
func (s *selection) needs(t Table) {
	for _, c := range t.Columns {
		s.types[c.Type.Name] = true
		for _, u := range c.Uses {
			switch u.Kind {
			case "sequence":
				s.sequences[u.Name] = true
			case "type":
				s.types[u.Name] = true
			}
		}
	}
	for _, k := range s.from.Constraints {
		if k.Table == t.Name {
			s.useTypes(k.Uses)
		}
	}
	for _, x := range s.from.Indexes {
		if x.Table == t.Name {
			s.useTypes(x.Uses)
		}
	}
}

func (s *selection) useTypes(refs []Ref) {
	for _, u := range refs {
		if u.Kind == "type" {
			s.types[u.Name] = true
		}
	}
}

// closeTypes adds what the needed types are made of.
func (s *selection) closeTypes() {
	for again := true; again; {
		n := len(s.types)
		for _, d := range s.from.Domains {
			if s.types[d.Name] {
				s.types[d.Base.Name] = true
				s.useTypes(d.Uses)
			}
		}
		for _, c := range s.from.Composites {
			if s.types[c.Name] {
				for _, f := range c.Fields {
					s.types[f.Type.Name] = true
				}
			}
		}
		again = len(s.types) > n
	}
}

func (s *selection) typeNeeded(n Name) bool {
	if s.types[n] {
		s.schemas[n.Schema] = true
	}
	return s.types[n]
}

func (s *selection) constraint(k Constraint) bool {
	if !s.tables[k.Table] {
		return false
	}
	if k.RefTable != nil && !s.tables[*k.RefTable] {
		s.left("constraint", Name{Schema: k.Table.Schema, Name: k.Name}, &k.Table,
			fmt.Sprintf("The foreign key is not carried: it refers to %s, which is not selected.", *k.RefTable))
		return false
	}
	return true
}

// other keeps what hangs on a selected table, and what hangs on none: that is
// left by this version in any case, with a finding of its own.
func (s *selection) other(o Other) bool { return o.Table == nil || s.tables[*o.Table] }

func (s *selection) comment(c Comment) bool {
	switch c.Kind {
	case "table", "foreign table", "column", "constraint", "trigger", "rule", "policy":
		return s.tables[c.Name]
	case "index":
		return slices.ContainsFunc(s.from.Indexes, func(x Index) bool { return x.Name == c.Name && s.tables[x.Table] })
	case "sequence":
		return s.sequences[c.Name]
	case "type", "domain", "constraint on domain":
		return s.types[c.Name]
	case "schema":
		return s.schemas[c.Name.Name]
	}
	return true
}

func (s *selection) left(kind string, n Name, parent *Name, message string) {
	o := finding.Object{Kind: kind, Schema: n.Schema, Name: n.Name}
	if parent != nil {
		o.Parent = parent.Name
	}
	s.findings = append(s.findings, finding.Finding{
		Code: "filter.dangling", Severity: finding.Left, Object: o, Message: message, Remedy: "Select the other table too, or leave it so.",
	})
}

func keep[T any](list []T, in func(T) bool) []T {
	var out []T
	for _, x := range list {
		if in(x) {
			out = append(out, x)
		}
	}
	return out
}
