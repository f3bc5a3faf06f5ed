package cli

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// onStandby is a database with big tables on a primary, and the same on a hot
// standby that gives reads no time: it cancels what is in the way of its replay.
func onStandby(t *testing.T) (primary, standby *pgtest.DB) {
	t.Helper()
	server := pgtest.New(t, pgtest.ClusterOptions{})
	primary = server.Database(t)
	primary.Exec(t, big)
	follower := pgtest.NewStandby(t, server, map[string]string{"max_standby_streaming_delay": "0"})
	standby = &pgtest.DB{Name: primary.Name, URL: follower.URL(primary.Name)}
	primary.Exec(t, "CREATE TABLE last (a int)")
	require.Eventually(t, func() bool {
		return standby.QueryString(t, "SELECT to_regclass('last') IS NOT NULL") == "t"
	}, 30*time.Second, 20*time.Millisecond, "it follows")
	return primary, standby
}

// atOnce does something on the primary when a connection to the standby has given
// some bytes: in the middle of a COPY.
func atOnce(t *testing.T, primary, standby *pgtest.DB, sql string) string {
	t.Helper()
	var once sync.Once
	var seen int64
	var mu sync.Mutex
	p := newProxy(t, standby, func(_ int64, toServer bool, data []byte) bool {
		if toServer {
			return true
		}
		mu.Lock()
		seen += int64(len(data))
		now := seen > 5<<20
		mu.Unlock()
		if now {
			once.Do(func() {
				conn, err := pgconn.Connect(context.Background(), primary.URL)
				if err == nil {
					_, err = conn.Exec(context.Background(), sql).ReadAll()
					_ = conn.Close(context.Background())
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
		return true
	})
	return p.url()
}

// C24: a source that is a standby cancels a read which is in the way of its
// replay (40001): it is read again, and the run ends verified. What would keep
// that from happening is advised.
func TestC24StandbyCancelsARead(t *testing.T) {
	t.Parallel()
	primary, standby := onStandby(t)
	target := pgtest.Server(t).Database(t)
	url := atOnce(t, primary, standby, "BEGIN; LOCK TABLE big IN ACCESS EXCLUSIVE MODE; COMMIT")
	path := filepath.Join(t.TempDir(), "r.json")
	r := run(t, "clone", "--source", url, "--target", target.URL, "--jobs", "1", "--retry-for", "60", "--report", path)
	require.Equal(t, OK, r.code, r.err)
	require.Contains(t, r.err, "again in", "it was cancelled, and tried again")
	require.Equal(t, standby.QueryString(t, "SELECT count(*), sum(hashtext(big::text)) FROM big"), target.QueryString(t, "SELECT count(*), sum(hashtext(big::text)) FROM big"))
	var advice string
	for _, f := range readReport(t, path).Findings {
		if f.Code == "source.standby" {
			advice = f.Message + " " + f.Remedy
		}
	}
	require.Contains(t, advice, "hot_standby_feedback is off, max_standby_streaming_delay 0s")
	require.Contains(t, advice, "Set hot_standby_feedback = on and max_standby_streaming_delay = -1")
}

// C24: what a standby takes back is the lock as well. A table that is emptied in
// that moment is not read as an empty one: it fails, and is named.
func TestC24StandbyReplaysATruncate(t *testing.T) {
	t.Parallel()
	primary, standby := onStandby(t)
	target := pgtest.Server(t).Database(t)
	url := atOnce(t, primary, standby, "TRUNCATE big")
	r := run(t, "clone", "--source", url, "--target", target.URL, "--jobs", "1", "--retry-for", "60")
	require.Equal(t, Partial, r.code)
	require.Contains(t, r.last(), "schema changed: table public.big")
}
