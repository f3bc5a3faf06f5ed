package catalog

import (
	"fmt"

	"github.com/pg2db9/pg2db9/catalog/finding"
)

// chooseViews says which views are selected: those that read selected tables
// alone, through other views as well, and with a whole schema those of it that
// read no table. A view that a selected one reads comes along, wherever it lies.
func (s *selection) chooseViews() {
	byName := make(map[Name]*View, len(s.from.Views))
	for i := range s.from.Views {
		byName[s.from.Views[i].Name] = &s.from.Views[i]
	}
	for i := range s.from.Views {
		v := &s.from.Views[i]
		tables, through := s.reads(v, byName)
		s.views[v.Name] = s.views[v.Name] || s.view(v, tables)
		if !s.views[v.Name] {
			continue
		}
		for _, n := range through {
			s.views[n] = true // what it reads is part of what v reads
		}
	}
}

// view says whether a view is selected by the tables that it reads. One that
// reads tables of both sides is named.
func (s *selection) view(v *View, reads []Name) bool {
	var in, out int
	var missing Name
	for _, t := range reads {
		if s.tables[t] {
			in++
			continue
		}
		if out++; out == 1 || t.Compare(missing) < 0 {
			missing = t
		}
	}
	if out > 0 {
		if in > 0 || s.whole(v.Name.Schema) {
			s.find(codeView, finding.Left, v.Kind(), v.Name, fmt.Sprintf("it reads %s, which is not selected", missing),
				fmt.Sprintf("Select %s as well, or leave it so.", missing))
		}
		return false
	}
	return in > 0 || s.whole(v.Name.Schema)
}

// reads returns the tables that a view reads, and the views through which it
// does.
func (s *selection) reads(v *View, byName map[Name]*View) (tables, through []Name) {
	seen := map[Name]bool{v.Name: true}
	for todo := []*View{v}; len(todo) > 0; {
		last := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, r := range last.Uses {
			if seen[r.Name] {
				continue
			}
			next := byName[r.Name]
			switch {
			case r.Kind == "table" && s.all[r.Name]:
				tables = append(tables, r.Name)
			case isView(r.Kind) && next != nil:
				todo, through = append(todo, next), append(through, r.Name)
			default:
				continue
			}
			seen[r.Name] = true
		}
	}
	return tables, through
}

func isView(kind string) bool { return kind == "view" || kind == "materialized view" }

// viewsChosen notes the selected views, and what they need.
func (s *selection) viewsChosen(out *Database) {
	out.Views = keep(s.from.Views, func(v View) bool { return s.views[v.Name] })
	for i := range out.Views {
		v := &out.Views[i]
		s.relations[v.Name], s.schemas[v.Name.Schema] = true, true
		s.refs(v.Uses)
		for _, c := range v.Columns {
			s.typ(c.Type)
			s.refs(c.Uses)
		}
	}
}
