package copier

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/dial"
)

// Somebody wants to alter a table after the run has locked it, and before a
// worker reads it: he waits for the run's lock, and the worker behind him. The
// table is given up by name, the others are copied, and nothing hangs (C23).
func TestC23CopyIsNotCaughtInAQueueForALock(t *testing.T) {
	t.Parallel()
	p, params := impatientPair(t)
	altered := make(chan error, 1)
	params.faults = &faults{beforeParts: func() { p.queueForWanted(t, altered) }}
	res, err := Copy(soon(t), params)
	var partial *PartialError
	require.ErrorAs(t, err, &partial)
	require.Equal(t, "55P03", dial.SQLState(res.Tables[0].Err))
	require.ErrorContains(t, res.Tables[0].Err, "public.wanted")
	require.NoError(t, res.Tables[1].Err)
	p.same(t, "other")
	params.Snapshot.Close(t.Context())
	require.NoError(t, <-altered, "the lock was given back")
}

// He may come sooner, when nobody knows yet how large the table is: asking for
// its size takes a lock too (C23).
func TestPlanIsNotCaughtInAQueueForALock(t *testing.T) {
	t.Parallel()
	p, params := impatientPair(t)
	altered := make(chan error, 1)
	p.queueForWanted(t, altered)
	_, err := Copy(soon(t), params)
	require.Equal(t, "55P03", dial.SQLState(err), "%v", err)
	params.Snapshot.Close(t.Context())
	require.NoError(t, <-altered, "the lock was given back")
}

// impatientPair has two tables, in a snapshot that does not wait long for locks.
func impatientPair(t *testing.T) (*pair, Params) {
	t.Helper()
	p := newPair(t)
	p.both(t, "CREATE TABLE public.wanted (n integer, v text); CREATE TABLE public.other (n integer)")
	p.source.Exec(t, "INSERT INTO public.wanted VALUES (1, 'x'); INSERT INTO public.other VALUES (1)")
	params := p.params(t, transfer("wanted", "n", "v"), transfer("other", "n"))
	params.Snapshot.Close(t.Context())
	s, err := OpenSnapshot(t.Context(), SnapshotParams{
		Source: params.Source, Settings: ReaderSettings(p.profile), Match: allTables, lockTimeout: 300 * time.Millisecond,
	})
	require.NoError(t, err)
	t.Cleanup(func() { s.Close(context.Background()) })
	params.Snapshot = s
	return p, params
}

// queueForWanted has somebody wait to alter a table; altered gets what came of it.
func (p *pair) queueForWanted(t *testing.T, altered chan<- error) {
	t.Helper()
	owner := p.source.Conn(t)
	go func() {
		_, err := owner.Exec(context.WithoutCancel(t.Context()), "ALTER TABLE public.wanted ADD c integer")
		altered <- err
	}()
	require.Eventually(t, func() bool {
		return p.source.QueryString(t, "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'public.wanted'::regclass") == "1"
	}, 20*time.Second, 10*time.Millisecond)
}
