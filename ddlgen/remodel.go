package ddlgen

import (
	"maps"
	"slices"
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/ddlgen/usermap"
)

// remodel is the user's mapping at work: before anything is planned, the model
// becomes one that has the target's names and columns. So all that plans, of
// whatever kind of object, goes by one mapping without knowing of it; what
// speaks to the source (transfers, sequences) or to the user (findings) asks
// for the names there. What names a renamed or missing thing in a text that
// cannot be rewritten with certainty is taken out, with a finding.
type remodel struct {
	m  *usermap.Mapping
	db *catalog.Database // the source's

	schemas map[string]string             // source to target, those that differ
	moved   map[catalog.Name]catalog.Name // tables, indexes, sequences that differ otherwise than by their schema
	back    map[catalog.Name]catalog.Name // target to source, of all names met
	columns map[catalog.Name]*columnNames // by source table, those of which columns differ
	wishes  map[catalog.ColumnRef]*usermap.Column
	extras  map[catalog.ColumnRef]*usermap.Extra // by target table and name
	plain   map[catalog.ColumnRef]string         // by target: generated columns whose expression is lost, with the reason
	known   map[catalog.Name]bool                // names of the source that a qualified name can mean
	words   map[string]bool                      // identifiers that a text must hold to be touched
	gone    map[finding.Object]bool              // objects of the source that were taken out, for what hangs on them

	changedSchemas []string // keys of schemas, moved and columns, sorted
	changedNames   []catalog.Name
	changedTables  []catalog.Name
	found          []told
}

// told is a finding in the source's names, waiting for the planner.
type told struct {
	code    finding.Code
	object  finding.Object
	message string
}

// columnNames are the columns of a table that differ.
type columnNames struct {
	to   map[string]string // source to target
	gone map[string]string // what becomes of those that are not one column of the target
	back map[string]string // target to source
}

// remodeled gives the target's model. Without a mapping it is the source's own.
func remodeled(db *catalog.Database, m *usermap.Mapping) (*catalog.Database, *remodel) {
	r := &remodel{
		m: m, db: db, schemas: map[string]string{}, moved: map[catalog.Name]catalog.Name{}, back: map[catalog.Name]catalog.Name{},
		columns: map[catalog.Name]*columnNames{}, wishes: map[catalog.ColumnRef]*usermap.Column{}, extras: map[catalog.ColumnRef]*usermap.Extra{},
		plain: map[catalog.ColumnRef]string{}, known: map[catalog.Name]bool{}, words: map[string]bool{}, gone: map[finding.Object]bool{},
	}
	if m.Empty() {
		return db, r
	}
	r.learn()
	out := r.database()
	return out, r
}

// learn reads the mapping.
func (r *remodel) learn() {
	for _, s := range r.m.Schemas {
		r.schemas[s.Source] = s.Target
		r.words[s.Source] = true
	}
	for _, x := range r.m.Moves {
		r.moved[x.Source] = x.Target
		r.words[x.Source.Name] = true
	}
	for i := range r.m.Tables {
		t := &r.m.Tables[i]
		if t.Target != r.schemaOnly(t.Source) {
			r.moved[t.Source] = t.Target
			r.words[t.Source.Name] = true
		}
		for j := range t.Columns {
			c := &t.Columns[j]
			if !c.Exclude {
				r.wishes[catalog.ColumnRef{Table: t.Target, Column: c.Target}] = c
			}
			two := j+1 < len(t.Columns) && t.Columns[j+1].Source == c.Source || j > 0 && t.Columns[j-1].Source == c.Source
			if !c.Exclude && c.Source == c.Target && !two {
				continue
			}
			names := r.columns[t.Source]
			if names == nil {
				names = &columnNames{to: map[string]string{}, gone: map[string]string{}, back: map[string]string{}}
				r.columns[t.Source] = names
			}
			r.words[c.Source] = true
			switch {
			case c.Exclude:
				names.gone[c.Source] = "stays behind"
			case two:
				names.gone[c.Source] = "becomes two columns"
			default:
				names.to[c.Source] = c.Target
			}
			if !c.Exclude {
				names.back[c.Target] = c.Source
			}
		}
		for j := range t.Extra {
			r.extras[catalog.ColumnRef{Table: t.Target, Column: t.Extra[j].Name}] = &t.Extra[j]
		}
	}
	r.changedSchemas = slices.Sorted(maps.Keys(r.schemas))
	r.changedNames = slices.SortedFunc(maps.Keys(r.moved), catalog.Name.Compare)
	r.changedTables = slices.SortedFunc(maps.Keys(r.columns), catalog.Name.Compare)
	know := func(n catalog.Name) {
		plain, _, _ := strings.Cut(n.Name, "(")
		r.known[catalog.Name{Schema: n.Schema, Name: plain}] = true
	}
	for i := range r.db.Tables {
		know(r.db.Tables[i].Name)
	}
	for i := range r.db.Views {
		know(r.db.Views[i].Name)
	}
	for i := range r.db.Sequences {
		know(r.db.Sequences[i].Name)
	}
	for i := range r.db.Indexes {
		know(r.db.Indexes[i].Name)
	}
}

// schemaOnly is a name with its schema's name on the target.
func (r *remodel) schemaOnly(n catalog.Name) catalog.Name {
	if to, ok := r.schemas[n.Schema]; ok {
		n.Schema = to
	}
	return n
}

// name is a name on the target. Routines and operators hold types in theirs.
func (r *remodel) name(n catalog.Name) catalog.Name {
	if n == (catalog.Name{}) {
		return n
	}
	to, ok := r.moved[n]
	if !ok {
		to = r.schemaOnly(n)
		if strings.Contains(n.Name, "(") {
			to.Name, _ = r.text(n.Name, nil)
		}
	}
	if _, met := r.back[to]; !met {
		r.back[to] = n
	}
	return to
}

// column is a column's name on the target; false is that it has none.
func (r *remodel) column(table catalog.Name, name string) (string, bool) {
	names := r.columns[table]
	if names == nil {
		return name, true
	}
	if names.gone[name] != "" {
		return "", false
	}
	if to, ok := names.to[name]; ok {
		return to, true
	}
	return name, true
}

// goneWords says what became of a column that has no name on the target.
func (r *remodel) goneWords(table catalog.Name, name string) string {
	why := "stays behind"
	if names := r.columns[table]; names != nil && names.gone[name] != "" {
		why = names.gone[name]
	}
	return "column " + name + " of " + table.String() + ", which " + why
}

// columnList is column for several; missing is the first that has no name.
func (r *remodel) columnList(table catalog.Name, list []string) (out []string, missing string) {
	if r.columns[table] == nil {
		return list, ""
	}
	out = make([]string, len(list))
	for i, c := range list {
		to, ok := r.column(table, c)
		if !ok {
			return nil, c
		}
		out[i] = to
	}
	return out, ""
}

func (r *remodel) typ(t catalog.Type) catalog.Type {
	to := r.name(t.Name)
	if to != t.Name {
		t.Text, _ = r.text(t.Text, nil)
	}
	t.Name = to
	return t
}

// refs are the target's names of what an object depends on. A dependency on a
// column that stays behind is why.
func (r *remodel) refs(list []catalog.Ref) (out []catalog.Ref, why string) {
	out = slices.Clone(list)
	for i := range out {
		u := &out[i]
		if u.Column != "" {
			to, ok := r.column(u.Name, u.Column)
			if !ok {
				return nil, "it reads " + r.goneWords(u.Name, u.Column)
			}
			u.Column = to
		}
		u.Name = r.name(u.Name)
	}
	return out, ""
}

func (r *remodel) tell(code finding.Code, o finding.Object, message string) {
	r.found = append(r.found, told{code, o, message})
}

// out takes an object out of the model.
func (r *remodel) out(code finding.Code, o finding.Object, message string) {
	r.gone[o] = true
	r.tell(code, o, message)
}

// sourceName is the name on the source of a relation or other object on the target.
func (r *remodel) sourceName(n catalog.Name) catalog.Name {
	if r == nil {
		return n
	}
	if from, ok := r.back[n]; ok {
		return from
	}
	return n
}

// sourceColumn is the source's name of a target table's column.
func (r *remodel) sourceColumn(table catalog.Name, column string) string {
	if r == nil {
		return column
	}
	if names := r.columns[r.sourceName(table)]; names != nil {
		if from, ok := names.back[column]; ok {
			return from
		}
	}
	return column
}

// sourceObject is an object as the source names it, for findings: what the user
// accepts and looks for has those names.
func (r *remodel) sourceObject(o finding.Object) finding.Object {
	if r == nil || r.m.Empty() {
		return o
	}
	kind := o.Kind // what is said of an object names its kind last: "comment on column"
	for _, of := range []string{" on ", " of "} {
		if i := strings.LastIndex(kind, of); i >= 0 {
			kind = kind[i+len(of):]
		}
	}
	switch {
	case kind == "schema":
		for from, to := range r.schemas {
			if to == o.Name && !slices.ContainsFunc(r.db.Schemas, func(s catalog.Schema) bool { return s.Name == o.Name && r.schemas[s.Name] == "" }) {
				o.Name = from
			}
		}
	case o.Parent != "":
		parent := r.sourceName(catalog.Name{Schema: o.Schema, Name: o.Parent})
		if kind == "column" {
			o.Name = r.sourceColumn(catalog.Name{Schema: o.Schema, Name: o.Parent}, o.Name)
		}
		o.Schema, o.Parent = parent.Schema, parent.Name
	case o.Schema != "":
		n := r.sourceName(catalog.Name{Schema: o.Schema, Name: o.Name})
		o.Schema, o.Name = n.Schema, n.Name
	}
	return o
}
