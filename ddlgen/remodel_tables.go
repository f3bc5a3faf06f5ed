package ddlgen

import (
	"fmt"
	"slices"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/ddlgen/usermap"
)

// database is the target's model.
func (r *remodel) database() *catalog.Database {
	out := *r.db
	for i := range r.db.Tables { // columns of tables first: all else may name them
		r.name(r.db.Tables[i].Name)
	}
	out.Tables = make([]catalog.Table, len(r.db.Tables))
	for i := range r.db.Tables {
		out.Tables[i] = r.table(r.db.Tables[i])
	}
	out.Constraints = keepAll(r.db.Constraints, r.constraint)
	out.Indexes = keepAll(r.db.Indexes, r.index)
	out.Constraints = slices.DeleteFunc(out.Constraints, func(c catalog.Constraint) bool { return r.indexGone(&c) })
	out.Sequences = keepAll(r.db.Sequences, r.sequence)
	r.objects(&out)
	out.Comments = keepAll(r.db.Comments, r.comment)
	out.Schemas = r.schemaList()
	sortModel(&out)
	return &out
}

// keepAll changes the entries of a list, and leaves those out that are not kept.
func keepAll[T any](list []T, change func(T) (T, bool)) []T {
	if list == nil {
		return nil
	}
	out := make([]T, 0, len(list))
	for _, x := range list {
		if y, ok := change(x); ok {
			out = append(out, y)
		}
	}
	return out
}

// sortModel puts tables, and what is looked up beside them, into the order of
// the target's names, in which plans are made.
func sortModel(db *catalog.Database) {
	slices.SortStableFunc(db.Schemas, func(a, b catalog.Schema) int { return catalog.Name{Name: a.Name}.Compare(catalog.Name{Name: b.Name}) })
	slices.SortStableFunc(db.Tables, func(a, b catalog.Table) int { return a.Name.Compare(b.Name) })
	slices.SortStableFunc(db.Indexes, func(a, b catalog.Index) int { return a.Name.Compare(b.Name) })
	slices.SortStableFunc(db.Sequences, func(a, b catalog.Sequence) int { return a.Name.Compare(b.Name) })
	slices.SortStableFunc(db.Constraints, func(a, b catalog.Constraint) int {
		if c := a.Table.Compare(b.Table); c != 0 {
			return c
		}
		return catalog.Name{Name: a.Name}.Compare(catalog.Name{Name: b.Name})
	})
}

// schemaList is the list of the target's schemas: those of the source under
// their names there, and those that tables are moved into.
func (r *remodel) schemaList() []catalog.Schema {
	var out []catalog.Schema
	add := func(name string) {
		if !slices.ContainsFunc(out, func(s catalog.Schema) bool { return s.Name == name }) {
			out = append(out, catalog.Schema{Name: name})
		}
	}
	for _, s := range r.db.Schemas {
		if to, ok := r.schemas[s.Name]; ok {
			add(to)
		} else {
			add(s.Name)
		}
	}
	for i := range r.m.Tables {
		add(r.m.Tables[i].Target.Schema)
	}
	return out
}

func (r *remodel) table(t catalog.Table) catalog.Table {
	source := t.Name
	mapped := r.m.Table(source)
	t.Name = r.name(source)
	t.Inherits = slices.Clone(t.Inherits)
	for i := range t.Inherits {
		t.Inherits[i] = r.name(t.Inherits[i])
	}
	if t.OfType != nil {
		n := r.name(*t.OfType)
		t.OfType = &n
		if r.columns[source] != nil || mapped != nil && len(mapped.Extra) > 0 {
			t.OfType = nil // its columns are no longer those of the type
			r.tell(tableTyped, tableObject(source), "its columns are not those of its type any more: it becomes a plain table")
		}
	}
	if key, why := r.text(string(t.PartitionKey), &source); why == "" {
		t.PartitionKey = catalog.PartitionKey(key)
	}
	t.Uses, _ = r.refs(t.Uses)
	columns := t.Columns
	t.Columns = make([]catalog.Column, 0, len(columns))
	for _, c := range columns {
		t.Columns = append(t.Columns, r.tableColumn(source, t.Name, mapped, c)...)
	}
	if mapped != nil {
		for _, x := range mapped.Extra {
			t.Columns = append(t.Columns, r.extraColumn(&t, x))
		}
	}
	return t
}

// tableColumn is what becomes of one column: none, itself, or two.
func (r *remodel) tableColumn(source, target catalog.Name, mapped *usermap.Table, c catalog.Column) []catalog.Column {
	names := r.columns[source]
	wish := mapped.Column(c.Name)
	if names != nil && names.gone[c.Name] != "" && wish.Exclude {
		r.excluded(source, c, wish)
		return nil
	}
	o := columnObject(source, c.Name)
	generated := c.Generated != 0
	var own *catalog.Name // whose columns the expression may name
	if generated {
		own = &source
	}
	text, why := r.text(string(c.Default), own)
	uses, usesWhy := r.refs(c.Uses)
	if why == "" {
		why = usesWhy
	}
	if why != "" && !generated {
		r.tell(defaultLost, o, fmt.Sprintf("default %s: %s", c.Default, why))
		text, uses = "", nil
	}
	original := c.Name
	c.Default, c.Uses, c.Type = catalog.Expr(text), uses, r.typ(c.Type)
	if c.Collation != nil {
		n := r.name(*c.Collation)
		c.Collation = &n
	}
	if c.Sequence != nil {
		n := r.name(*c.Sequence)
		c.Sequence = &n
	}
	if names != nil && names.gone[original] != "" { // two of it
		var out []catalog.Column
		for i := range mapped.Columns {
			k := &mapped.Columns[i]
			if k.Source != original {
				continue
			}
			half := c
			half.Name, half.Type, half.Default, half.Uses, half.Generated, half.Collation, half.NotNull = k.Target, k.Type.Type, "", nil, 0, nil, false
			half.Storage, half.Compress, half.Options = 0, 0, nil
			out = append(out, half)
		}
		return out
	}
	c.Name, _ = r.column(source, original)
	if why != "" && generated {
		r.plain[catalog.ColumnRef{Table: target, Column: c.Name}] = why
	}
	return []catalog.Column{c}
}

// excluded says what a column that stays behind is missed by (F9).
func (r *remodel) excluded(table catalog.Name, c catalog.Column, wish *usermap.Column) {
	message := fmt.Sprintf("it stays behind (%s)", wish.Place)
	if c.NotNull && c.Default == "" && c.Identity == 0 && c.Generated == 0 {
		message += "; it is NOT NULL without a default: rows that come back to the source need a value for it"
	}
	r.out(filterColumn, columnObject(table, c.Name), message)
}

// extraColumn is a column of the target's own, in the model as if it were the
// source's; transfers leave it out.
func (r *remodel) extraColumn(t *catalog.Table, x usermap.Extra) catalog.Column {
	typ := x.Type.Type
	if !builtIn(typ.Name.Schema) {
		typ = r.typ(typ)
	}
	var num int16
	for _, c := range t.Columns {
		num = max(num, c.Num)
	}
	return catalog.Column{
		Name: x.Name, Num: num + 1, Type: typ, NotNull: x.NotNull, Default: catalog.Expr(x.Default), StatsTgt: -1,
		Local: len(t.Inherits) == 0 || t.IsPartition,
	}
}

// goneWhy is the reason why what hangs on a column is not carried.
func (r *remodel) goneWhy(table catalog.Name, column string) string {
	return "it names " + r.goneWords(table, column)
}

func (r *remodel) constraint(c catalog.Constraint) (catalog.Constraint, bool) {
	o := constraintObject(&c)
	source := c.Table
	lost := func(why string) (catalog.Constraint, bool) {
		r.out(constraintLost, o, fmt.Sprintf("%s: %s", c.Def, why))
		return c, false
	}
	columns, gone := r.columnList(source, c.Columns)
	if gone != "" {
		return lost(r.goneWhy(source, gone))
	}
	uses, why := r.refs(c.Uses)
	def := string(c.Def)
	if why == "" {
		if c.Kind == catalog.ForeignKey && c.RefTable != nil {
			var ref, set []string
			if ref, gone = r.columnList(*c.RefTable, c.RefColumns); gone != "" {
				return lost(r.goneWhy(*c.RefTable, gone))
			}
			if set, gone = r.columnList(source, c.SetColumns); gone != "" {
				return lost(r.goneWhy(source, gone))
			}
			def, why = r.foreignKey(def, source, *c.RefTable)
			n := r.name(*c.RefTable)
			c.RefTable, c.RefColumns, c.SetColumns = &n, ref, set
		} else {
			def, why = r.text(def, &source)
		}
	}
	if why != "" {
		return lost(why)
	}
	c.Table, c.Columns, c.Def, c.Uses = r.name(source), columns, catalog.ConstraintDef(def), uses
	return c, true
}

// indexGone takes the constraint out whose index could not stay.
func (r *remodel) indexGone(c *catalog.Constraint) bool {
	if c.Index == "" {
		return false
	}
	source := r.sourceName(c.Table)
	x := catalog.Name{Schema: source.Schema, Name: c.Index}
	if !r.gone[objectOf("index", x)] {
		return false
	}
	o := constraintObject(c)
	o.Schema, o.Parent = source.Schema, source.Name
	if !r.gone[o] {
		r.out(constraintLost, o, fmt.Sprintf("%s: its index is not carried", c.Def))
	}
	return true
}

func (r *remodel) index(x catalog.Index) (catalog.Index, bool) {
	source := x.Table
	lost := func(why string) (catalog.Index, bool) {
		r.out(indexLost, indexObject(&x), fmt.Sprintf("%s: %s", x.Def, why))
		return x, false
	}
	constraint := finding.Object{Kind: "constraint", Schema: source.Schema, Parent: source.Name, Name: x.Constraint}
	if x.Constraint != "" && r.gone[constraint] {
		return lost("the constraint that it stands behind is not carried")
	}
	def, why := r.text(string(x.Def), &source)
	if why != "" {
		return lost(why)
	}
	predicate, why := r.text(string(x.Predicate), &source)
	if why != "" {
		return lost(why)
	}
	uses, why := r.refs(x.Uses)
	if why != "" {
		return lost(why)
	}
	include, gone := r.columnList(source, x.Include)
	if gone != "" {
		return lost(r.goneWhy(source, gone))
	}
	x.Keys = slices.Clone(x.Keys)
	for i := range x.Keys {
		k := &x.Keys[i]
		if k.Column != "" {
			to, ok := r.column(source, k.Column)
			if !ok {
				return lost(r.goneWhy(source, k.Column))
			}
			k.Column = to
		}
		expr, why := r.text(string(k.Expr), &source)
		if why != "" {
			return lost(why)
		}
		k.Expr = catalog.Expr(expr)
		if k.Collation != nil {
			n := r.name(*k.Collation)
			k.Collation = &n
		}
		if k.OpClass != nil {
			n := r.name(*k.OpClass)
			k.OpClass = &n
		}
	}
	if x.Parent != nil {
		if r.gone[objectOf("index", *x.Parent)] {
			return lost("the index of the partitioned table is not carried")
		}
		n := r.name(*x.Parent)
		x.Parent = &n
	}
	x.Name, x.Table, x.Def, x.Predicate, x.Uses, x.Include = r.name(x.Name), r.name(source), catalog.IndexDef(def), catalog.Expr(predicate), uses, include
	return x, true
}

func (r *remodel) sequence(s catalog.Sequence) (catalog.Sequence, bool) {
	if s.Owner != nil {
		column, ok := r.column(s.Owner.Table, s.Owner.Column)
		switch {
		case !ok && s.Identity:
			r.out(sequenceLost, sequenceObject(s.Name), "its identity column stays behind")
			return s, false
		case !ok:
			r.tell(sequenceOwner, sequenceObject(s.Name), fmt.Sprintf("its owner %s.%s stays behind", s.Owner.Table, s.Owner.Column))
			s.Owner = nil
		default:
			s.Owner = &catalog.ColumnRef{Table: r.name(s.Owner.Table), Column: column}
		}
	}
	s.Name = r.name(s.Name)
	return s, true
}

func (r *remodel) comment(c catalog.Comment) (catalog.Comment, bool) {
	o := commentObject(c)
	left := func() (catalog.Comment, bool) {
		r.tell(commentLeft, o, "what it describes is not carried")
		return c, false
	}
	switch c.Kind {
	case "column":
		to, ok := r.column(c.Name, c.Sub)
		if !ok {
			return left()
		}
		c.Sub = to
	case "schema":
		if to, ok := r.schemas[c.Name.Name]; ok {
			c.Name.Name = to
		}
		return c, true
	}
	of := objectOf(c.Kind, c.Name)
	if c.Sub != "" {
		of.Parent, of.Name = c.Name.Name, c.Sub
	}
	if r.gone[of] {
		return left()
	}
	c.Args, _ = r.text(c.Args, nil)
	c.Name = r.name(c.Name)
	return c, true
}
