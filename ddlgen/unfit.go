package ddlgen

import (
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
func (p *planner) unfitValues(t *tablePlan, c *catalog.Column, typ typing) typing {
	for _, u := range p.opts.Unfit {
		if u.Column != (catalog.ColumnRef{Table: p.names.sourceName(t.t.Name), Column: p.names.sourceColumn(t.t.Name, c.Name)}) {
			continue
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
	return typ
}
