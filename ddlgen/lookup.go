package ddlgen

import (
	"slices"
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
)

// lookup finds things of the model by name.
type lookup struct {
	schemas     map[string]bool
	enums       map[catalog.Name]*catalog.Enum
	domains     map[catalog.Name]*catalog.Domain
	composites  map[catalog.Name]*catalog.Composite
	sequences   sorted[catalog.Sequence]
	tables      sorted[catalog.Table]
	children    map[catalog.Name][]catalog.Name // partitions and inherited tables, by name
	constraints sorted[catalog.Constraint]      // by table
	indexes     sorted[catalog.Index]           // by table
	index       sorted[catalog.Index]           // by their own names
	typeNames   map[catalog.Name]catalog.Type   // types that columns, fields and domains have, without modifier
}

func newLookup(db *catalog.Database) lookup {
	l := lookup{
		schemas:     map[string]bool{},
		enums:       map[catalog.Name]*catalog.Enum{},
		domains:     map[catalog.Name]*catalog.Domain{},
		composites:  map[catalog.Name]*catalog.Composite{},
		sequences:   sortedBy(db.Sequences, func(s *catalog.Sequence) catalog.Name { return s.Name }),
		tables:      sortedBy(db.Tables, func(t *catalog.Table) catalog.Name { return t.Name }),
		children:    map[catalog.Name][]catalog.Name{},
		constraints: sortedBy(db.Constraints, func(c *catalog.Constraint) catalog.Name { return c.Table }),
		indexes:     sortedBy(db.Indexes, func(x *catalog.Index) catalog.Name { return x.Table }),
		index:       sortedBy(db.Indexes, func(x *catalog.Index) catalog.Name { return x.Name }),
		typeNames:   map[catalog.Name]catalog.Type{},
	}
	for i := range db.Schemas {
		l.schemas[db.Schemas[i].Name] = true
	}
	for i := range db.Enums {
		l.enums[db.Enums[i].Name] = &db.Enums[i]
	}
	for i := range db.Domains {
		l.domains[db.Domains[i].Name] = &db.Domains[i]
		l.noteType(db.Domains[i].Base)
	}
	for i := range db.Composites {
		l.composites[db.Composites[i].Name] = &db.Composites[i]
		for _, f := range db.Composites[i].Fields {
			l.noteType(f.Type)
		}
	}
	for i := range db.Tables {
		t := &db.Tables[i]
		for _, parent := range t.Inherits {
			l.children[parent] = append(l.children[parent], t.Name)
		}
		for j := range t.Columns {
			l.noteType(t.Columns[j].Type)
		}
	}
	return l
}

func (l *lookup) noteType(t catalog.Type) {
	if builtIn(t.Name.Schema) {
		return
	}
	t.Array, t.Mod, t.Text = false, -1, ""
	l.typeNames[t.Name] = t
}

// constraintIndex is the index behind a constraint; nil when the model has none.
func (l *lookup) constraintIndex(c *catalog.Constraint) *catalog.Index {
	if c.Index == "" {
		return nil
	}
	return l.index.get(catalog.Name{Schema: c.Table.Schema, Name: c.Index})
}

// root is the top of the partition tree that a table belongs to: the table
// itself when it is no partition.
func (l *lookup) root(t *catalog.Table) *catalog.Table {
	for t.IsPartition && len(t.Inherits) == 1 {
		parent := l.tables.get(t.Inherits[0])
		if parent == nil {
			return t
		}
		t = parent
	}
	return t
}

// leaves are the partitions below a table that hold rows, sorted by name,
// foreign ones included.
func (l *lookup) leaves(t *catalog.Table) []*catalog.Table {
	var leaves []*catalog.Table
	for _, name := range l.children[t.Name] {
		child := l.tables.get(name)
		switch {
		case !child.IsPartition:
		case child.Kind == catalog.TablePartitioned:
			leaves = append(leaves, l.leaves(child)...)
		default:
			leaves = append(leaves, child)
		}
	}
	slices.SortFunc(leaves, func(a, b *catalog.Table) int { return a.Name.Compare(b.Name) })
	return leaves
}

// ancestor says whether a is b or stands above it in a partition tree or an
// inheritance hierarchy.
func (l *lookup) ancestor(a, b catalog.Name) bool {
	if a == b {
		return true
	}
	t := l.tables.get(b)
	if t == nil {
		return false
	}
	return slices.ContainsFunc(t.Inherits, func(parent catalog.Name) bool { return l.ancestor(a, parent) })
}

// builtIn says whether every PostgreSQL has what the schema holds.
func builtIn(schema string) bool {
	return schema == "pg_catalog" || schema == "information_schema"
}

// column finds a column of a table.
func column(t *catalog.Table, name string) *catalog.Column {
	i := slices.IndexFunc(t.Columns, func(c catalog.Column) bool { return c.Name == name })
	if i < 0 {
		return nil
	}
	return &t.Columns[i]
}

// words joins names for people: "a, b and c".
func words(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}
