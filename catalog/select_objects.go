package catalog

// objectName is an object of a kind of its own, as a Ref names it.
type objectName struct {
	kind string
	name Name
}

// closeObjects adds what ranges and the rarer kinds are made of: those needed,
// and those of the schemas that are chosen whole.
func (n needs) closeObjects(db *Database, whole func(schema string) bool) {
	for i := range db.Ranges {
		t := &db.Ranges[i]
		if n.types[t.Multirange] && t.Multirange.Name != "" {
			n.types[t.Name] = true
		}
		if n.types[t.Name] || whole(t.Name.Schema) {
			n.typ(t.Subtype)
			n.refs(t.Uses)
			n.collation(t.Collation)
		}
	}
	for i := range db.Others {
		if o := &db.Others[i]; n.other(o) || whole(o.Name.Schema) {
			n.refs(o.Uses)
		}
	}
}

// other says whether something needs an object of the rarer kinds.
func (n needs) other(o *Other) bool {
	switch o.Kind {
	case "base type", "shell type":
		return n.types[o.Name]
	}
	return n.objects[objectName{o.Kind, o.Name}]
}

func (n needs) collation(c *Name) {
	if c != nil {
		n.objects[objectName{"collation", *c}] = true
	}
}

// chooseObjects says which ranges, collations, statistics and rarer kinds are
// selected: statistics go with their table, the others where they are needed or
// with their schema.
func (s *selection) chooseObjects(out *Database) {
	out.Ranges = keep(s.from.Ranges, func(t RangeType) bool { return s.types[t.Name] || s.whole(t.Name.Schema) })
	out.Collations = keep(s.from.Collations, func(c Collation) bool {
		return s.needs.objects[objectName{"collation", c.Name}] || s.whole(c.Name.Schema)
	})
	out.Statistics = keep(s.from.Statistics, func(t Statistics) bool { return s.relations[t.Table] })
	out.Others = keep(s.from.Others, func(o Other) bool { return s.other(&o) || s.whole(o.Name.Schema) })
	for _, t := range out.Ranges {
		s.schemas[t.Name.Schema] = true
	}
	for _, c := range out.Collations {
		s.schemas[c.Name.Schema] = true
	}
	for _, t := range out.Statistics {
		s.schemas[t.Name.Schema] = true
	}
	for _, o := range out.Others {
		if o.Name.Schema != "" {
			s.schemas[o.Name.Schema] = true
		}
	}
}
