package metrics_test

import (
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/metrics"
)

func TestSync(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 6, 10, 12, 0, 0, 0, time.UTC)
	m := metrics.NewSync("1.2.3", func() time.Time { return now })
	m.Know([]metrics.SyncTable{{Table: "public.t", Success: now.Add(-time.Hour), Moment: now.Add(-61 * time.Minute)}, {Table: "public.new"}, {Table: "public.old", Moment: now}})
	require.Subset(t, scrape(t, m), []string{
		`pg2db9_build_info{version="1.2.3"} 1`,
		`pg2db9_sync_data_age_seconds{table="public.t"} 3660`,
		`pg2db9_sync_last_success_timestamp_seconds{table="public.t"} 1.7810892e+09`,
	})
	m.Ran(metrics.SyncRun{Table: "public.old", Verdict: "match", Good: true, Ended: now})
	m.Ran(metrics.SyncRun{
		Table: "public.t", Mode: "mirror", Verdict: "match", Good: true, Ended: now.Add(-time.Minute), Moment: now.Add(-90 * time.Second), Duration: 2500 * time.Millisecond,
		Read: 1000, Inserted: 3, Updated: 2, Deleted: 1, Bytes: 640, Differs: true,
	})
	m.Ran(metrics.SyncRun{Table: "public.t", Mode: "mirror", Verdict: "failed", Ended: now, Duration: time.Second})
	m.Units([]metrics.SyncUnit{{Name: "group shop", Running: true, Next: now.Add(time.Minute), Failing: 1}, {Name: "table public.t"}})
	m.Reloaded(false)
	all := scrape(t, m)
	require.Subset(t, all, []string{
		`pg2db9_sync_data_age_seconds{table="public.t"} 90`, // a run that failed makes nothing younger
		`pg2db9_sync_last_success_timestamp_seconds{table="public.t"} 1.78109274e+09`,
		`pg2db9_sync_good{table="public.t"} 0`,
		`pg2db9_sync_runs_total{table="public.t",verdict="match"} 1`,
		`pg2db9_sync_runs_total{table="public.t",verdict="failed"} 1`,
		`pg2db9_sync_rows_total{table="public.t",what="read"} 1000`,
		`pg2db9_sync_rows_total{table="public.t",what="inserted"} 3`,
		`pg2db9_sync_rows_total{table="public.t",what="updated"} 2`,
		`pg2db9_sync_rows_total{table="public.t",what="deleted"} 1`,
		`pg2db9_sync_sent_bytes_total{table="public.t"} 640`,
		`pg2db9_sync_duration_seconds_total{table="public.t"} 3.5`,
		`pg2db9_sync_last_duration_seconds{table="public.t"} 1`,
		`pg2db9_sync_differences{table="public.t"} 6`,
		`pg2db9_sync_unit_running{unit="group shop"} 1`,
		`pg2db9_sync_unit_next_timestamp_seconds{unit="group shop"} 1.78109286e+09`,
		`pg2db9_sync_unit_failing_tables{unit="group shop"} 1`,
		`pg2db9_sync_job_file_reloads_total{outcome="bad"} 1`,
	})
	require.NotContains(t, strings.Join(all, "\n"), `data_age_seconds{table="public.new"}`, "nothing is known of it")

	// What has left the job file is shown no longer, and what stays keeps its counts.
	m.Know([]metrics.SyncTable{{Table: "public.t"}})
	m.Units([]metrics.SyncUnit{{Name: "table public.t"}})
	text := strings.Join(scrape(t, m), "\n")
	require.NotContains(t, text, "public.old")
	require.NotContains(t, text, "group shop")
	require.Contains(t, text, `pg2db9_sync_data_age_seconds{table="public.t"} 90`)
	require.Contains(t, text, `pg2db9_sync_runs_total{table="public.t",verdict="match"} 1`)
}

// scrape asks as Prometheus does, and holds the names against its rules.
func scrape(t *testing.T, m *metrics.Sync) []string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	require.Equal(t, 200, w.Code)
	body, err := io.ReadAll(w.Body)
	require.NoError(t, err)
	problems, err := promlint.New(strings.NewReader(string(body))).Lint()
	require.NoError(t, err)
	for _, p := range problems {
		require.False(t, strings.HasPrefix(p.Metric, "pg2db9"), "%s: %s", p.Metric, p.Text)
	}
	return strings.Split(string(body), "\n")
}
