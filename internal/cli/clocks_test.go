package cli

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// skew sets a database's clock by some hours: its sessions' functions for the
// time tell another one, to whoever asks by name.
func skew(t *testing.T, db *pgtest.DB, hours int) {
	t.Helper()
	var b strings.Builder
	for _, f := range []string{"now", "transaction_timestamp", "statement_timestamp", "clock_timestamp"} {
		fmt.Fprintf(&b, `ALTER FUNCTION pg_catalog.%[1]s() RENAME TO true_%[1]s;
			CREATE FUNCTION pg_catalog.%[1]s() RETURNS timestamptz LANGUAGE sql STABLE AS 'SELECT pg_catalog.true_%[1]s() + interval ''%[2]d hours''';`, f, hours)
	}
	db.Exec(t, b.String())
	at, err := time.Parse(time.RFC3339, db.QueryString(t, `SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')`))
	require.NoError(t, err)
	require.WithinDuration(t, time.Now().Add(time.Duration(hours)*time.Hour), at, time.Minute)
}

// U11: the source's clock is hours ahead and the target's hours behind this
// machine's: a run is cloned, refused while somebody works on it, shown by status,
// and taken up after a kill, with nothing told of it.
func TestU11SkewedClocks(t *testing.T) {
	t.Parallel()
	b := setup(t, toResume)
	skew(t, b.source, 3)
	skew(t, b.target, -5)
	proxy := pgtest.NewProxy(t, b.target.Cluster())
	hit := proxy.Add(pgtest.Rule{Action: pgtest.Stall, Dir: pgtest.ToServer, After: 4 << 20})
	p := start(t, "clone", "--source", b.source.URL, "--target", proxy.URL(b.target.Name), "--jobs", "2")
	select {
	case <-hit.Fired():
	case err := <-p.done:
		t.Fatalf("it ended: %v\n%s", err, p.err)
	}
	run1 := newestOf(t, statusOf(t, b.urls()...))
	require.Equal(t, true, run1["owner"].(map[string]any)["alive"])
	for _, age := range []string{"snapshot_seconds", "bytes_per_second"} {
		require.GreaterOrEqual(t, run1[age], 0.0, age)
	}
	r := b.run(t, "clone", "--resume")
	require.Equal(t, Failed, r.code, r.out)
	require.Contains(t, r.last(), "is being worked on by ")
	p.kill(t)
	hit.Release()
	r = b.ok(t, "clone", "--resume")
	require.NotRegexp(t, `(?i)\bclocks?\b|\bskew\b`, p.err.String()+r.err+r.out)
	b.sameRows(t)
	require.Equal(t, "t", b.target.QueryString(t, "SELECT bool_and(committed < true_now() - interval '4 hours') FROM _pg2db9.span"), "the ledger goes by the target's clock")
}
