package ddlgen

import (
	"fmt"
	"hash/maphash"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
)

// add appends a statement and makes its ID unique. It returns the ID.
func (p *planner) add(s Statement) string {
	id := s.ID
	for n := 2; p.known(id); n++ {
		id = fmt.Sprintf("%s#%d", s.ID, n)
	}
	s.ID = id
	if p.opts.Sketch {
		s.SQL, s.Undo = "", ""
	}
	i := len(p.statements)
	p.statements = append(p.statements, s)
	p.register.ids.put(maphash.String(p.register.seed, id), i)
	p.makes(i, s.Object)
	for _, o := range s.Carries {
		p.makes(i, o)
	}
	return id
}

func (p *planner) known(id string) bool { return p.statement(id) != nil }

// carry adds an object to a statement that is in the plan already.
func (p *planner) carry(id string, o finding.Object) {
	s := p.statement(id)
	if s == nil {
		return
	}
	i := p.position(id)
	p.makes(i, o)
	s.Carries = append(s.Carries, o)
}

// The objects of findings and statements.

func schemaObject(name string) finding.Object {
	return finding.Object{Kind: "schema", Name: name}
}

func extensionObject(name string) finding.Object {
	return finding.Object{Kind: "extension", Name: name}
}

func objectOf(kind string, n catalog.Name) finding.Object {
	return finding.Object{Kind: kind, Schema: n.Schema, Name: n.Name}
}

func tableObject(n catalog.Name) finding.Object { return objectOf("table", n) }

func columnObject(table catalog.Name, column string) finding.Object {
	return finding.Object{Kind: "column", Schema: table.Schema, Parent: table.Name, Name: column}
}

func constraintObject(c *catalog.Constraint) finding.Object {
	return finding.Object{Kind: "constraint", Schema: c.Table.Schema, Parent: c.Table.Name, Name: c.Name}
}

func indexObject(x *catalog.Index) finding.Object { return objectOf("index", x.Name) }

func sequenceObject(n catalog.Name) finding.Object { return objectOf("sequence", n) }

func routineObject(r *catalog.Routine) finding.Object { return objectOf(string(r.Kind), r.Name) }

func otherObject(o catalog.Other) finding.Object {
	obj := objectOf(o.Kind, o.Name)
	if o.Table != nil {
		obj.Parent = o.Table.Name
		if obj.Schema == "" {
			obj.Schema = o.Table.Schema
		}
	}
	return obj
}

// commentObject names a comment by what it is on.
func commentObject(c catalog.Comment) finding.Object {
	obj := objectOf("comment on "+c.Kind, c.Name)
	if c.Sub != "" {
		obj.Parent, obj.Name = c.Name.Name, c.Sub
	}
	if c.Args != "" {
		obj.Name += "(" + c.Args + ")"
	}
	return obj
}
