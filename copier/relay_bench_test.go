package copier

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/bench/shape"
	"github.com/pg2db9/pg2db9/internal/event"
)

// shapeRows gives the rows of a shape as one part.
type shapeRows struct {
	rows *shape.Maker
	n    int64
}

func (s shapeRows) Parts() []Part {
	name := catalog.Name{Schema: "public", Name: "t"}
	return []Part{{ID: 1, Target: name, Relation: name, Bytes: int64(float64(s.n) * s.rows.RowBytes())}}
}

func (s shapeRows) Open(Part) MadeRows { return s.rows.Rows(0, s.n) }

// BenchmarkRelay passes made rows through relay, digest and batches, to nothing: no
// server has a part in it. It reports MB/s and the client's CPU seconds a GB, the
// making of rows (under 0.2) included.
func BenchmarkRelay(b *testing.B) {
	for _, name := range []string{"narrow", "text", "toast", "mixed"} {
		for _, profile := range []ddlgen.Profile{ddlgen.Postgres(), ddlgen.DB9()} {
			b.Run(name+"/"+profile.Name, func(b *testing.B) {
				s, _ := shape.Named(name)
				rows := shape.New(s, shape.OrderKey, 1)
				made := shapeRows{rows, int64(64e6 / rows.RowBytes())}
				var bytes int64
				cpu := cpuSeconds()
				for b.Loop() {
					res, err := Discard(b.Context(), Params{
						Made: made, Plan: &ddlgen.Plan{Transfers: []ddlgen.Transfer{transfer("t", s.ColumnNames()...)}}, Profile: profile, Run: NewRunID(), Jobs: 1, Progress: &event.Progress{},
					})
					require.NoError(b, err)
					bytes += res.Tables[0].Bytes
				}
				b.SetBytes(bytes / int64(b.N))
				b.ReportMetric((cpuSeconds()-cpu)/(float64(bytes)/1e9), "cpu-s/GB")
			})
		}
	}
}
