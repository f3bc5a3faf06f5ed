package copier

import (
	"context"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/event"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// shapes are tables of different rows, by the SELECT that makes them.
var shapes = []struct{ name, columns, rows string }{
	{"narrow", "a bigint, b integer, c timestamp", "SELECT n, n %% 1000, timestamp '2020-01-01' + n * interval '1 second' FROM generate_series(1, %d) n"},
	{"accounts", "aid integer, bid integer, abalance integer, filler char(84)", "SELECT n, n %% 10, 0, '' FROM generate_series(1, %d) n"},
	{"text", "id bigint, t text, j jsonb", "SELECT n, repeat(md5(n::text), 12), jsonb_build_object('k', n, 'v', md5(n::text)) FROM generate_series(1, %d / 8) n"},
	{"float4 as float8", "a bigint, f double precision", "SELECT n, n / 7.0 FROM generate_series(1, %d) n"},
}

func cpuSeconds() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return float64(u.Utime.Sec+u.Stime.Sec) + float64(u.Utime.Usec+u.Stime.Usec)/1e6
}

// BenchmarkCopy copies a table over one stream, ledger and digest included, and
// reports MB/s of COPY TEXT and the client's own CPU seconds a GB.
func BenchmarkCopy(b *testing.B) {
	const rows = 500_000
	c := pgtest.Server(b)
	for _, shape := range shapes {
		b.Run(shape.name, func(b *testing.B) {
			source, target := c.Database(b), c.Database(b)
			for _, db := range []*pgtest.DB{source, target} {
				db.Exec(b, "CREATE TABLE public.t ("+shape.columns+")")
			}
			source.Exec(b, fmt.Sprintf("INSERT INTO public.t "+shape.rows, rows))
			conn := source.Conn(b)
			rowsOf, err := conn.Query(b.Context(), "SELECT * FROM public.t LIMIT 0")
			require.NoError(b, err)
			var columns []string
			for _, f := range rowsOf.FieldDescriptions() {
				columns = append(columns, f.Name)
			}
			rowsOf.Close()
			tr := transfer("t", columns...)
			if shape.name == "float4 as float8" {
				tr.Columns[1].Canon = "float4"
			}
			src, err := dial.Parse(dial.Source, source.URL)
			require.NoError(b, err)
			dst, err := dial.Parse(dial.Target, target.URL)
			require.NoError(b, err)
			profile := ddlgen.Postgres()
			snap, err := OpenSnapshot(b.Context(), SnapshotParams{Source: src, Settings: ReaderSettings(profile), Match: allTables})
			require.NoError(b, err)
			defer snap.Close(context.Background())
			var bytes int64
			cpu, started := cpuSeconds(), time.Now()
			for b.Loop() {
				res, err := Copy(b.Context(), Params{
					Source: src, Target: dst, Snapshot: snap, Plan: &ddlgen.Plan{Transfers: []ddlgen.Transfer{tr}},
					Profile: profile, Run: NewRunID(), Jobs: 1, Truncate: []catalog.Name{tr.Target}, Progress: &event.Progress{},
				})
				require.NoError(b, err)
				bytes += res.Tables[0].Bytes
			}
			b.ReportMetric(float64(bytes)/1e6/time.Since(started).Seconds(), "MB/s")
			b.ReportMetric((cpuSeconds()-cpu)/(float64(bytes)/1e9), "cpu-s/GB")
			b.ReportMetric(0, "ns/op")
		})
	}
}
