package ddlgen

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
)

func indexID(x *catalog.Index) string { return "indexes/" + x.Table.String() + "/" + x.Name.Name }

// indexStatements adds the indexes that stand behind no constraint.
func (p *planner) indexStatements() {
	for _, t := range p.tables {
		for x := range p.model.indexes.of(t.t.Name) {
			if x.Constraint == "" {
				p.indexStatement(t, x)
			}
		}
	}
	// A partition's index waits for its parent's, which may come later by name.
	for _, a := range p.attachments {
		if id := p.maker(a.parent); id != "" {
			a.statement.After = append(a.statement.After, id)
			p.add(a.statement)
		} else {
			p.find(indexChanged, a.statement.Object, "it belongs to no index of the partitioned table: that one is not carried")
		}
	}
}

func (p *planner) indexStatement(t *tablePlan, x *catalog.Index) {
	o := indexObject(x)
	lost := func(format string, args ...any) { p.find(indexLost, o, format, args...) }
	switch {
	case !t.carried && t.into != nil && x.Parent != nil:
		id := p.maker(indexObject(p.topIndex(x)))
		if id == "" {
			id = tableID(t.into.t.Name)
		}
		p.carry(id, o)
		return
	case !t.carried && t.into != nil:
		lost("an index of one partition: %s", x.Def)
		return
	case !t.carried:
		lost("its table is left behind")
		return
	case !x.Valid && t.t.Kind != catalog.TablePartitioned:
		lost("it is invalid at the source, left by a build that failed: %s", x.Def)
		return
	}
	def, ok := parseIndex(x.Def)
	if !ok {
		lost("its definition is not understood: %s", x.Def)
		return
	}
	if why := p.adaptIndex(t, x, &def); why != "" {
		lost("%s: %s", x.Def, why)
		return
	}
	table := t.t.Name
	def.only = t.isRoot()
	s := Statement{
		ID: indexID(x), Phase: PhaseKeys, Object: o, Table: &x.Table,
		SQL: def.sql(x.Name.Name, table), Undo: "DROP INDEX " + quoted(x.Name),
	}
	if def.method == "hnsw" && p.profile.Map {
		s.Phase, s.Optional = PhaseVectorIndexes, true
		p.find(indexVector, o, "it is built last, and may be refused")
	} else {
		s = p.early(t, s)
	}
	id := p.add(s)
	p.use(id, p.indexUses(t, x))
	p.attachIndex(t, x, id)
	p.indexMarks(t, x, id)
	if x.Unique {
		p.foldedUnique(t, x, def)
	}
}

// adaptIndex changes an index to what the target takes, and says why it cannot
// be carried at all.
func (p *planner) adaptIndex(t *tablePlan, x *catalog.Index, def *indexText) (why string) {
	o := indexObject(x)
	if why := p.adaptCollations(x, def); why != "" {
		return why
	}
	if why := p.missing(p.indexUses(t, x)); why != "" {
		return why
	}
	if why := p.adaptKeys(t, x, def); why != "" {
		return why
	}
	if def.where != "" {
		if def.where, why = p.expression(def.where, nil, t.classOf); why != "" {
			return why
		}
	}
	if why := p.adaptMethod(t, x, def); why != "" {
		return why
	}
	if def.nullsEqual && !p.takesNullsEqual() {
		def.nullsEqual = false
		p.find(indexChanged, o, "it was NULLS NOT DISTINCT: on the target NULLs differ from each other")
	}
	if def.with != "" && !p.profile.StorageOptions {
		p.find(tableOptions, o, "WITH (%s) is not kept", def.with)
		def.with = ""
	}
	if x.Tablespace != "" {
		p.find(tablePlace, o, "tablespace %s is not kept", x.Tablespace)
	}
	for _, k := range x.Keys {
		if plan := t.column(k.Column); x.Unique && plan != nil && plan.typ.code == typePrecision {
			p.find(keyPrecision, o, "column %s is rounded", k.Column)
		}
	}
	return ""
}

// indexUses is what an index depends on by itself: not the collations, which
// are looked for in its text, and not the default operator class of an
// extension's type that the target has otherwise.
func (p *planner) indexUses(t *tablePlan, x *catalog.Index) []catalog.Ref {
	return slices.DeleteFunc(slices.Clone(x.Uses), func(u catalog.Ref) bool {
		if u.Kind != "operator class" || u.Extension == "" || !p.profile.Map {
			return u.Kind == "collation"
		}
		return slices.ContainsFunc(x.Keys, func(k catalog.IndexKey) bool {
			c := t.column(k.Column)
			return c != nil && k.OpClass == nil && p.baseType(c.c.Type).Extension == u.Extension
		})
	})
}

// baseType is what stands below the domains of a type.
func (p *planner) baseType(t catalog.Type) catalog.Type {
	for d := p.model.domains[t.Name]; d != nil; d = p.model.domains[t.Name] {
		t = d.Base
	}
	return t
}

// adaptCollations takes out the collations that the target lacks. Where the
// model names one that the text does not show, an expression depends on it.
func (p *planner) adaptCollations(x *catalog.Index, def *indexText) (why string) {
	keys, lost := p.withoutCollations(tokenize(def.keys))
	for _, k := range x.Keys {
		if k.Expr == "" {
			continue
		}
		if _, inside := p.withoutCollations(tokenize(string(k.Expr))); len(inside) > 0 {
			return fmt.Sprintf("collation %s is not on the target", inside[0])
		}
	}
	if _, inside := p.withoutCollations(tokenize(def.where)); len(inside) > 0 {
		return fmt.Sprintf("collation %s is not on the target", inside[0])
	}
	if len(lost) > 0 {
		def.keys = join(keys)
		p.find(collationLost, indexObject(x), "collation %s is not on the target: the default one is used", words(lost))
	}
	return ""
}

// adaptKeys rewrites the casts in key expressions, and refuses those that need
// a type which the column no longer has.
func (p *planner) adaptKeys(t *tablePlan, x *catalog.Index, def *indexText) (why string) {
	for _, k := range x.Keys {
		if k.Expr == "" {
			continue
		}
		if _, why := p.expression(string(k.Expr), nil, t.classOf); why != "" {
			return why
		}
	}
	if p.profile.Map {
		tokens, why := p.castsMapped(tokenize(def.keys))
		if why != "" {
			return why
		}
		def.keys = join(tokens)
	}
	return ""
}

// adaptMethod keeps the access method where the target takes it, and puts btree
// in its place where that answers the same questions.
func (p *planner) adaptMethod(t *tablePlan, x *catalog.Index, def *indexText) (why string) {
	o := indexObject(x)
	accepted := len(p.profile.IndexMethods) == 0 || slices.Contains(p.profile.IndexMethods, x.Method)
	if !p.profile.Map && accepted && !p.otherKind(t, x) {
		return ""
	}
	if x.Method == "ivfflat" && slices.Contains(p.profile.IndexMethods, "hnsw") {
		def.method, def.with = "hnsw", ""
		p.find(indexChanged, o, "ivfflat becomes hnsw")
		return ""
	}
	if accepted && x.Method != "btree" && x.Method != "hash" {
		if p.otherKind(t, x) {
			return fmt.Sprintf("%s over a type that the target has otherwise", x.Method)
		}
		if slices.Contains(p.profile.SlowMethods, x.Method) {
			p.find(indexSlow, o, "%s is accepted, and may be answered by a scan of the table", x.Method)
		}
		return ""
	}
	for _, k := range x.Keys {
		switch {
		case k.OpClass != nil && (x.Method != "btree" || p.otherKind(t, x)):
			return fmt.Sprintf("operator class %s of %s has no counterpart", k.OpClass, x.Method)
		case x.Method != "btree" && x.Method != "hash" && p.otherKind(t, x):
			return fmt.Sprintf("%s over a type that the target has otherwise", x.Method)
		case x.Method != "btree" && !p.sortable(t, k):
			return fmt.Sprintf("the target has no %s, and btree does not serve the column", x.Method)
		}
	}
	if !accepted {
		def.method, def.with = "btree", ""
		p.find(indexChanged, o, "%s becomes btree", x.Method)
	}
	return ""
}

// otherKind says whether a key column of an index is of another kind on the
// target than at the source. A plain btree serves it still.
func (p *planner) otherKind(t *tablePlan, x *catalog.Index) bool {
	return slices.ContainsFunc(x.Keys, func(k catalog.IndexKey) bool {
		return k.Column != "" && t.classOf(k.Column) == other
	})
}

// sortable says whether btree takes a key on the target.
func (p *planner) sortable(t *tablePlan, k catalog.IndexKey) bool {
	if k.Column == "" {
		return false // the type of an expression is not in the model
	}
	c := t.column(k.Column)
	if c == nil {
		return false
	}
	if c.typ.class == other {
		return !strings.HasPrefix(c.typ.target, "json")
	}
	switch c.c.Type.Name.Name {
	case "json", "xml", "point", "line", "lseg", "box", "path", "polygon", "circle", "tsvector", "tsquery":
		return false
	}
	return c.c.Type.Extension == "" || c.typ.class == alike
}

// foldedUnique is foldedKey for a unique index without a constraint.
func (p *planner) foldedUnique(t *tablePlan, x *catalog.Index, def indexText) {
	var columns []string
	for _, k := range x.Keys {
		if k.Column == "" {
			return
		}
		columns = append(columns, k.Column)
	}
	where := ""
	if def.where != "" {
		where = " WHERE " + def.where
	}
	if keys, folded := foldedColumns(t, columns); folded {
		p.foldedIndex(t, indexObject(x), x.Name.Name, keys, where)
	}
}

// attachIndex joins a partition's index to its parent's.
func (p *planner) attachIndex(t *tablePlan, x *catalog.Index, id string) {
	if x.Parent == nil || t.shape != attached {
		return
	}
	up := p.model.index.get(*x.Parent)
	if up == nil {
		return
	}
	table := t.t.Name
	p.attachments = append(p.attachments, attachment{parent: indexObject(up), statement: Statement{
		ID: id + "/attach", Phase: PhaseKeys, Object: indexObject(x), Table: &table,
		SQL:   fmt.Sprintf("ALTER INDEX %s ATTACH PARTITION %s", quoted(*x.Parent), quoted(x.Name)),
		After: []string{id},
	}})
}

// indexMarks sets what a table says about one of its indexes.
func (p *planner) indexMarks(t *tablePlan, x *catalog.Index, id string) {
	table := t.t.Name
	if x.Clustered {
		if !p.profile.StorageOptions {
			p.find(tableOptions, indexObject(x), "CLUSTER ON is not kept")
		} else {
			p.add(Statement{
				ID: id + "/cluster", Phase: PhaseKeys, Object: tableObject(table), Table: &table, Optional: true,
				SQL: fmt.Sprintf("ALTER TABLE ONLY %s CLUSTER ON %s", quoted(table), ident(x.Name.Name)), After: []string{id},
				Undo: fmt.Sprintf("ALTER TABLE ONLY %s SET WITHOUT CLUSTER", quoted(table)),
			})
		}
	}
	if x.ReplIdent && p.profile.StorageOptions {
		p.add(Statement{
			ID: id + "/replica-identity", Phase: PhaseKeys, Object: tableObject(table), Table: &table, Optional: true,
			SQL: fmt.Sprintf("ALTER TABLE ONLY %s REPLICA IDENTITY USING INDEX %s", quoted(table), ident(x.Name.Name)), After: []string{id},
			Undo: fmt.Sprintf("ALTER TABLE ONLY %s REPLICA IDENTITY DEFAULT", quoted(table)),
		})
	}
}

// attachment is a partition's index that waits for its parent's.
type attachment struct {
	parent    finding.Object
	statement Statement
}
