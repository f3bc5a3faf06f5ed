package ddlgen

import (
	"regexp"
	"slices"
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
)

// plainNextval is a default that is a sequence's next value and no more: what is
// made of the value otherwise says nothing about which will come.
var plainNextval = regexp.MustCompile(`^(?:pg_catalog\.)?nextval\('(?:[^']|'')*'(?:::(?:pg_catalog\.)?(?:text|regclass))*\)(?:::[a-z ]+(?:\(\d+(?:,\s*\d+)?\))?)?$`)

// feeds are the columns of numbers that take their values from each sequence:
// identity columns, those with its next value as their default, and the one that
// owns it, whoever calls it for that one. A partition's are its root's.
func (p *planner) feeds() map[catalog.Name][]Feed {
	if p.fed != nil {
		return p.fed
	}
	p.fed = map[catalog.Name][]Feed{}
	for _, t := range p.tables {
		if !t.carried || t.shape == attached {
			continue
		}
		for i := range t.columns {
			c := &t.columns[i]
			if c.identity != 0 && c.sequence != nil {
				p.feed(c.sequence.Name, t, c)
			}
			if c.generated != 0 || !plainNextval.MatchString(c.def) {
				continue
			}
			for _, u := range c.uses {
				if s := p.model.sequences.get(u.Name); s != nil && (u.Kind == "sequence" || u.Kind == "table") {
					p.feed(s.Name, t, c)
				}
			}
		}
	}
	for i := range p.db.Sequences {
		s := &p.db.Sequences[i]
		if s.Owner == nil {
			continue
		}
		if t := p.tableOf(s.Owner.Table); t != nil && t.carried && t.shape != attached {
			if c := t.column(s.Owner.Column); c != nil {
				p.feed(s.Name, t, c)
			}
		}
	}
	for _, list := range p.fed {
		slices.SortFunc(list, func(a, b Feed) int {
			if n := a.Target.Table.Compare(b.Target.Table); n != 0 {
				return n
			}
			return strings.Compare(a.Target.Column, b.Target.Column)
		})
	}
	return p.fed
}

func (p *planner) feed(sequence catalog.Name, t *tablePlan, c *columnPlan) {
	typ := p.withoutDomains(c.c.Type)
	if typ.Array || !slices.Contains([]string{"int2", "int4", "int8", "numeric"}, typeKey(typ)) {
		return
	}
	table := t.t.Name
	f := Feed{
		Target: catalog.ColumnRef{Table: table, Column: c.c.Name},
		Source: catalog.ColumnRef{Table: p.names.sourceName(table), Column: p.names.sourceColumn(table, c.c.Name)},
	}
	if !slices.Contains(p.fed[sequence], f) {
		p.fed[sequence] = append(p.fed[sequence], f)
	}
}
