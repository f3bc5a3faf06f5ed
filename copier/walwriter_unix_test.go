//go:build unix

package copier

import (
	"strconv"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// holdWALWriter keeps the server's WAL writer from writing: on an idle machine it
// keeps up with commits that nobody waits for, whatever wal_writer_delay says, and
// a restart would lose none. It goes with the server.
func holdWALWriter(t *testing.T, db *pgtest.DB) {
	t.Helper()
	pid, err := strconv.Atoi(db.QueryString(t, "SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'"))
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(pid, syscall.SIGSTOP))
}
