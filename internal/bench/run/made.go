package run

import (
	"time"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/copier"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/bench/shape"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
)

// madeTable is the table that made rows go to.
var madeTable = catalog.Name{Schema: Schema, Name: "rows"}

const (
	leastPart  = 256 << 10
	mostPart   = 64 << 20
	timedPart  = 1 << 20 // the first parts of a run that ends by time
	fastest    = 1 << 30 // bytes a second that nobody passes
	partsOfJob = 4
)

// maker gives the rows of one shape, in parts.
type maker struct {
	rows  *shape.Maker
	parts []copier.Part
}

// newMaker plans rows of the size in bytes, or as many as cannot be sent in the
// time. A run that ends by time can do so only with its parts, where a part is a
// batch: those begin small and become larger, so that one that is under way at the
// end has not much longer to go than the run has lasted.
func newMaker(rows *shape.Maker, size int64, within time.Duration, jobs int) *maker {
	m := &maker{rows: rows}
	part := min(max(size/int64(jobs*partsOfJob), leastPart), mostPart)
	timed := size == 0
	if timed {
		size, part = int64(within.Seconds()*fastest), timedPart
	}
	for left, first := max(1, int64(float64(size)/rows.RowBytes())), int64(0); left > 0; {
		n := min(max(1, int64(float64(part)/rows.RowBytes())), left)
		m.parts = append(m.parts, copier.Part{
			ID: int64(len(m.parts) + 1), Target: madeTable, Relation: madeTable, Blocks: true, First: first, End: first + n, Bytes: int64(float64(n) * rows.RowBytes()),
		})
		first, left = first+n, left-n
		if timed && len(m.parts)%(2*jobs) == 0 {
			part = min(2*part, mostPart)
		}
	}
	return m
}

// Parts implements copier.Maker.
func (m *maker) Parts() []copier.Part { return m.parts }

// Open implements copier.Maker.
func (m *maker) Open(p copier.Part) copier.MadeRows { return m.rows.Rows(p.First, p.End-p.First) }

// planOf is the plan of one table of made rows.
func planOf(s shape.Shape) *ddlgen.Plan {
	t := ddlgen.Transfer{Target: madeTable, Source: madeTable, Relations: []catalog.Name{madeTable}, Key: []string{shape.KeyColumn}}
	for _, c := range s.ColumnNames() {
		q := quote.Ident(c)
		t.Columns = append(t.Columns, ddlgen.ColumnTransfer{Source: c, Target: c, Select: q, ReadBack: q})
	}
	return &ddlgen.Plan{SourceHash: "made rows of shape " + s.Name, Transfers: []ddlgen.Transfer{t}}
}
