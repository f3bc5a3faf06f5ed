package copier

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/dial"
)

// upserting is a pair whose table is held by a run.
func upserting(t *testing.T, rows int) (*pair, UpsertParams) {
	t.Helper()
	p := newPair(t)
	p.both(t, "CREATE TABLE t (id int PRIMARY KEY, v text)")
	p.source.Exec(t, fmt.Sprintf("INSERT INTO t SELECT i, 'v' || i FROM generate_series(1, %d) i", rows))
	tr := transfer("t", "id", "v")
	tr.Key = []string{"id"}
	tr.Columns[0].TargetType, tr.Columns[1].TargetType = "integer", "text"
	p.profile.BatchRows = 100
	u := UpsertParams{
		Source: parse(t, dial.Source, p.source.URL), Target: parse(t, dial.Target, p.target.URL), Snapshot: p.open(t), Profile: p.profile,
		Run: NewRunID(), Part: 7, Transfer: &tr, Key: tr.Key, Update: true, Order: []string{"id"}, Finish: []string{"UPDATE public.mark SET n = n + 1"},
	}
	lease, err := BeginRun(t.Context(), RunParams{Target: u.Target, Settings: ControlSettings(p.profile), Run: Run{ID: u.Run, Command: "sync", Options: "{}"}})
	require.NoError(t, err)
	t.Cleanup(func() { _ = lease.End(context.Background(), StateDone) })
	p.target.Exec(t, "CREATE TABLE mark (n int); INSERT INTO mark VALUES (0)")
	conn := p.target.Conn(t)
	require.NoError(t, ClaimTable(t.Context(), conn, u.Run, u.Part, tr.Target))
	require.Error(t, ClaimTable(t.Context(), conn, u.Run, u.Part, tr.Target), "a part is claimed once")
	return p, u
}

// Connections that break before and at a COMMIT: each batch is there once, the last
// statement was executed once, and the numbers are those of rows that were written.
func TestUpsertThroughLostConnections(t *testing.T) {
	t.Parallel()
	p, u := upserting(t, 950)
	p.target.Exec(t, "INSERT INTO t SELECT i, 'old' FROM generate_series(1, 50) i; INSERT INTO t VALUES (60, 'v60')")
	lost := map[int]int{0: 1, 4: 2, 9: 1} // by batch, so often
	u.faults = &upsertFaults{beforeCommit: func(batch int) error {
		if lost[batch]--; lost[batch] >= 0 {
			return dial.ErrLost
		}
		return nil
	}}
	done, err := Upsert(t.Context(), u)
	require.NoError(t, err)
	require.Equal(t, Upserted{Read: 950, Inserted: 899, Updated: 50, Bytes: done.Bytes, Batches: 10}, *done)
	p.same(t, "t")
	require.Equal(t, "1 5", p.target.QueryString(t, fmt.Sprintf("SELECT n || ' ' || (SELECT epoch FROM _pg2db9.part WHERE run = '%s') FROM mark", u.Run)))
}

// A run whose table another has taken writes no more, and the last statement of what
// it was about is not executed.
func TestUpsertAfterATakeover(t *testing.T) {
	t.Parallel()
	p, u := upserting(t, 500)
	p.target.Exec(t, "UPDATE _pg2db9.part SET epoch = epoch + 10")
	_, err := Upsert(t.Context(), u)
	require.ErrorContains(t, err, "another run has taken table public.t over")
	require.Equal(t, "0 0", p.target.QueryString(t, "SELECT (SELECT count(*) FROM t) || ' ' || n FROM mark"))
}
