package ddlgen

import (
	"fmt"
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
)

func typeID(n catalog.Name) string { return "types/" + n.String() }

// decideTypes finds out which domains and composite types can be created, and
// why the others cannot.
func (p *planner) decideTypes() {
	if p.profile.Map {
		return
	}
	var decide func(n catalog.Name)
	need := func(t catalog.Type) string {
		decide(t.Name)
		return p.missingType(t)
	}
	decide = func(n catalog.Name) {
		if _, done := p.types[n]; done {
			return
		}
		if d := p.model.domains[n]; d != nil {
			p.types[n] = "" // stands while its parts are looked at
			p.types[n] = need(d.Base)
		}
		if c := p.model.composites[n]; c != nil {
			p.types[n] = ""
			for _, f := range c.Fields {
				if why := need(f.Type); why != "" {
					p.types[n] = fmt.Sprintf("field %s: %s", f.Name, why)
					break
				}
			}
		}
	}
	for i := range p.db.Domains {
		decide(p.db.Domains[i].Name)
	}
	for i := range p.db.Composites {
		decide(p.db.Composites[i].Name)
	}
}

// userTypes creates enums, domains and composite types.
func (p *planner) userTypes() {
	for i := range p.db.Enums {
		e := &p.db.Enums[i]
		labels := make([]string, len(e.Labels))
		for j, l := range e.Labels {
			labels[j] = literal(l)
		}
		p.add(Statement{
			ID: typeID(e.Name), Phase: PhaseTypes, Object: objectOf("type", e.Name),
			SQL: fmt.Sprintf("CREATE TYPE %s AS ENUM (%s)", quoted(e.Name), strings.Join(labels, ", ")),
		})
	}
	for i := range p.db.Domains {
		p.domain(&p.db.Domains[i])
	}
	for i := range p.db.Composites {
		p.composite(&p.db.Composites[i])
	}
}

func (p *planner) domain(d *catalog.Domain) {
	o := objectOf("domain", d.Name)
	if p.profile.Map {
		p.find(typeExpanded, o, "its columns get %s with the domain's NOT NULL, default and checks", d.Base.Text)
		return
	}
	if why := p.types[d.Name]; why != "" {
		p.find(typeLeft, o, "%s", why)
		return
	}
	sql := fmt.Sprintf("CREATE DOMAIN %s AS %s%s", quoted(d.Name), d.Base.Text, p.collate(d.Collation, o))
	missing := p.missing(d.Uses)
	var later []Statement
	switch {
	case d.Default == "":
	case missing != "":
		p.find(defaultLost, o, "default %s: %s", d.Default, missing)
	case usesSequence(d.Uses):
		later = append(later, Statement{
			ID: "sequences/" + d.Name.String() + "/default", Phase: PhaseSequences, Object: o,
			SQL:   fmt.Sprintf("ALTER DOMAIN %s SET DEFAULT %s", quoted(d.Name), d.Default),
			After: p.afterSequences(d.Uses),
		})
	default:
		sql += " DEFAULT " + string(d.Default)
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
		case !c.Validated:
			later = append(later, Statement{
				ID: typeID(d.Name) + "/" + c.Name, Phase: PhaseTypes, Object: co,
				SQL:   fmt.Sprintf("ALTER DOMAIN %s ADD CONSTRAINT %s %s", quoted(d.Name), quote.Ident(c.Name), c.Def),
				After: []string{typeID(d.Name)},
			})
		default:
			sql += fmt.Sprintf(" CONSTRAINT %s %s", quote.Ident(c.Name), c.Def)
			carries = append(carries, co)
		}
	}
	p.add(Statement{
		ID: typeID(d.Name), Phase: PhaseTypes, Object: o, SQL: sql, Carries: carries,
		After: p.afterTypes(d.Name, []catalog.Type{d.Base}, d.Uses),
	})
	for _, s := range later {
		p.add(s)
	}
}

func (p *planner) composite(c *catalog.Composite) {
	o := objectOf("type", c.Name)
	if p.profile.Map {
		p.find(typeLeft, o, "its columns become jsonb")
		return
	}
	if why := p.types[c.Name]; why != "" {
		p.find(typeLeft, o, "%s", why)
		return
	}
	fields := make([]string, len(c.Fields))
	types := make([]catalog.Type, len(c.Fields))
	for i, f := range c.Fields {
		fields[i] = "\n    " + quote.Ident(f.Name) + " " + f.Type.Text + p.collate(f.Collation, o)
		types[i] = f.Type
	}
	p.add(Statement{
		ID: typeID(c.Name), Phase: PhaseTypes, Object: o,
		SQL:   fmt.Sprintf("CREATE TYPE %s AS (%s\n)", quoted(c.Name), strings.Join(fields, ",")),
		After: p.afterTypes(c.Name, types, nil),
	})
}

// afterTypes are the types of the user's that stand in PhaseTypes and that
// another one there needs.
func (p *planner) afterTypes(self catalog.Name, types []catalog.Type, uses []catalog.Ref) []string {
	var ids []string
	need := func(n catalog.Name) {
		created := p.model.enums[n] != nil
		if why, known := p.types[n]; known && why == "" {
			created = true
		}
		if created && n != self {
			ids = append(ids, typeID(n))
		}
	}
	for _, t := range types {
		need(t.Name)
	}
	for _, u := range uses {
		if u.Kind == "type" {
			need(u.Name)
		}
	}
	return ids
}

func usesSequence(uses []catalog.Ref) bool {
	for _, u := range uses {
		if u.Kind == "sequence" {
			return true
		}
	}
	return false
}

// quoted is a name as SQL.
func quoted(n catalog.Name) string { return quote.Name(n.Schema, n.Name) }
