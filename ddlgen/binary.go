package ddlgen

import (
	"slices"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
)

// binaryTypes are types whose binary form is the same in every database of one
// major, and is checked when it is received. Those that hold object identifiers are
// not among them (regclass, and arrays and composites of types of the user's: of
// another number on the target), nor xml, which says its own encoding.
var binaryTypes = []string{
	"bool", "int2", "int4", "int8", "float4", "float8", "numeric", "money",
	"text", "varchar", "bpchar", "char", "name", "bytea", "uuid", "json", "jsonb", "bit", "varbit",
	"date", "time", "timetz", "timestamp", "timestamptz", "interval",
	"inet", "cidr", "macaddr", "macaddr8", "point", "line", "lseg", "box", "path", "polygon", "circle",
	"tsvector", "tsquery", "int4range", "int8range", "numrange", "daterange", "tsrange", "tstzrange",
}

// binary chooses the transfers whose rows travel in COPY's binary format: both
// servers are of one major, and each column is on both sides of the same type, one
// whose binary form means the same there.
func (p *planner) binary() {
	source := p.source.ServerVersion / 10000
	if !p.opts.Binary || p.profile.Map || p.opts.TargetVersion/10000 != source || p.source.Encoding == "SQL_ASCII" {
		return
	}
	for i := range p.transfers {
		t := &p.transfers[i]
		t.Binary = t.NoData == "" && !slices.ContainsFunc(t.Columns, func(c ColumnTransfer) bool { return !p.sameInBinary(c) })
	}
}

func (p *planner) sameInBinary(c ColumnTransfer) bool {
	return c.SourceType != nil && c.TargetType == c.SourceType.Text && c.Select == quote.Ident(c.Source) &&
		c.Loss == "" && len(c.Affected) == 0 && p.fixedInBinary(*c.SourceType)
}

func (p *planner) fixedInBinary(t catalog.Type) bool {
	if t.Name.Schema == "pg_catalog" {
		return slices.Contains(binaryTypes, t.Name.Name)
	}
	if t.Array {
		return false
	}
	if slices.ContainsFunc(p.source.Enums, func(e catalog.Enum) bool { return e.Name == t.Name }) {
		return true // a label's text
	}
	i := slices.IndexFunc(p.source.Domains, func(d catalog.Domain) bool { return d.Name == t.Name })
	return i >= 0 && p.fixedInBinary(p.source.Domains[i].Base)
}
