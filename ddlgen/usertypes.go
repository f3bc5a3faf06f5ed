package ddlgen

import (
	"fmt"
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
)

func typeID(n catalog.Name) string { return "types/" + n.String() }

// declareTypes makes nodes of domains and composite types.
func (p *planner) declareTypes() {
	for i := range p.db.Domains {
		p.declareDomain(&p.db.Domains[i])
	}
	for i := range p.db.Composites {
		p.declareComposite(&p.db.Composites[i])
	}
}

// enums creates the enumerated types, which need nothing.
func (p *planner) enums() {
	for i := range p.db.Enums {
		e := &p.db.Enums[i]
		labels := make([]string, len(e.Labels))
		for j, l := range e.Labels {
			labels[j] = literal(l)
		}
		p.add(Statement{
			ID: typeID(e.Name), Phase: PhaseTypes, Object: objectOf("type", e.Name),
			SQL:  fmt.Sprintf("CREATE TYPE %s AS ENUM (%s)", quoted(e.Name), strings.Join(labels, ", ")),
			Undo: "DROP TYPE " + quoted(e.Name),
		})
	}
}

// typeRefs is what columns, fields or the like need by their type.
func (p *planner) typeRefs(types ...catalog.Type) []catalog.Ref {
	var refs []catalog.Ref
	for _, t := range types {
		if builtIn(t.Name.Schema) {
			continue
		}
		name := t.Name
		if r, ok := p.rangeOf[name]; ok && t.Kind == catalog.KindMultirange {
			name = r
		}
		refs = append(refs, catalog.Ref{Kind: "type", Name: name, Extension: t.Extension})
	}
	return refs
}

func (p *planner) declareDomain(d *catalog.Domain) {
	n := &node{key: refKey{"type", d.Name}, object: objectOf("domain", d.Name), phase: PhaseTypes, code: typeLeft}
	if p.profile.Map {
		n.code = typeExpanded
		n.refuse = fmt.Sprintf("its columns get %s with the domain's NOT NULL, default and checks", d.Base.Text)
		p.declare(n)
		return
	}
	n.refuse = p.missingBuiltIn(d.Base)
	n.refs = append(p.typeRefs(d.Base), p.standing(d.Collation)...)
	// Default and checks may call what needs the domain itself: they stand in
	// CREATE DOMAIN only where nothing of the user's but routines is needed.
	inline := func() bool { return p.stands(d.Uses) < PhaseTypes }
	n.settle = func() {
		if p.missing(d.Uses) == "" {
			p.need(d.Uses, max(PhaseTypes, p.stands(d.Uses)))
		}
	}
	n.make = func(at place) { p.domain(d, at, inline()) }
	p.declare(n)
}

func (p *planner) domain(d *catalog.Domain, at place, inline bool) {
	o := objectOf("domain", d.Name)
	sql := fmt.Sprintf("CREATE DOMAIN %s AS %s%s", quoted(d.Name), d.Base.Text, p.collate(d.Collation, o))
	missing := p.missing(d.Uses)
	var later []Statement
	if missing == "" && !inline {
		at.phase = max(at.phase, p.stands(d.Uses))
	}
	alter := func(id string, o finding.Object, clause, undo string) {
		later = append(later, Statement{
			ID: typeID(d.Name) + "/" + id, Phase: at.phase, Object: o,
			SQL: fmt.Sprintf("ALTER DOMAIN %s %s", quoted(d.Name), clause), Undo: fmt.Sprintf("ALTER DOMAIN %s %s", quoted(d.Name), undo),
		})
	}
	switch {
	case d.Default == "":
	case missing != "":
		p.find(defaultLost, o, "default %s: %s", d.Default, missing)
	case inline:
		sql += " DEFAULT " + string(d.Default)
	default:
		alter("default", o, "SET DEFAULT "+string(d.Default), "DROP DEFAULT")
	}
	if d.NotNull {
		sql += " NOT NULL"
	}
	var carries []finding.Object
	for _, c := range d.Checks {
		co := finding.Object{Kind: "constraint", Schema: d.Name.Schema, Parent: d.Name.Name, Name: c.Name}
		switch {
		case missing != "":
			p.find(constraintLost, co, "check of domain %s: %s", d.Name, missing)
		case c.Validated && inline:
			sql += fmt.Sprintf(" CONSTRAINT %s %s", quote.Ident(c.Name), c.Def)
			carries = append(carries, co)
		default:
			alter("check/"+c.Name, co, fmt.Sprintf("ADD CONSTRAINT %s %s", quote.Ident(c.Name), c.Def), "DROP CONSTRAINT "+quote.Ident(c.Name))
		}
	}
	id := p.add(Statement{
		ID: typeID(d.Name), Phase: p.node[refKey{"type", d.Name}].wanted, Object: o, SQL: sql, Carries: carries,
		Undo: "DROP DOMAIN " + quoted(d.Name),
	})
	if missing == "" && inline {
		p.use(id, d.Uses)
	}
	for _, s := range later {
		if s.Phase == p.statement(id).Phase {
			s.After = []string{id}
		}
		p.use(p.add(s), d.Uses)
	}
}

func (p *planner) declareComposite(c *catalog.Composite) {
	n := &node{key: refKey{"type", c.Name}, object: objectOf("type", c.Name), phase: PhaseTypes, code: typeLeft}
	if p.profile.Map {
		n.refuse = "its columns become jsonb"
		p.declare(n)
		return
	}
	for _, f := range c.Fields {
		if why := p.missingBuiltIn(f.Type); why != "" && n.refuse == "" {
			n.refuse = fmt.Sprintf("field %s: %s", f.Name, why)
		}
		n.refs = append(n.refs, p.typeRefs(f.Type)...)
		n.refs = append(n.refs, p.standing(f.Collation)...)
	}
	n.make = func(at place) { p.composite(c, at) }
	p.declare(n)
}

func (p *planner) composite(c *catalog.Composite, at place) {
	o := objectOf("type", c.Name)
	fields := make([]string, len(c.Fields))
	for i, f := range c.Fields {
		fields[i] = "\n    " + quote.Ident(f.Name) + " " + f.Type.Text + p.collate(f.Collation, o)
	}
	p.add(Statement{
		ID: typeID(c.Name), Phase: at.phase, Object: o,
		SQL:  fmt.Sprintf("CREATE TYPE %s AS (%s\n)", quoted(c.Name), strings.Join(fields, ",")),
		Undo: "DROP TYPE " + quoted(c.Name),
	})
}

// quoted is a name as SQL.
func quoted(n catalog.Name) string { return quote.Name(n.Schema, n.Name) }
