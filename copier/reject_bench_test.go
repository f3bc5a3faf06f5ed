package copier

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/event"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// BenchmarkReject copies 2,000,000 rows, 137 of which at random places the target
// refuses, by two jobs, turn by turn with a clean copy of the same rows, and gives
// the medians of both and their ratio. Run it with -benchtime 5x.
func BenchmarkReject(b *testing.B) {
	const rows, refused = 2_000_000, 137
	c := pgtest.Server(b)
	source, target := c.Database(b), c.Database(b)
	// Each row is refused by the constraint of the second table alone; the places are
	// those of the smallest hashes.
	source.Exec(b, fmt.Sprintf(`CREATE TABLE public.t (n bigint, at timestamp, v text);
		INSERT INTO public.t SELECT n, timestamp '2020-01-01' + n * interval '1 second', CASE WHEN p.place IS NULL THEN md5(n::text) || md5((-n)::text) ELSE 'refused' END
		FROM generate_series(1, %[1]d) n LEFT JOIN (SELECT place FROM generate_series(1, %[1]d) place ORDER BY md5('place ' || place) LIMIT %[2]d) p ON p.place = n
		ORDER BY n`, rows, refused))
	source.Exec(b, "VACUUM ANALYZE public.t")
	target.Exec(b, "CREATE TABLE public.clean (n bigint, at timestamp, v text CHECK (v <> 'none')); CREATE TABLE public.choosy (n bigint, at timestamp, v text CHECK (v <> 'refused'))")
	src, err := dial.Parse(dial.Source, source.URL)
	require.NoError(b, err)
	dst, err := dial.Parse(dial.Target, target.URL)
	require.NoError(b, err)
	profile := ddlgen.Postgres()
	snap, err := OpenSnapshot(b.Context(), SnapshotParams{Source: src, Settings: ReaderSettings(profile), Match: allTables})
	require.NoError(b, err)
	defer snap.Close(context.Background())
	run := func(table string, mode RowErrors) float64 {
		tr := transfer("t", "n", "at", "v")
		tr.Target = catalog.Name{Schema: "public", Name: table}
		target.Exec(b, "TRUNCATE public.clean, public.choosy")
		target.Exec(b, "CHECKPOINT")
		started := time.Now()
		res, err := Copy(b.Context(), Params{
			Source: src, Target: dst, Snapshot: snap, Plan: &ddlgen.Plan{Transfers: []ddlgen.Transfer{tr}}, Profile: profile,
			Run: NewRunID(), Jobs: 2, OnRowError: mode, MaxRejects: DefaultMaxRejects, Progress: &event.Progress{},
		})
		wall := time.Since(started).Seconds()
		require.NoError(b, err)
		want := int64(0)
		if table == "choosy" {
			want = refused
		}
		require.Equal(b, []int64{want, rows - want}, []int64{res.Tables[0].Rejected, res.Tables[0].Ledger})
		return wall
	}
	run("clean", RowTable) // the source's pages are in memory afterwards
	var clean, careless, choosy []float64
	for b.Loop() {
		clean = append(clean, run("clean", RowTable))
		careless = append(careless, run("clean", RowReject))
		choosy = append(choosy, run("choosy", RowReject))
	}
	median := func(x []float64) float64 {
		slices.Sort(x)
		return x[len(x)/2]
	}
	b.ReportMetric(median(clean), "clean-s")
	b.ReportMetric(median(careless), "nothing-refused-s")
	b.ReportMetric(median(choosy), "137-refused-s")
	b.ReportMetric(median(choosy)/median(clean), "ratio")
	b.ReportMetric(0, "ns/op")
}
