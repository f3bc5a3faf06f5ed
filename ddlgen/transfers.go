package ddlgen

// transfer says how the rows of a table travel. A partitioned table that stays
// one has no rows itself: each of its leaves has a transfer of its own.
func (p *planner) transfer(t *tablePlan) {
	p.rowFindings(t)
	if t.isRoot() {
		return
	}
	tr := Transfer{
		Target:  t.t.Name,
		Source:  p.names.sourceName(p.model.root(t.t).Name),
		Columns: []ColumnTransfer{},
	}
	p.relationsOf(t, &tr)
	if n := len(t.columns); n > 0 {
		tr.Columns = make([]ColumnTransfer, 0, n)
	}
	for i := range t.columns {
		c := &t.columns[i]
		if c.generated != 0 || p.extra(t.t.Name, c.c) != nil {
			continue
		}
		source := p.names.sourceColumn(t.t.Name, c.c.Name)
		texts := p.columnTexts(t, c, source)
		tr.Columns = append(tr.Columns, ColumnTransfer{
			Source: source, Target: c.c.Name, Computed: c.c.Generated != 0,
			SourceType: p.sourceType(t, c, source), TargetType: c.typ.target,
			Select: texts.sel, ReadBack: texts.readBack,
			Canon: c.typ.canon, Loss: c.typ.loss, Affected: texts.affected,
		})
	}
	key, constraint := p.transferKey(t)
	tr.Key = key
	tr.KeyInline = constraint != nil && constraint == t.inline
	if key == nil {
		p.find(tableNoKey, tableObject(t.t.Name), "no primary key, and no unique key whose columns are NOT NULL")
	}
	if tr.NoData == "" {
		p.provable(t, key)
	}
	if !p.opts.OnlySchema {
		p.transfers = append(p.transfers, tr)
	}
}

// columnKey is what the texts of a column's transfer follow from, where its type
// is not its own.
type columnKey struct {
	typ            *typing
	source, target string
	alone          bool // the table has no other column
}

// columnTexts are what a transfer says of a column in SQL.
type columnTexts struct {
	sel, readBack string
	affected      []Affected
}

// columnTexts gives equal columns of all tables the same texts: of very many
// tables they would be most of the plan.
func (p *planner) columnTexts(t *tablePlan, c *columnPlan, source string) columnTexts {
	key := columnKey{typ: c.typ, source: source, target: c.c.Name, alone: len(t.t.Columns) == 1}
	shared := p.typings[c.c.Type] == c.typ && c.c.Generated == 0
	switch c.typ.code {
	case typeRefused, typeUnavailable, valueRefused: // accepted for one table, perhaps
		shared = false
	}
	if texts, ok := p.texts[key]; ok && shared {
		return texts
	}
	texts := columnTexts{sel: c.typ.pick(source), readBack: ident(c.c.Name), affected: p.affected(t.t, c.c, *c.typ)}
	if shared {
		p.texts[key] = texts
	}
	return texts
}

// expected records what reading the table back must show.
func (p *planner) expected(t *tablePlan) {
	e := ExpectedTable{Name: t.t.Name, Columns: []ExpectedColumn{}}
	for i := range t.columns {
		c := &t.columns[i]
		notNull := c.notNull || c.identity != 0
		if t.inline != nil {
			for _, name := range t.inline.Columns {
				notNull = notNull || name == c.c.Name
			}
		}
		e.Columns = append(e.Columns, ExpectedColumn{
			Name: c.c.Name, Type: c.typ.target, NotNull: notNull,
			Identity: c.identity, Generated: c.generated,
			HasDefault: c.def != "" && c.generated == 0 && c.identity == 0,
		})
		switch {
		case c.extra: // as the user wrote it, which no server writes again like that
		case c.generated != 0:
			e.Expressions = append(e.Expressions, ExpectedExpression{Column: c.c.Name, Generated: true, Text: c.expr})
		case c.def != "" && c.identity == 0:
			e.Expressions = append(e.Expressions, ExpectedExpression{Column: c.c.Name, Text: c.def})
		}
	}
	if t.isRoot() {
		for _, leaf := range p.model.leaves(t.t) {
			e.Partitions = append(e.Partitions, leaf.Name)
		}
	}
	if !p.opts.OnlySchema && !p.opts.Sketch {
		p.expect = append(p.expect, e)
	}
}
