package ddlgen

import (
	"slices"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
)

// Unfit is a column whose values the target would refuse or change, as the
// source's rows say.
type Unfit struct {
	Column catalog.ColumnRef
	Why    string // how many rows, and what of them
	// Document says that the column can arrive as json; otherwise text is what is
	// left.
	Document bool
}

const valueRefused finding.Code = "value.refused"

// unfitValues says what becomes of a column with values that the target would refuse
// or change: it blocks, and accepted its type becomes one that keeps them.
func (p *planner) unfitValues(table catalog.Name, c *catalog.Column, typ typing) typing {
	u := p.unfitColumn(table, c)
	if u == nil {
		return typ
	}
	out := refusedType(c.Type, u.Why)
	out.domains = typ.domains
	if u.Document {
		out.target, out.document = "json", true
		out.sel = func(q string) string { return "to_json(" + q + ")" }
	}
	out.code, out.message = valueRefused, c.Type.Text+": "+u.Why
	if u.Document {
		out.message += " (accepted it becomes json)"
	}
	return out
}

// unfitColumn is what the source's rows say of a column; nil is nothing.
func (p *planner) unfitColumn(table catalog.Name, c *catalog.Column) *Unfit {
	if len(p.opts.Unfit) == 0 {
		return nil
	}
	at := catalog.ColumnRef{Table: p.names.sourceName(table), Column: p.names.sourceColumn(table, c.Name)}
	i := slices.IndexFunc(p.opts.Unfit, func(u Unfit) bool { return u.Column == at })
	if i < 0 {
		return nil
	}
	return &p.opts.Unfit[i]
}
