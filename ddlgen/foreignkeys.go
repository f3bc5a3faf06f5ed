package ddlgen

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
)

func foreignKeyID(c *catalog.Constraint) string {
	return "foreign keys/" + c.Table.String() + "/" + c.Name
}

// foreignKeys adds each foreign key by itself. The rows that PostgreSQL keeps
// for the partitions of either side come with the key of the whole; a
// partition's own that has another name stands first, and is taken over.
func (p *planner) foreignKeys() {
	var inherited []*catalog.Constraint
	for _, t := range p.tables {
		for c := range p.model.constraints.of(t.t.Name) {
			switch {
			case c.Kind != catalog.ForeignKey:
			case c.Inherited:
				inherited = append(inherited, c)
			default:
				p.foreignKey(t, c)
			}
		}
	}
	for _, c := range inherited {
		p.inheritedForeignKey(c)
	}
}

func (p *planner) foreignKey(t *tablePlan, c *catalog.Constraint) {
	o := constraintObject(c)
	dangles := p.dangles(t, c)
	if dangles != "" && !p.unvalidated(t, c) {
		p.find(filterDangling, o, "%s: %s", c.Def, dangles)
		return
	}
	if why := p.foreignKeyLost(t, c); why != "" {
		p.find(constraintLost, o, "%s: %s", c.Def, why)
		return
	}
	def := p.foreignKeyDef(c)
	if dangles != "" {
		def += " NOT VALID"
		p.find(constraintChanged, o, "it is NOT VALID on the target: %s", dangles)
	}
	only := p.only()
	if t.t.Kind == catalog.TablePartitioned {
		only = "" // not allowed there
	}
	table := t.t.Name
	p.use(p.add(Statement{
		ID: foreignKeyID(c), Phase: PhaseForeignKeys, Object: o, Table: &c.Table, RefTable: c.RefTable, Refers: p.reference(t, c),
		SQL:  fmt.Sprintf("ALTER TABLE %s%s ADD CONSTRAINT %s %s", only, quoted(table), ident(c.Name), def),
		Undo: dropConstraint(table, c.Name),
	}), c.Uses)
}

// reference says of a foreign key which columns refer to which; nil where it is
// no matter of equal values.
func (p *planner) reference(t *tablePlan, c *catalog.Constraint) *Reference {
	if len(c.Columns) != len(c.RefColumns) || strings.Contains(string(c.Def), ", PERIOD ") {
		return nil
	}
	only := p.only() != ""
	return &Reference{
		Columns: c.Columns, RefColumns: c.RefColumns, MatchFull: c.MatchFull && p.profile.Deferrable,
		Only: only && t.t.Kind != catalog.TablePartitioned, RefOnly: only && p.tableOf(*c.RefTable).t.Kind != catalog.TablePartitioned,
	}
}

// foreignKeyLost says why a foreign key cannot be carried.
func (p *planner) foreignKeyLost(t *tablePlan, c *catalog.Constraint) string {
	switch {
	case !t.carried && t.into != nil:
		return "a foreign key of one partition, which is part of its root on the target"
	case !t.carried:
		return "its table is left behind"
	case c.RefTable == nil:
		return "the model does not say to what it refers"
	}
	ref := p.tableOf(*c.RefTable)
	switch {
	case ref == nil:
		return fmt.Sprintf("table %s is not among those carried", c.RefTable)
	case ref.into != nil:
		return fmt.Sprintf("table %s is part of %s on the target", c.RefTable, ref.into.t.Name)
	case !ref.carried:
		return fmt.Sprintf("table %s is left behind", c.RefTable)
	case p.periodLost(c) != "":
		return p.periodLost(c)
	case !c.Validated && c.Enforced && !p.profile.NotValid:
		return "it was never validated, and rows of the source may break it"
	case !c.Enforced && !p.has(18):
		return p.majorText() + " has no constraints that are not enforced"
	case t.t.Kind == catalog.TablePartitioned && !c.Validated && t.isRoot() && !p.has(18):
		return p.majorText() + " has no foreign keys of partitioned tables that are not validated"
	}
	for i, name := range c.Columns {
		from := t.column(name)
		if from == nil || i >= len(c.RefColumns) {
			continue
		}
		to := ref.column(c.RefColumns[i])
		if to != nil && from.typ.class != to.typ.class && from.typ.target != to.typ.target && (p.profile.Map || !bothIntegers(from.typ.target, to.typ.target)) {
			return fmt.Sprintf("%s is %s, and %s.%s is %s on the target", name, from.typ.target, ref.t.Name, to.c.Name, to.typ.target)
		}
	}
	return ""
}

// bothIntegers says whether two types of the target are integers, which
// PostgreSQL compares whatever their sizes.
func bothIntegers(a, b string) bool {
	_, _, one := integerRange(a)
	_, _, two := integerRange(b)
	return one && two
}

// foreignKeyDef is the definition as the target takes it.
func (p *planner) foreignKeyDef(c *catalog.Constraint) string {
	def := string(c.Def)
	o := constraintObject(c)
	if len(c.SetColumns) > 0 && (!p.profile.Deferrable || !p.has(15)) {
		def = p.setsAll(c, def, o)
	}
	if p.profile.Deferrable {
		return def
	}
	cut := func(text, what string) {
		if strings.Contains(def, text) {
			def = strings.Replace(def, text, "", 1)
			p.find(constraintChanged, o, "%s", what)
		}
	}
	if c.Deferrable {
		cut(" INITIALLY DEFERRED", "it was initially deferred: on the target it is checked at once")
		cut(" DEFERRABLE", "it was deferrable: on the target it is checked at once")
	}
	if c.MatchFull {
		cut(" MATCH FULL", "it was MATCH FULL: on the target a key that is partly NULL refers to nothing")
	}
	return def
}

// setsAll takes the column list off ON DELETE SET NULL and SET DEFAULT.
func (p *planner) setsAll(c *catalog.Constraint, def string, o finding.Object) string {
	for _, action := range []string{" SET NULL (", " SET DEFAULT ("} {
		i := strings.Index(def, action)
		if i < 0 {
			continue
		}
		if _, rest, ok := strings.Cut(def[i+len(action):], ")"); ok {
			def = def[:i+len(action)-len(" (")] + rest
			p.find(constraintChanged, o, "ON DELETE sets only %s: on the target it sets all columns of the key", words(c.SetColumns))
		}
	}
	return def
}

// inheritedForeignKey accounts for the row that PostgreSQL keeps for a
// partition of the referencing or the referenced table.
func (p *planner) inheritedForeignKey(c *catalog.Constraint) {
	o := constraintObject(c)
	t := p.tableOf(c.Table)
	for _, up := range append([]catalog.Name{c.Table}, p.ancestors(c.Table)...) {
		for pc := range p.model.constraints.of(up) {
			if pc.Kind != catalog.ForeignKey || pc.Inherited || c.RefTable == nil || pc.RefTable == nil ||
				!slices.Equal(pc.Columns, c.Columns) || !p.model.ancestor(*pc.RefTable, *c.RefTable) {
				continue
			}
			id := p.maker(constraintObject(pc))
			if id == "" {
				continue
			}
			own := up != c.Table && *pc.RefTable == *c.RefTable && pc.Name != c.Name
			if own && t.carried && t.shape == attached && p.foreignKeyLost(t, c) == "" {
				p.ownForeignKey(t, c, id)
				return
			}
			p.carry(id, o)
			return
		}
	}
	p.find(constraintLost, o, "the key that it comes from is not carried")
}

// ownForeignKey creates a partition's key under its own name before its root's,
// which then takes it over.
func (p *planner) ownForeignKey(t *tablePlan, c *catalog.Constraint, root string) {
	p.foreignKey(t, c)
	if s := p.statement(root); s != nil && p.known(foreignKeyID(c)) {
		s.After = append(s.After, foreignKeyID(c))
	}
}
