package ddlgen

import (
	"fmt"
	"slices"

	"github.com/pg2db9/pg2db9/catalog"
)

// ReadRate is what one connection to DB9 is taken to carry where nothing was
// measured, in bytes a second: the low end of what its pages tell of loading in
// batches (db9.md section 4).
const ReadRate = 200_000

// ReadWhole says whether a table of so many bytes of text can be read back in
// one statement: in half of the time that a statement has.
func (p Profile) ReadWhole(bytes int64) bool {
	return !p.ReadByKey || p.StatementLimit == 0 || bytes <= ReadRate*p.StatementLimit/2/1000
}

// Unproven says whether the plan has told that the rows of a target table
// cannot be compared, and the user has taken it: such a plan is carried out
// with the finding accepted, or not at all.
func (p *Plan) Unproven(table catalog.Name) bool {
	i := slices.IndexFunc(p.Transfers, func(t Transfer) bool { return t.Target == table })
	if i < 0 {
		return false
	}
	// The finding has the source's name: that of the root, where it is made flat.
	names := append([]catalog.Name{p.Transfers[i].Source}, p.Transfers[i].Relations...)
	for i := range p.Findings {
		f := &p.Findings[i]
		if f.Code == tableUnproven && slices.ContainsFunc(names, func(n catalog.Name) bool { return f.Object == tableObject(n) }) {
			return true
		}
	}
	return false
}

// provable finds a table whose rows could be copied, and not be read back: in
// pages for want of a key, in one statement for want of time. Its size is that
// of heap and TOAST, which text exceeds as a rule.
func (p *planner) provable(t *tablePlan, key []string) {
	if key != nil {
		return
	}
	relations := t.leaves
	if relations == nil {
		relations = []*catalog.Table{t.t}
	}
	var bytes int64
	for _, r := range relations {
		bytes += r.HeapBytes + r.ToastBytes
	}
	if p.profile.ReadWhole(bytes) {
		return
	}
	p.find(tableUnproven, tableObject(t.t.Name),
		"without a key its %s must be read back in one statement, which at %d kB/s does not fit half of the statement timeout of %s that the target keeps: "+
			"its rows cannot be proved on this target", megabytes(bytes), ReadRate/1000, seconds(p.profile.StatementLimit))
}

func megabytes(bytes int64) string { return fmt.Sprintf("%.1f MB", float64(bytes)/1e6) }

func seconds(ms int64) string { return fmt.Sprintf("%g s", float64(ms)/1000) }
