package ddlgen

import "github.com/pg2db9/pg2db9/catalog"

// buildRate is the rate at which a target with a statement timeout is taken to
// build an index, in bytes of rows a second. Nothing published says it; DB9's
// COPY takes 0.15 to 0.7 MB/s a stream, and a build writes less than that.
const buildRate = 1_000_000

// early moves a key or an index before the rows, where building it afterwards
// could last longer than half of the statement timeout that the target keeps:
// a build that is cut off may be half there, while each batch of rows stays
// far below the timeout with the index in place.
func (p *planner) early(t *tablePlan, s Statement) Statement {
	limit := p.profile.StatementLimit
	if limit == 0 || t.bytes() <= limit*buildRate/1000/2 {
		return s
	}
	s.Phase = PhaseTables
	s.After = append(s.After, tableID(t.t.Name))
	p.find(indexEarly, s.Object, "it is made before the rows: the target ends every statement after %d s", limit/1000)
	return s
}

// bytes is the size of the rows that the table gets, on the source.
func (t *tablePlan) bytes() int64 {
	from := t.leaves
	if from == nil {
		from = []*catalog.Table{t.t}
	}
	var n int64
	for _, r := range from {
		n += r.HeapBytes + r.ToastBytes
	}
	return n
}
