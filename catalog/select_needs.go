package catalog

// needs is what the selected tables cannot do without, wherever it lies.
type needs struct {
	types      map[Name]bool
	sequences  map[Name]bool
	routines   map[Name]bool       // with their argument types
	objects    map[objectName]bool // of the kinds without a map of their own
	schemas    map[string]bool
	extensions map[string]bool
}

func newNeeds() needs {
	return needs{types: map[Name]bool{}, sequences: map[Name]bool{}, routines: map[Name]bool{}, objects: map[objectName]bool{}, schemas: map[string]bool{}, extensions: map[string]bool{}}
}

// table notes what a table's columns and partition key need.
func (n needs) table(t Table) {
	n.schemas[t.Name.Schema] = true
	n.refs(t.Uses)
	if t.OfType != nil {
		n.types[*t.OfType] = true
	}
	if t.Foreign != nil {
		n.objects[objectName{"server", Name{Name: t.Foreign.Server}}] = true
	}
	for _, c := range t.Columns {
		n.collation(c.Collation)
		n.typ(c.Type)
		n.refs(c.Uses)
	}
}

func (n needs) typ(t Type) {
	n.types[t.Name] = true
	if t.Extension != "" {
		n.extensions[t.Extension] = true
	}
}

func (n needs) refs(refs []Ref) {
	for _, r := range refs {
		switch {
		case r.Extension != "":
			n.extensions[r.Extension] = true
		case r.Kind == "sequence":
			n.sequences[r.Name] = true
		case r.Kind == "type":
			n.types[r.Name] = true
		case r.Kind == "routine":
			n.routines[r.Name] = true
		default:
			n.objects[objectName{r.Kind, r.Name}] = true
		}
	}
}

// close adds what types and routines are made of: those needed, and those of the
// schemas that are chosen whole. Each kind may need the other, through a
// domain's check or an argument.
func (n needs) close(db *Database, whole func(schema string) bool) {
	size := func() int { return len(n.types) + len(n.routines) + len(n.objects) }
	for before := -1; before != size(); {
		before = size()
		n.closeObjects(db, whole)
		n.closeRoutines(db, whole)
		n.closeTypes(db, whole)
	}
}

// closeRoutines adds what routines need: the types of their arguments, and
// what a body in SQL calls.
func (n needs) closeRoutines(db *Database, whole func(schema string) bool) {
	byName := make(map[Name]*Routine, len(db.Routines))
	var todo []Name
	for i := range db.Routines {
		r := &db.Routines[i]
		byName[r.Name] = r
		if whole(r.Name.Schema) {
			todo = append(todo, r.Name)
		}
	}
	for r := range n.routines {
		todo = append(todo, r)
	}
	done := map[Name]bool{}
	for len(todo) > 0 {
		f := byName[todo[len(todo)-1]]
		todo = todo[:len(todo)-1]
		if f == nil || done[f.Name] {
			continue
		}
		done[f.Name] = true
		n.refs(f.Uses)
		for _, u := range f.Uses {
			if u.Kind == "routine" {
				todo = append(todo, u.Name)
			}
		}
	}
}

// closeTypes adds what the types are made of: those needed, and those of the
// schemas that are chosen whole.
func (n needs) closeTypes(db *Database, whole func(schema string) bool) {
	domains := make(map[Name]*Domain, len(db.Domains))
	composites := make(map[Name]*Composite, len(db.Composites))
	var todo []Name
	for i := range db.Domains {
		d := &db.Domains[i]
		domains[d.Name] = d
		if whole(d.Name.Schema) {
			todo = append(todo, d.Name)
		}
	}
	for i := range db.Composites {
		c := &db.Composites[i]
		composites[c.Name] = c
		if whole(c.Name.Schema) {
			todo = append(todo, c.Name)
		}
	}
	for t := range n.types {
		todo = append(todo, t)
	}
	done := map[Name]bool{}
	for len(todo) > 0 {
		t := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if done[t] {
			continue
		}
		done[t] = true
		if d := domains[t]; d != nil {
			n.typ(d.Base)
			n.collation(d.Collation)
			n.refs(d.Uses)
			todo = append(todo, d.Base.Name)
			for _, r := range d.Uses {
				if r.Kind == "type" {
					todo = append(todo, r.Name)
				}
			}
		}
		if c := composites[t]; c != nil {
			for _, f := range c.Fields {
				n.typ(f.Type)
				n.collation(f.Collation)
				todo = append(todo, f.Type.Name)
			}
		}
	}
}
