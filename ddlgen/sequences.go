package ddlgen

import (
	"fmt"
	"math"
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
)

func sequenceID(n catalog.Name) string { return "sequences/" + n.String() }

// sequences creates those that belong to no identity column; the others come
// with their column. Their owners are set after the data, since a default that
// calls a sequence comes before the column that owns it.
func (p *planner) sequences() {
	for i := range p.db.Sequences {
		s := &p.db.Sequences[i]
		name, carried := p.seqName[s.Name]
		if !carried {
			p.find(sequenceLost, sequenceObject(s.Name), "its identity column is not carried")
			continue
		}
		p.value(s, name)
		if _, identity := p.seqHome[s.Name]; identity {
			continue
		}
		p.add(Statement{
			ID: sequenceID(s.Name), Phase: PhaseSequences, Object: sequenceObject(s.Name), SQL: p.createSequence(s),
			Undo: "DROP SEQUENCE " + quoted(s.Name),
		})
	}
}

func (p *planner) createSequence(s *catalog.Sequence) string {
	var b strings.Builder
	b.WriteString("CREATE ")
	if s.Unlogged {
		if p.profile.Unlogged && p.has(15) {
			b.WriteString("UNLOGGED ")
		} else {
			p.find(tableLogged, sequenceObject(s.Name), "the sequence is logged on the target")
		}
	}
	b.WriteString("SEQUENCE " + quoted(s.Name))
	switch {
	case !p.profile.Map:
		b.WriteString(" AS " + s.Type)
	case s.Type != "bigint":
		p.find(sequenceType, sequenceObject(s.Name), "a sequence of %s becomes one of bigint with the same bounds", s.Type)
	}
	b.WriteString(" " + sequenceOptions(s))
	return b.String()
}

// sequenceOptions is the whole definition of a sequence but its type.
func sequenceOptions(s *catalog.Sequence) string {
	cycle := "NO CYCLE"
	if s.Cycle {
		cycle = "CYCLE"
	}
	return fmt.Sprintf("INCREMENT BY %d MINVALUE %d MAXVALUE %d START WITH %d CACHE %d %s",
		s.Increment, s.Min, s.Max, s.Start, s.Cache, cycle)
}

// unusualOptions are the options in which a sequence differs from what its type
// gives it by itself.
func unusualOptions(s *catalog.Sequence) string {
	low, high := int64(1), typeMax(s.Type)
	if s.Increment < 0 {
		low, high = -high-1, -1
	}
	start := low
	if s.Increment < 0 {
		start = high
	}
	var out []string
	if s.Increment != 1 {
		out = append(out, fmt.Sprintf("INCREMENT BY %d", s.Increment))
	}
	if s.Min != low {
		out = append(out, fmt.Sprintf("MINVALUE %d", s.Min))
	}
	if s.Max != high {
		out = append(out, fmt.Sprintf("MAXVALUE %d", s.Max))
	}
	if s.Start != start || s.Min != low && s.Increment > 0 || s.Max != high && s.Increment < 0 {
		out = append(out, fmt.Sprintf("START WITH %d", s.Start))
	}
	if s.Cache != 1 {
		out = append(out, fmt.Sprintf("CACHE %d", s.Cache))
	}
	if s.Cycle {
		out = append(out, "CYCLE")
	}
	return strings.Join(out, " ")
}

func typeMax(name string) int64 {
	switch name {
	case "smallint":
		return math.MaxInt16
	case "integer":
		return math.MaxInt32
	}
	return math.MaxInt64
}

// value records the position to set after the data.
func (p *planner) value(s *catalog.Sequence, target catalog.Name) {
	v := SequenceValue{
		Source: p.names.sourceName(s.Name), Target: target, LastValue: s.LastValue, IsCalled: s.IsCalled,
		Increment: s.Increment, Min: s.Min, Max: s.Max, Cycle: s.Cycle, Feeds: p.feeds()[s.Name],
	}
	if s.Owner != nil {
		if t := p.tableOf(s.Owner.Table); t != nil && t.carried {
			owner := *s.Owner
			v.Owner = &owner
		}
	}
	p.values = append(p.values, v)
}

// ownership lets each sequence belong to its column again.
func (p *planner) ownership() {
	for i := range p.db.Sequences {
		s := &p.db.Sequences[i]
		if _, carried := p.seqName[s.Name]; !carried || s.Owner == nil || s.Identity && p.seqHome[s.Name] == s.Owner.Table {
			continue
		}
		t := p.tableOf(s.Owner.Table)
		if t == nil || !t.carried || t.column(s.Owner.Column) == nil {
			p.find(sequenceOwner, sequenceObject(s.Name), "its owner %s.%s is not carried by itself", s.Owner.Table, s.Owner.Column)
			continue
		}
		table := t.t.Name
		p.add(Statement{
			ID: "ownership/" + s.Name.String(), Phase: PhaseSequenceValues, Object: sequenceObject(s.Name), Table: &table,
			SQL:  fmt.Sprintf("ALTER SEQUENCE %s OWNED BY %s.%s", quoted(s.Name), quoted(table), ident(s.Owner.Column)),
			Undo: fmt.Sprintf("ALTER SEQUENCE %s OWNED BY NONE", quoted(s.Name)),
		})
	}
}
