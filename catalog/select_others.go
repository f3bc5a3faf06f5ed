package catalog

import (
	"fmt"

	"github.com/pg2db9/pg2db9/catalog/finding"
)

// others says which of the objects that the model only names are selected: what
// hangs on a table or view goes with it, views go by what they read, the rest
// goes with its schema, and what lies in no schema goes where nothing was
// included by name.
func (s *selection) others() func(Other) bool {
	reads := s.viewReads()
	views := map[Name]bool{} // every view of the database, selected or not
	for _, o := range s.from.Others {
		if !isView(o.Kind) {
			continue
		}
		views[o.Name] = s.view(o, reads(o.Name))
		if views[o.Name] {
			s.relations[o.Name], s.schemas[o.Name.Schema] = true, true
		}
	}
	return func(o Other) bool {
		switch {
		case isView(o.Kind):
			return views[o.Name]
		case o.Table != nil && s.all[*o.Table]:
			return s.tables[*o.Table]
		case o.Table != nil:
			if selected, isView := views[*o.Table]; isView {
				return selected
			}
		}
		return s.whole(o.Name.Schema)
	}
}

func isView(kind string) bool { return kind == "view" || kind == "materialized view" }

// view says whether a view is selected: with its schema, or because all that it
// reads is. One that reads tables of both sides is named.
func (s *selection) view(o Other, reads []Name) bool {
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
		if in > 0 || s.whole(o.Name.Schema) {
			s.find(codeView, finding.Left, o.Kind, o.Name, fmt.Sprintf("it reads %s, which is not selected", missing),
				fmt.Sprintf("Select %s as well, or leave it so.", missing))
		}
		return false
	}
	return in > 0 || s.whole(o.Name.Schema)
}

// viewReads returns the tables that a view reads, through other views as well.
func (s *selection) viewReads() func(Name) []Name {
	uses := map[Name][]Ref{}
	for _, o := range s.from.Others {
		if isView(o.Kind) {
			uses[o.Name] = o.Uses
		}
	}
	return func(view Name) []Name {
		seen := map[Name]bool{view: true}
		var tables []Name
		for todo := []Name{view}; len(todo) > 0; {
			v := todo[len(todo)-1]
			todo = todo[:len(todo)-1]
			for _, r := range uses[v] {
				if seen[r.Name] {
					continue
				}
				switch {
				case r.Kind == "table" && s.all[r.Name]:
					tables = append(tables, r.Name)
				case isView(r.Kind):
					todo = append(todo, r.Name)
				default:
					continue
				}
				seen[r.Name] = true
			}
		}
		return tables
	}
}

// comments says which comments are selected: those on what is.
func (s *selection) comments(out *Database) func(Comment) bool {
	schemas, extensions := map[string]bool{}, map[string]bool{}
	for _, n := range out.Schemas {
		schemas[n.Name] = true
	}
	for _, x := range out.Extensions {
		extensions[x.Name] = true
	}
	type key struct {
		kind string
		name Name
	}
	others := map[key]bool{}
	for _, o := range out.Others {
		others[key{o.Kind, o.Name}] = true
		if o.Kind == "index" { // of a materialized view
			s.relations[o.Name] = true
		}
	}
	return func(c Comment) bool {
		switch c.Kind {
		case "database":
			return s.m.wholeSchema("")
		case "schema":
			return schemas[c.Name.Name]
		case "extension":
			return extensions[c.Name.Name]
		case "table", "foreign table", "view", "materialized view", "index", "sequence", "column", "trigger", "rule", "policy":
			return s.relations[c.Name]
		case "constraint":
			return s.constraints[ColumnRef{c.Name, c.Sub}]
		case "type", "domain", "constraint on domain":
			return s.types[c.Name] || s.whole(c.Name.Schema)
		}
		return others[key{c.Kind, c.Name}]
	}
}
