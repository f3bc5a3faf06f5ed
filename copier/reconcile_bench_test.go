package copier

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/db9sim"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/event"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// differing is a table of rows of about 100 bytes on both sides, one in a
// thousand of which differs: changed, gone or new.
func differing(tb testing.TB, rows int, profile ddlgen.Profile) ReconcileParams {
	tb.Helper()
	c := pgtest.Server(tb)
	source, target := c.Database(tb), c.Database(tb)
	for _, db := range []*pgtest.DB{source, target} {
		db.Exec(tb, fmt.Sprintf(`CREATE TABLE public.t (id bigint NOT NULL, a integer, v text);
			INSERT INTO public.t SELECT n, n %% 1000, repeat(md5(n::text), 3) FROM generate_series(1, %d) n`, rows))
	}
	source.Exec(tb, "ALTER TABLE public.t ADD PRIMARY KEY (id); ANALYZE public.t")
	if profile.InlinePrimaryKey {
		target.Exec(tb, "ALTER TABLE public.t ADD PRIMARY KEY (id)")
	}
	source.Exec(tb, fmt.Sprintf(`UPDATE public.t SET a = -1 WHERE id %% 1250 = 7; DELETE FROM public.t WHERE id %% 10000 = 5;
		INSERT INTO public.t SELECT %d + n, 0, repeat(md5(n::text), 3) FROM generate_series(1, %d) n`, rows, rows/10000))
	tr := transfer("t", "id", "a", "v")
	tr.Columns[0].TargetType, tr.Key, tr.KeyInline = "bigint", []string{"id"}, true
	parse := func(side dial.Side, url string) *dial.Endpoint {
		e, err := dial.Parse(side, url)
		require.NoError(tb, err)
		return e
	}
	p := ReconcileParams{
		Source: parse(dial.Source, source.URL), Target: parse(dial.Target, target.URL), Transfer: &tr, Profile: profile,
		Run: NewRunID(), Bus: event.NewBus(&recorder{}),
	}
	if profile.Map {
		sim, err := db9sim.Start(tb.Context(), db9sim.Config{Backend: target.URL})
		require.NoError(tb, err)
		tb.Cleanup(sim.Close)
		p.Target = parse(dial.Target, sim.URL())
	}
	var err error
	p.Snapshot, err = OpenSnapshot(tb.Context(), SnapshotParams{Source: p.Source, Settings: ReaderSettings(profile), Match: func(refs []catalog.TableRef) ([]catalog.Name, error) {
		return allTables(refs)
	}})
	require.NoError(tb, err)
	tb.Cleanup(func() { p.Snapshot.Close(tb.Context()) })
	l := newLedger(p.Target, ControlSettings(profile), p.Run)
	defer l.close(tb.Context())
	require.NoError(tb, l.prepare(tb.Context()))
	require.NoError(tb, l.begin(tb.Context(), runInfo{}, nil, nil, ""))
	return p
}

// What is sent to mend a table is little beside the table.
func TestReconcileSendsLittle(t *testing.T) {
	t.Parallel()
	for _, profile := range []ddlgen.Profile{ddlgen.Postgres(), ddlgen.DB9()} {
		t.Run(profile.Name, func(t *testing.T) {
			t.Parallel()
			p := differing(t, 50_000, profile)
			p.Part = 1
			got, err := Reconcile(soon(t), p)
			require.NoError(t, err)
			require.Equal(t, []int64{5, 40, 5}, []int64{got.Inserted, got.Updated, got.Deleted})
			require.Less(t, float64(got.Sent), 0.01*float64(got.Bytes))
		})
	}
}

// BenchmarkReconcile mends 1,000 of 1,000,000 rows, and reports what was sent
// as a share of the table, and the table's MB a second.
func BenchmarkReconcile(b *testing.B) {
	for _, profile := range []ddlgen.Profile{ddlgen.Postgres(), ddlgen.DB9()} {
		b.Run(profile.Name, func(b *testing.B) {
			var sent, bytes int64
			var took time.Duration
			for range b.N {
				p := differing(b, 1_000_000, profile)
				p.Part = 1
				started := time.Now()
				got, err := Reconcile(b.Context(), p)
				require.NoError(b, err)
				require.EqualValues(b, 1000, got.Inserted+got.Updated+got.Deleted)
				took += time.Since(started)
				sent, bytes = sent+got.Sent, bytes+got.Bytes
			}
			b.ReportMetric(100*float64(sent)/float64(bytes), "%sent")
			b.ReportMetric(float64(bytes)/1e6/took.Seconds(), "MB/s")
			b.ReportMetric(took.Seconds()/float64(b.N), "s/table")
		})
	}
}
