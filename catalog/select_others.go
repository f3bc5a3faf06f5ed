package catalog

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
	type call struct {
		name Name
		args string
	}
	routines := map[call]bool{}
	for _, r := range out.Routines {
		routines[call{Name{r.Name.Schema, r.Plain}, r.IdentityArgs}] = true
	}
	others := map[key]bool{}
	for _, o := range out.Others {
		others[key{o.Kind, o.Name}] = true
	}
	for _, c := range out.Collations {
		others[key{"collation", c.Name}] = true
	}
	for _, t := range out.Statistics {
		others[key{"statistics", t.Name}] = true
	}
	return func(c Comment) bool {
		switch c.Kind {
		case "database", "event trigger":
			return s.m.wholeSchema("")
		case "schema":
			return schemas[c.Name.Name]
		case "extension":
			return extensions[c.Name.Name]
		case "table", "foreign table", "view", "materialized view", "index", "sequence", "column", "trigger", "rule", "policy":
			return s.relations[c.Name]
		case "constraint":
			return s.constraints[ColumnRef{c.Name, c.Sub}]
		case "function", "procedure", "aggregate":
			return routines[call{c.Name, c.Args}]
		case "type", "range type", "domain", "constraint on domain":
			return s.types[c.Name] || s.whole(c.Name.Schema)
		}
		return others[key{c.Kind, c.Name}]
	}
}
