package ddlgen

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
)

func keyID(c *catalog.Constraint) string { return "keys/" + c.Table.String() + "/" + c.Name }

// inlineKey is the primary key that stands in CREATE TABLE, where the profile
// wants it there.
func (p *planner) inlineKey(t *tablePlan) *catalog.Constraint {
	if !p.profile.InlinePrimaryKey || t.isRoot() || t.shape == attached {
		return nil
	}
	for c := range p.model.constraints.of(t.t.Name) {
		if c.Kind == catalog.PrimaryKey && p.periodLost(c) == "" {
			return c
		}
	}
	return nil
}

// periodLost says why a temporal constraint of PostgreSQL 18 cannot be carried.
func (p *planner) periodLost(c *catalog.Constraint) string {
	if p.has(18) || !strings.Contains(string(c.Def), " WITHOUT OVERLAPS)") && !strings.Contains(string(c.Def), ", PERIOD ") {
		return ""
	}
	return p.majorText() + " has no temporal constraints"
}

// keyStatements adds primary keys, unique and exclusion constraints, and joins
// those of partitions to their root's.
func (p *planner) keyStatements() {
	for _, t := range p.tables {
		for c := range p.model.constraints.of(t.t.Name) {
			switch c.Kind {
			case catalog.PrimaryKey, catalog.Unique, catalog.Exclusion:
				p.key(t, c)
			case catalog.Check, catalog.ForeignKey, catalog.NotNull:
			}
		}
	}
}

func (p *planner) key(t *tablePlan, c *catalog.Constraint) {
	o := constraintObject(c)
	x := p.model.constraintIndex(c)
	lost := func(format string, args ...any) {
		p.find(constraintLost, o, format, args...)
		if x != nil {
			p.find(indexLost, indexObject(x), "it stands behind constraint %s, which is not carried", c.Name)
		}
	}
	switch {
	case !t.carried && t.into != nil:
		p.partitionKey(t, c, x, lost)
		return
	case !t.carried:
		lost("its table is left behind")
		return
	}
	p.keyColumns(t, c)
	if t.inline == c {
		p.foldedKey(t, c)
		return
	}
	if why := p.periodLost(c); why != "" {
		lost("%s: %s", c.Def, why)
		return
	}
	if c.Kind == catalog.Exclusion {
		if why := p.exclusionLost(t, c, x); why != "" {
			lost("%s: %s", c.Def, why)
			return
		}
	}
	if x != nil && !p.profile.Map {
		if why := p.missing(p.indexUses(t, x)); why != "" {
			lost("%s: %s", c.Def, why)
			return
		}
	}
	table := t.t.Name
	s := Statement{
		ID: keyID(c), Phase: PhaseKeys, Object: o, Table: &c.Table,
		SQL:  fmt.Sprintf("ALTER TABLE %s%s ADD CONSTRAINT %s %s", p.only(), quoted(table), ident(c.Name), p.keyDef(c)),
		Undo: dropConstraint(table, c.Name),
	}
	if x != nil {
		s.Carries = []finding.Object{indexObject(x)}
	}
	id := p.add(p.early(t, s))
	if x != nil {
		p.use(id, p.indexUses(t, x))
		p.attachIndex(t, x, id)
		p.indexMarks(t, x, id)
	}
	p.foldedKey(t, c)
}

// only is the word that keeps ALTER TABLE from a table's children.
func (p *planner) only() string {
	if p.profile.Partitions || p.profile.Inheritance {
		return "ONLY "
	}
	return ""
}

// partitionKey accounts for a key of a partition that was made flat.
func (p *planner) partitionKey(t *tablePlan, c *catalog.Constraint, x *catalog.Index, lost func(string, ...any)) {
	if x == nil || x.Parent == nil {
		lost("a key of one partition, %s: the whole table may hold rows that it would refuse", c.Def)
		return
	}
	top := p.topIndex(x)
	id := p.maker(indexObject(top))
	if id == "" { // the root's comes later in the order of names
		id = tableID(t.into.t.Name)
	}
	p.carry(id, constraintObject(c))
	p.carry(id, indexObject(x))
}

// topIndex is the root's index that a partition's belongs to.
func (p *planner) topIndex(x *catalog.Index) *catalog.Index {
	for x.Parent != nil {
		up := p.model.index.get(*x.Parent)
		if up == nil {
			break
		}
		x = up
	}
	return x
}

// keyDef is the definition of a key as the target takes it.
func (p *planner) keyDef(c *catalog.Constraint) string {
	def := string(c.Def)
	o := constraintObject(c)
	x := p.model.constraintIndex(c)
	tail := ""
	for _, s := range []string{" INITIALLY DEFERRED", " DEFERRABLE"} {
		if rest, ok := strings.CutSuffix(def, s); ok {
			def, tail = rest, s+tail
		}
	}
	if tail != "" && !p.profile.Deferrable {
		p.find(constraintChanged, o, "it was%s: on the target it is checked at once", strings.ToLower(tail))
		tail = ""
	}
	if x == nil {
		return def + tail
	}
	if x.NullsEqual && !p.takesNullsEqual() {
		def = strings.Replace(def, "NULLS NOT DISTINCT ", "", 1)
		p.find(constraintChanged, o, "it was NULLS NOT DISTINCT: on the target NULLs differ from each other")
	}
	if x.Tablespace != "" {
		p.find(tablePlace, indexObject(x), "tablespace %s is not kept", x.Tablespace)
	}
	if len(x.Options) > 0 {
		switch {
		case c.Kind == catalog.Exclusion: // its text has them
		case !p.profile.StorageOptions:
			p.find(tableOptions, indexObject(x), "WITH (%s) is not kept", strings.Join(x.Options, ", "))
		default:
			def += " WITH (" + options(x.Options) + ")"
		}
	}
	return def + tail
}

func (p *planner) takesNullsEqual() bool {
	return p.profile.Deferrable && p.has(15)
}

// exclusionLost says why an exclusion constraint cannot be carried.
func (p *planner) exclusionLost(t *tablePlan, c *catalog.Constraint, x *catalog.Index) string {
	if !p.profile.Exclusion {
		return "the target has no exclusion constraints"
	}
	if x != nil {
		if why := p.missing(x.Uses); why != "" {
			return why
		}
	}
	_, why := p.expression(string(c.Def), c.Uses, t.classOf)
	return why
}

// keyColumns warns of keys whose columns lose digits that told rows apart.
func (p *planner) keyColumns(t *tablePlan, c *catalog.Constraint) {
	for _, name := range c.Columns {
		if plan := t.column(name); plan != nil && plan.typ.code == typePrecision {
			p.find(keyPrecision, constraintObject(c), "column %s is rounded", name)
		}
	}
}

// foldedKey adds to a key over citext what citext did by itself: the same text
// in another case is the same key.
func (p *planner) foldedKey(t *tablePlan, c *catalog.Constraint) {
	if c.Kind == catalog.Exclusion {
		return
	}
	if keys, folded := foldedColumns(t, c.Columns); folded {
		p.foldedIndex(t, constraintObject(c), c.Name, keys, "")
	}
}

// foldedColumns puts lower() around the columns that were citext.
func foldedColumns(t *tablePlan, columns []string) (keys []string, folded bool) {
	for _, name := range columns {
		key := ident(name)
		if plan := t.column(name); plan != nil && plan.typ.fold {
			key, folded = "lower("+key+")", true
		}
		keys = append(keys, key)
	}
	return keys, folded
}

func (p *planner) foldedIndex(t *tablePlan, o finding.Object, base string, keys []string, where string) {
	table := t.t.Name
	name := p.freshRelation(table.Schema, base+"_lower")
	p.find(constraintChanged, o, "unique index %s keeps texts apart that differ in case only", name)
	p.add(p.early(t, Statement{
		ID: "indexes/" + table.String() + "/" + name, Phase: PhaseKeys, Table: &table,
		Object: objectOf("index", catalog.Name{Schema: table.Schema, Name: name}),
		SQL:    fmt.Sprintf("CREATE UNIQUE INDEX %s ON %s USING btree (%s)%s", ident(name), quoted(table), strings.Join(keys, ", "), where),
		Undo:   "DROP INDEX " + quoted(catalog.Name{Schema: table.Schema, Name: name}),
	}))
}

// transferKey is the key in whose order a table can be read: the primary key,
// else the shortest unique key without NULLs.
func (p *planner) transferKey(t *tablePlan) (key []string, c *catalog.Constraint) {
	for c := range p.model.constraints.of(t.t.Name) {
		if c.Kind == catalog.PrimaryKey && p.keyTravels(t, c.Columns) {
			return c.Columns, c
		}
	}
	var best []string
	for x := range p.model.indexes.of(t.t.Name) {
		if !x.Unique || !x.Valid || x.Predicate != "" || x.Primary || p.deferrable(x) {
			continue
		}
		var columns []string
		for _, k := range x.Keys {
			columns = append(columns, k.Column)
		}
		if slices.Contains(columns, "") || !p.keyTravels(t, columns) {
			continue
		}
		if best == nil || len(columns) < len(best) {
			best = columns
		}
	}
	return best, nil
}

func (p *planner) deferrable(x *catalog.Index) bool {
	for c := range p.model.constraints.of(x.Table) {
		if c.Name == x.Constraint && x.Constraint != "" {
			return c.Deferrable || c.Kind == catalog.Exclusion
		}
	}
	return false
}

// keyTravels says whether the columns are never NULL and are copied.
func (p *planner) keyTravels(t *tablePlan, columns []string) bool {
	for _, name := range columns {
		plan := t.column(name)
		if plan == nil || !plan.notNull || plan.invalid || plan.generated != 0 {
			return false
		}
	}
	return len(columns) > 0
}
