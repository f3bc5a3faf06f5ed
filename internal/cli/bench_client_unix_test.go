//go:build unix

package cli

import (
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	benchresult "github.com/pg2db9/pg2db9/internal/bench/result"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// A client that is given a tenth of a processor is named as what limits, though
// its jobs seem to wait for the target all the time. (Stopping and continuing a
// process in turn is what a quota does to it.)
func TestBenchNamesASlowClient(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	file := filepath.Join(t.TempDir(), "r.json")
	x := start(t, "bench", "--target", withPassword(db.URL), "--shape", tinyShape(t), "--batch-bytes", "100kB", "--jobs", "1", "--duration", "2s", "--repeat", "1", "--result", file)
	eventually(t, "rows are loaded", func() bool {
		return db.QueryString(t, "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'BEGIN%COPY%pg2db9_bench%'") == "t"
	})
	quota := time.NewTicker(100 * time.Millisecond)
	defer quota.Stop()
	slice := time.NewTimer(0)
	defer slice.Stop()
	measuring := time.After(2500 * time.Millisecond)
	for limited := true; limited; {
		select {
		case <-quota.C:
			_ = x.cmd.Process.Signal(syscall.SIGCONT)
			slice.Reset(10 * time.Millisecond)
		case <-slice.C:
			_ = x.cmd.Process.Signal(syscall.SIGSTOP)
		case <-measuring:
			limited = false
		}
	}
	_ = x.cmd.Process.Signal(syscall.SIGCONT)
	require.NoError(t, x.wait(t), x.err.String())
	res, err := benchresult.Read(file)
	require.NoError(t, err)
	require.Equal(t, benchresult.LimitClient, res.Best.Limit, "%+v\n%s", res.Cells[0].Runs[0].Waits, x.err.String())
	require.Contains(t, x.err.String(), "this machine limits")
	require.Equal(t, "0", db.QueryString(t, leftOfBench))
}
