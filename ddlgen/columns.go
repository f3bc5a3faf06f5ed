package ddlgen

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
)

// columnPlan is what becomes of one column.
type columnPlan struct {
	c         *catalog.Column
	typ       *typing           // shared by the columns of the type: not to be changed
	def       string            // default on the target; empty is none
	expr      string            // of a generated column
	collate   string            //
	uses      []catalog.Ref     // what the default or expression on the target uses
	sequence  *catalog.Sequence // the identity column's
	identity  catalog.Identity
	generated catalog.Generation
	notNull   bool
	invalid   bool // NOT NULL stands, but was never validated (18)
	named     bool // NOT NULL is a constraint of its own in CREATE TABLE (18)
	extra     bool // the target's own: no row brings a value
}

// decideColumns decides types first, for all tables, since defaults and
// expressions depend on what became of the columns; sequences of identity
// columns get their names between the two.
func (p *planner) decideColumns() {
	for _, t := range p.tables {
		if !t.carried {
			continue
		}
		t.columns = make([]columnPlan, len(t.t.Columns))
		for i := range t.t.Columns {
			t.columns[i] = p.columnType(t, &t.t.Columns[i])
		}
	}
	p.seqName = map[catalog.Name]catalog.Name{}
	for i := range p.db.Sequences {
		if s := &p.db.Sequences[i]; !s.Identity {
			p.seqName[s.Name] = s.Name
		}
	}
	for _, t := range p.tables {
		for i := range t.columns {
			p.identity(t, &t.columns[i])
		}
	}
	for _, t := range p.tables {
		for i := range t.columns {
			p.columnValue(t, &t.columns[i])
		}
	}
}

func (p *planner) columnType(t *tablePlan, c *catalog.Column) columnPlan {
	o := columnObject(t.t.Name, c.Name)
	plan := columnPlan{c: c, typ: p.columnTyping(t, c), notNull: c.NotNull, generated: c.Generated, extra: p.extra(t.t.Name, c) != nil}
	if plan.typ.code != "" {
		p.find(plan.typ.code, o, "%s", plan.typ.message)
	}
	if p.refersToLargeObjects(c.Type) && p.largeObjects() > 0 {
		n := p.largeObjects()
		p.find(typeLargeObject, o, "%s: its numbers may be those of the %d large objects of the database", c.Type.Text, n)
	}
	plan.collate = p.collate(c.Collation, o)
	for _, d := range plan.typ.domains {
		if d.NotNull {
			plan.notNull = true
		}
		if c.Collation == nil && plan.collate == "" && plan.typ.class == same {
			plan.collate = p.collate(d.Collation, o)
		}
	}
	for _, d := range plan.typ.element {
		if d.NotNull || len(d.Checks) > 0 {
			p.find(constraintLost, o, "the elements were of domain %s: its NOT NULL and checks are no longer applied to them", d.Name)
		}
	}
	return plan
}

// columnTyping is what becomes of a column's type; the same for all columns of
// one type, but for those of which the user or their values want something else.
func (p *planner) columnTyping(t *tablePlan, c *catalog.Column) *typing {
	name := t.t.Name
	alone := p.extra(name, c) != nil || p.names.wish(name, c.Name) != nil || p.unfitColumn(name, c) != nil
	if shared := p.typings[c.Type]; shared != nil && !alone {
		return shared
	}
	out := p.typing(c.Type)
	if alone {
		out = p.userTyping(name, c, p.unfitValues(name, c, out))
	}
	out.fold = p.folds(c.Type)
	if !alone {
		p.typings[c.Type] = &out
	}
	return &out
}

// largeObjects is how many of them the database holds.
func (p *planner) largeObjects() int64 {
	i := slices.IndexFunc(p.db.Others, func(o catalog.Other) bool { return o.Kind == "large object" })
	if i < 0 {
		return 0
	}
	return p.db.Others[i].Count
}

// refersToLargeObjects says whether values of a type can be numbers of large
// objects: oid, a domain over it, and what the extension lo makes of it.
func (p *planner) refersToLargeObjects(t catalog.Type) bool {
	key := typeKey(p.withoutDomains(t))
	return key == "oid" || key == "lo/lo"
}

// folds says whether a type of the source compares without regard to case, and
// its stand-in does not.
func (p *planner) folds(t catalog.Type) bool {
	if !p.profile.Map || t.Array {
		return false
	}
	if d := p.model.domains[t.Name]; d != nil {
		return p.folds(d.Base)
	}
	return t.Extension == "citext"
}

// columnValue decides about default and generation expression.
func (p *planner) columnValue(t *tablePlan, plan *columnPlan) {
	c := plan.c
	o := columnObject(t.t.Name, c.Name)
	switch {
	case c.Generated != 0:
		p.generation(t, plan, o)
	case plan.identity != 0 || plan.def != "":
	case p.extra(t.t.Name, c) != nil:
		plan.def = string(c.Default) // as the user wrote it
	case c.Default != "":
		p.setDefault(t, plan, string(c.Default), c.Uses, o)
	default:
		for _, d := range plan.typ.domains {
			if d.Default != "" {
				p.setDefault(t, plan, string(d.Default), d.Uses, o)
				break
			}
		}
	}
}

func (p *planner) setDefault(t *tablePlan, plan *columnPlan, text string, uses []catalog.Ref, o finding.Object) {
	if isNullLiteral(text) {
		if p.profile.Map {
			return
		}
	}
	sql, why := p.expression(text, uses, t.classOf)
	if plan.typ.document && why == "" && isEmptyArray(sql) {
		plan.def = "'[]'::" + plan.typ.target
		return
	}
	if why == "" {
		why = p.unfit(plan, sql)
	}
	if why != "" {
		p.find(defaultLost, o, "default %s: %s", text, why)
		return
	}
	plan.def, plan.uses = sql, uses
	p.tellCounterparts(o, uses)
}

// isEmptyArray recognizes '{}' with or without a cast, and ARRAY[].
func isEmptyArray(sql string) bool {
	words := significant(tokenize(sql))
	if len(words) == 0 {
		return false
	}
	return words[0].text == "'{}'" && (len(words) == 1 || words[1].text == "::") ||
		len(words) > 2 && strings.EqualFold(words[0].text, "ARRAY") && words[1].text == "[" && words[2].text == "]"
}

// unfit says why a default does not fit the type that the column has become.
func (p *planner) unfit(plan *columnPlan, sql string) string {
	if plan.typ.class != other || plan.typ.code != typeUnavailable && textual(plan.typ.target) && p.isLiteral(significant(tokenize(sql))) {
		return ""
	}
	if words := significant(tokenize(sql)); len(words) == 1 && words[0].kind == tokNumber && strings.HasPrefix(plan.typ.target, "numeric") {
		return ""
	}
	return "its value is not one of " + plan.typ.target
}

func (p *planner) generation(t *tablePlan, plan *columnPlan, o finding.Object) {
	c := plan.c
	sql, why := p.expression(string(c.Default), c.Uses, t.classOf)
	if lost := p.names.plainFor(t.t.Name, c.Name); lost != "" {
		why = lost
	}
	if why == "" && plan.typ.class == other {
		why = "its type is " + plan.typ.target + " on the target"
	}
	if why == "" && p.reaches(c.Uses, t.t.Name) {
		why = "what it calls needs the table itself"
	}
	if why == "" && !p.profile.Generated {
		why = "the target does not compute it"
	}
	if why != "" {
		plan.generated = 0
		p.find(generatedPlain, o, "generated as %s: %s", c.Default, why)
		return
	}
	plan.expr, plan.uses = sql, c.Uses
	p.tellCounterparts(o, c.Uses)
	if c.Generated == catalog.GeneratedVirtual && !p.has(18) {
		plan.generated = catalog.GeneratedStored
		p.find(generatedStored, o, "%s has no virtual columns", p.majorText())
	}
}

// identity decides how an identity column and its sequence come to be.
func (p *planner) identity(t *tablePlan, plan *columnPlan) {
	c := plan.c
	if c.Identity == 0 {
		return
	}
	o := columnObject(t.t.Name, c.Name)
	var s *catalog.Sequence
	if c.Sequence != nil {
		s = p.model.sequences.get(*c.Sequence)
	}
	if t.shape == attached && p.rootIdentity(t, c.Name) {
		// Since 17 a partition shares the identity of its root, by ATTACH.
		if p.has(17) {
			plan.identity = c.Identity
			return
		}
		if s == nil {
			p.find(identityLoosened, o, "%s does not hand identity down to partitions: rows inserted into this one directly need a value", p.majorText())
			return
		}
	}
	if s == nil {
		p.find(identityLoosened, o, "the model holds no sequence for the identity column: it takes no values by itself")
		return
	}
	always := c.Identity == catalog.IdentityAlways
	identity := c.Identity
	if always && !p.profile.IdentityAlways {
		identity = catalog.IdentityByDefault
		p.find(identityLoosened, o, "GENERATED ALWAYS becomes GENERATED BY DEFAULT")
	}
	name := s.Name
	if p.profile.Map {
		name = catalog.Name{Schema: t.t.Name.Schema, Name: implicitName(t.t.Name.Name, c.Name, p.profile.NameBytes)}
	}
	taken := name != s.Name && p.taken(name)
	if taken || t.shape == attached && p.has(17) {
		// No identity column can have it: an ordinary sequence and a default do the same.
		p.seqName[s.Name] = s.Name
		plan.def = fmt.Sprintf("nextval(%s::regclass)", literal(quoted(s.Name)))
		plan.uses = []catalog.Ref{{Kind: "sequence", Name: s.Name}}
		p.find(identityLoosened, o, "the identity column becomes one with a default from sequence %s", s.Name)
		return
	}
	plan.identity, plan.sequence = identity, s
	p.seqName[s.Name], p.seqHome[s.Name] = name, t.t.Name
	if name != s.Name {
		p.relations[name] = true
		p.find(sequenceRenamed, sequenceObject(s.Name), "the identity column's sequence is named %s on the target", name)
	}
}

// rootIdentity says whether a partition's column is an identity column of its
// parent too.
func (p *planner) rootIdentity(t *tablePlan, name string) bool {
	return slices.ContainsFunc(t.parents, func(parent catalog.Name) bool {
		c := column(p.model.tables.get(parent), name)
		return c != nil && c.Identity != 0
	})
}

// clause is the column as it stands in CREATE TABLE.
func (p *planner) clause(plan *columnPlan) string {
	var b strings.Builder
	b.WriteString(ident(plan.c.Name) + " " + plan.typ.target + plan.collate)
	switch {
	case plan.generated == catalog.GeneratedStored:
		b.WriteString(" GENERATED ALWAYS AS (" + plan.expr + ") STORED")
	case plan.generated == catalog.GeneratedVirtual:
		b.WriteString(" GENERATED ALWAYS AS (" + plan.expr + ") VIRTUAL")
	case plan.identity != 0 && plan.sequence != nil:
		b.WriteString(" " + p.identityClause(plan))
	case plan.def != "" && !p.defaultAfter(plan):
		b.WriteString(" DEFAULT " + plan.def)
	}
	if plan.notNull && !plan.invalid && !plan.named {
		b.WriteString(" NOT NULL")
	}
	return b.String()
}

// defaultAfter says whether a default does not stand in CREATE TABLE: it is set
// after the rows where the target might store it where the row says NULL, and
// after the tables where it calls what needs a table, this one perhaps.
func (p *planner) defaultAfter(plan *columnPlan) bool {
	if plan.def == "" || plan.generated != 0 || plan.identity != 0 {
		return false
	}
	return !p.profile.CopyNull && !plan.extra && (!plan.notNull || plan.invalid) || p.needsTables(plan.uses)
}

// needsTables says whether something beside tables that the references name can
// only be created among the tables or later.
func (p *planner) needsTables(refs []catalog.Ref) bool {
	return slices.ContainsFunc(refs, func(r catalog.Ref) bool {
		n := p.nodeOf(r)
		return n != nil && p.earliest(n) >= PhaseTables
	})
}

// defaults sets those that do not stand in CREATE TABLE.
func (p *planner) defaults() {
	if p.opts.Sketch {
		return
	}
	for _, t := range p.tables {
		if !t.carried {
			continue
		}
		for i := range t.columns {
			c := &t.columns[i]
			if !p.defaultAfter(c) {
				continue
			}
			name := t.t.Name
			alter := fmt.Sprintf("ALTER TABLE %s%s ALTER COLUMN %s ", p.only(), quoted(name), ident(c.c.Name))
			p.use(p.add(Statement{
				ID: "defaults/" + name.String() + "/" + c.c.Name, Phase: PhaseChecks, Table: &t.t.Name,
				Object: columnObject(name, c.c.Name),
				SQL:    alter + "SET DEFAULT " + c.def, Undo: alter + "DROP DEFAULT",
			}), c.uses)
		}
	}
}

func (p *planner) identityClause(plan *columnPlan) string {
	s := plan.sequence
	kind := "GENERATED BY DEFAULT AS IDENTITY"
	if plan.identity == catalog.IdentityAlways {
		kind = "GENERATED ALWAYS AS IDENTITY"
	}
	if p.profile.Map {
		if options := unusualOptions(s); options != "" {
			return kind + " (" + options + ")"
		}
		return kind
	}
	return kind + " (SEQUENCE NAME " + quoted(s.Name) + " " + sequenceOptions(s) + ")"
}
