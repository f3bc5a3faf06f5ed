package verify

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/event"
)

// However many tables are read in a snapshot, a session holds the locks of few.
func TestReadingManyTablesHoldsFewLocks(t *testing.T) {
	t.Parallel()
	sql := ""
	for i := range 3*maxReads + 5 {
		sql += fmt.Sprintf("CREATE TABLE t%03d (a int PRIMARY KEY); INSERT INTO t%03d VALUES (%d);", i, i, i)
	}
	b := setup(t, sql)
	p := b.alone(t)
	p.Jobs = 1
	locks := &lockCounter{count: func() int {
		n, err := strconv.Atoi(b.source.QueryString(t, "SELECT count(*) FROM pg_locks WHERE database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND relation >= 16384"))
		require.NoError(t, err)
		return n
	}}
	p.Bus = event.NewBus(locks)
	report, err := Run(t.Context(), p)
	require.NoError(t, err)
	require.True(t, report.Good())
	require.Greater(t, locks.most, maxReads)
	require.LessOrEqual(t, locks.most, 2*maxReads) // a table and its index
}

// lockCounter counts the locks after each table.
type lockCounter struct {
	count func() int
	most  int
}

func (l *lockCounter) On(e event.Event) {
	if _, ok := e.(event.TableVerified); ok {
		l.most = max(l.most, l.count())
	}
}
