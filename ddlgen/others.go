package ddlgen

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
)

// otherPhase is where objects of the rarer kinds go when nothing needs them
// earlier. A cast may be used without a word by any expression, and a text
// search object by its name in a text.
var otherPhase = map[string]Phase{
	"base type": PhaseTypes, "shell type": PhaseTypes, "language": PhaseTypes, "access method": PhaseTypes,
	"foreign data wrapper": PhaseTypes, "server": PhaseTypes,
	"cast": PhaseEarlyRoutines, "conversion": PhaseEarlyRoutines,
	"text search parser": PhaseEarlyRoutines, "text search template": PhaseEarlyRoutines,
	"text search dictionary": PhaseEarlyRoutines, "text search configuration": PhaseEarlyRoutines,
	"operator": PhaseRoutines, "operator family": PhaseRoutines, "operator class": PhaseRoutines, "transform": PhaseRoutines,
	"publication": PhaseTriggers,
}

// declareOthers makes a node of each object that only PostgreSQL itself takes.
func (p *planner) declareOthers() {
	for i := range p.db.Others {
		o := &p.db.Others[i]
		n := &node{
			key: refKey{o.Kind, o.Name}, object: otherObject(*o), refs: wholeRefs(o.Uses), phase: otherPhase[o.Kind], code: objectLeft,
			refuse: p.otherLeft(o),
		}
		n.make = func(at place) { p.makeOther(o, at) }
		if o.Kind == "base type" {
			// Its functions take and return it: they refer to the shell.
			n.shell = func(at place) {
				p.add(Statement{
					ID: otherID(o) + "/shell", Phase: at.phase, Object: n.object, SQL: o.Def[0], Undo: p.dropOther(o) + " CASCADE", Optional: true,
				})
			}
		}
		p.declare(n)
	}
}

func otherID(o *catalog.Other) string {
	return strings.ReplaceAll(o.Kind, " ", "-") + "/" + o.Name.String()
}

// otherLeft says why an object of the rarer kinds is left, whatever it needs.
func (p *planner) otherLeft(o *catalog.Other) string {
	def := strings.Join(o.Def, "; ")
	switch {
	case o.Kind == "extension configuration table":
		return fmt.Sprintf("%d rows that the user may have added to a table of the extension are not carried", o.Count)
	case o.Kind == "large object":
		return fmt.Sprintf("%d of them, %d bytes with what the pages hold beside them, are not carried", o.Count, o.Bytes)
	case o.Count > 0:
		return fmt.Sprintf("%d of them are not carried", o.Count)
	case p.profile.Map:
		return "it is not carried"
	case o.Kind == "subscription":
		return "its connection may hold a password, and is not read"
	case o.Kind == "user mapping":
		return "its options may hold a password, and are not read"
	case len(o.Def) == 0:
		return "it was never defined: something refers to it by name"
	case o.Kind == "publication" && !p.has(15) && !plainPublication(def):
		return p.majorText() + " has no publications of schemas, columns or chosen rows"
	case strings.Contains(def, ", SUBSCRIPT = ") && !p.has(14):
		return p.majorText() + " has no types with subscripts of their own"
	}
	return ""
}

// plainPublication says whether the only parentheses of a publication's
// definition are those of its options.
func plainPublication(def string) bool {
	head, _, _ := strings.Cut(def, " WITH (")
	return !strings.Contains(head, " (") && !strings.Contains(head, " TABLES IN SCHEMA ")
}

// makeOther adds the statements that make an object, one after the other. Most
// of the kinds ask for a superuser: what the target refuses is told, and stops
// nothing but what needs it.
func (p *planner) makeOther(o *catalog.Other, at place) {
	object := otherObject(*o)
	defs := o.Def
	if at.shell {
		defs = defs[1:]
	}
	var after []string
	for i, sql := range defs {
		id := otherID(o)
		undo := p.dropOther(o)
		if i > 0 {
			id, undo = fmt.Sprintf("%s/%d", id, i), ""
		}
		if at.shell {
			undo += " CASCADE" // with its functions
		}
		after = []string{p.add(Statement{ID: id, Phase: at.phase, Object: object, SQL: p.forTarget(sql), Undo: undo, After: after, Optional: true})}
	}
	if len(o.Secrets) > 0 {
		p.find(optionLeft, object, "%s may hold a secret, and is left out", words(o.Secrets))
	}
}

func (p *planner) dropOther(o *catalog.Other) string { return "DROP " + p.named(o.Kind, o.Name) }

// forTarget takes out of a definition what came after the target's version.
func (p *planner) forTarget(sql string) string {
	if !p.has(18) {
		sql = strings.Replace(sql, ", publish_generated_columns = stored", "", 1)
	}
	return sql
}

// declareRanges makes a node of each range type. Under a profile that maps types
// its columns become text.
func (p *planner) declareRanges() {
	for i := range p.db.Ranges {
		r := &p.db.Ranges[i]
		n := &node{key: refKey{"range type", r.Name}, object: objectOf("range type", r.Name), phase: PhaseTypes, code: objectLeft}
		multirange := r.Multirange.Name
		if multirange == "" {
			multirange = multirangeName(r.Name.Name)
		}
		if p.profile.Map {
			n.refuse = fmt.Sprintf("it is not carried, nor what PostgreSQL makes with it: multirange %s, constructors and cast", multirange)
			p.declare(n)
			continue
		}
		n.refuse = p.missingBuiltIn(r.Subtype)
		n.refs = slices.Concat(p.typeRefs(r.Subtype), wholeRefs(r.Uses), collationRefs(r.Collation))
		n.make = func(at place) {
			p.add(Statement{ID: typeID(r.Name), Phase: at.phase, Object: n.object, SQL: p.createRange(r), Undo: "DROP TYPE " + quoted(r.Name)})
		}
		if r.Canonical != nil { // it takes and returns the range
			n.shell = func(at place) {
				p.add(Statement{
					ID: typeID(r.Name) + "/shell", Phase: at.phase, Object: n.object, SQL: "CREATE TYPE " + quoted(r.Name),
					Undo: "DROP TYPE " + quoted(r.Name) + " CASCADE",
				})
			}
		}
		p.declare(n)
		if r.Multirange.Name != "" {
			p.rangeOf[r.Multirange] = r.Name
		}
	}
}

func (p *planner) createRange(r *catalog.RangeType) string {
	parts := []string{"SUBTYPE = " + r.Subtype.Text}
	if r.OpClass != nil {
		parts = append(parts, "SUBTYPE_OPCLASS = "+quoted(*r.OpClass))
	}
	if r.Collation != nil {
		parts = append(parts, "COLLATION = "+quoted(*r.Collation))
	}
	function := func(word string, n *catalog.Name) {
		if n != nil {
			plain, _, _ := strings.Cut(n.Name, "(")
			if rp := p.routines[*n]; rp != nil {
				plain = rp.r.Plain
			}
			parts = append(parts, word+" = "+quoted(catalog.Name{Schema: n.Schema, Name: plain}))
		}
	}
	function("CANONICAL", r.Canonical)
	function("SUBTYPE_DIFF", r.Diff)
	if r.Multirange.Name != "" && p.has(14) {
		parts = append(parts, "MULTIRANGE_TYPE_NAME = "+quoted(r.Multirange))
	}
	return fmt.Sprintf("CREATE TYPE %s AS RANGE (%s)", quoted(r.Name), strings.Join(parts, ", "))
}

// declareStatistics makes a node of each extended statistics object. They are
// gathered by ANALYZE, and so follow the rows.
func (p *planner) declareStatistics() {
	for i := range p.db.Statistics {
		s := &p.db.Statistics[i]
		table := catalog.Ref{Kind: "table", Name: s.Table}
		if slices.ContainsFunc(p.db.Views, func(v catalog.View) bool { return v.Name == s.Table }) {
			table.Kind = "materialized view"
		}
		n := &node{
			key: refKey{"statistics", s.Name}, object: objectOf("statistics", s.Name), phase: PhaseChecks, code: objectLeft,
			refs: append([]catalog.Ref{table}, wholeRefs(s.Uses)...),
		}
		switch {
		case p.profile.Map:
			n.refuse = "it is not carried"
		case strings.Contains(s.Def, "(") && strings.Contains(s.Def, " ON (") && !p.has(14):
			n.refuse = p.majorText() + " has no statistics of expressions"
		}
		n.make = func(at place) {
			id := p.add(Statement{
				ID: "statistics/" + s.Name.String(), Phase: at.phase, Object: n.object, Table: &s.Table, SQL: s.Def,
				Undo: "DROP STATISTICS " + quoted(s.Name), Optional: true,
			})
			if s.StatsTgt >= 0 {
				p.add(Statement{
					ID: id + "/target", Phase: at.phase, Object: n.object, Table: &s.Table, Optional: true, After: []string{id},
					SQL:  fmt.Sprintf("ALTER STATISTICS %s SET STATISTICS %d", quoted(s.Name), s.StatsTgt),
					Undo: fmt.Sprintf("ALTER STATISTICS %s SET STATISTICS -1", quoted(s.Name)),
				})
			}
		}
		p.declare(n)
	}
}
