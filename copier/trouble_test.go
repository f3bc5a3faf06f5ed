package copier

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// slowly makes row n of a transfer of column n take a second on the source.
func slowly(n int) ddlgen.Transfer {
	t := transfer("t", "n")
	t.Columns[0].Select = fmt.Sprintf("CASE WHEN n = %d THEN n + (SELECT 0 FROM pg_catalog.pg_sleep(1)) ELSE n END", n)
	return t
}

// whenWriting calls f once, when a writing session of the database waits for rows.
func whenWriting(t *testing.T, db *pgtest.DB, f func()) (done func()) {
	t.Helper()
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		if assertEventually(func() bool {
			return db.QueryString(t, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'ClientRead' AND query LIKE '%FROM STDIN'") != "0"
		}) {
			f()
		}
	}()
	return func() { <-finished }
}

// The target's session ends while the copier waits for the source: the part is
// tried again, and the server's reason is what the user sees (C2).
func TestCopyTargetSessionEndedInMidCopy(t *testing.T) {
	t.Parallel()
	c := pgtest.Server(t)
	p := newPair(t)
	p.both(t, "CREATE TABLE public.t (n integer)")
	p.source.Exec(t, "INSERT INTO public.t SELECT generate_series(1, 60000)")
	proxy := pgtest.NewProxy(t, c)
	params := p.params(t, slowly(40000))
	params.Target = parse(t, dial.Target, proxy.URL(p.target.Name))
	done := whenWriting(t, p.target, func() {
		p.target.Exec(t, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%FROM STDIN'")
	})
	res, err := Copy(soon(t), params)
	done()
	complete(t, res, err)
	p.same(t, "t")
	require.Equal(t, []string{"57P01"}, p.events.retries())
}

// A writer that was fenced off does not take the part back: its rows would stand
// beside those of its successor. It fails, and says who owns the part.
func TestCopyFencedOffStaysOff(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.profile.Await, p.profile.BatchRows = true, 100
	p.both(t, "CREATE TABLE public.t (n integer)")
	p.source.Exec(t, "INSERT INTO public.t SELECT generate_series(1, 1000)")
	params := p.params(t, transfer("t", "n"))
	batches := 0
	params.faults = &faults{at: func(ctx context.Context, at point, _ *batch) error {
		if at == pointCommitSent {
			if batches++; batches == 3 {
				other := p.params(t, transfer("t", "n"))
				other.Truncate = []catalog.Name{{Schema: "public", Name: "t"}}
				res, err := Copy(ctx, other)
				complete(t, res, err)
			}
		}
		return nil
	}}
	_, err := Copy(soon(t), params)
	require.ErrorIs(t, err, errLostOwnership)
	require.Equal(t, "1000 1000", p.target.QueryString(t, "SELECT count(*) || ' ' || count(DISTINCT n) FROM public.t"))
}

// What was acknowledged but could not be made durable and checked is not done.
func TestCopyThatCannotSettleIsNotDone(t *testing.T) {
	t.Parallel()
	c := pgtest.Server(t)
	p := newPair(t)
	p.both(t, "CREATE TABLE public.t (n integer)")
	p.source.Exec(t, "INSERT INTO public.t VALUES (1)")
	proxy := pgtest.NewProxy(t, c)
	params := p.params(t, transfer("t", "n"))
	params.Target, params.Patience = parse(t, dial.Target, proxy.URL(p.target.Name)), 300*time.Millisecond
	params.faults = &faults{at: func(_ context.Context, at point, _ *batch) error {
		if at == pointPartDone {
			proxy.Refuse(true)
			proxy.End(pgtest.Reset)
		}
		return nil
	}}
	res, err := Copy(soon(t), params)
	var partial *PartialError
	require.ErrorAs(t, err, &partial)
	require.Empty(t, partial.Done)
	require.ErrorContains(t, res.Tables[0].Err, "could not be made durable")
}

// An immediate restart empties unlogged tables, whatever the ledger says.
func TestCopyUnloggedTableEmptiedByRestart(t *testing.T) {
	t.Parallel()
	target := pgtest.New(t, pgtest.ClusterOptions{})
	p := &pair{source: pgtest.Server(t).Database(t), target: target.Database(t), profile: postgresProfile(), events: &recorder{}}
	p.both(t, "CREATE UNLOGGED TABLE public.u (n integer); CREATE TABLE public.v (n integer)")
	p.source.Exec(t, "INSERT INTO public.u SELECT generate_series(1, 1000); INSERT INTO public.v VALUES (1)")
	params := p.params(t, transfer("u", "n"), transfer("v", "n"))
	params.Jobs = 1
	parts := 0
	params.faults = &faults{at: func(_ context.Context, at point, _ *batch) error {
		if at == pointPartDone {
			if parts++; parts == 2 {
				p.target.Exec(t, "CHECKPOINT")
				target.Stop(t, pgtest.Immediate)
				target.Start(t)
			}
		}
		return nil
	}}
	res, err := Copy(soon(t), params)
	require.Error(t, err)
	require.ErrorContains(t, res.Tables[0].Err, "not logged")
	require.NoError(t, res.Tables[1].Err)
	require.Equal(t, "0", p.target.QueryString(t, "SELECT count(*) FROM public.u"), "the scenario did not empty it")
	p.same(t, "v")
}

// A session that holds the part's row and is none of the run's is not ended;
// the wait for it ends, and the error names what to do.
func TestTakeoverGivesUpOnAForeignSession(t *testing.T) {
	t.Parallel()
	c := newLedgerCase(t, nil)
	c.ledger.wait = 200 * time.Millisecond
	holder := c.db.Conn(t)
	mustExec(t, holder, "BEGIN; UPDATE _pg2db9.part SET token = token")
	_, _, err := c.ledger.takeover(soon(t), c.claim)
	require.ErrorContains(t, err, "pg_locks")
	require.True(t, assertEventually(func() bool {
		return c.db.QueryString(t, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'") == "0"
	}), "the wait was given up on the server too")
	mustExec(t, holder, "ROLLBACK")
	claim, _, err := c.ledger.takeover(soon(t), c.claim)
	require.NoError(t, err, "and the ledger can be used again")
	require.Greater(t, claim.epoch, c.claim.epoch)
	_, _, err = c.ledger.takeover(soon(t), c.claim)
	require.ErrorIs(t, err, errLostOwnership, "the old claim is worth nothing now")
}

// The wait for a part's row ends also when the survivor cannot be ended.
func TestTakeoverGivesUpWhenItCannotLook(t *testing.T) {
	t.Parallel()
	c := newLedgerCase(t, nil)
	proxy := pgtest.NewProxy(t, pgtest.Server(t))
	l := newLedger(parse(t, dial.Target, proxy.URL(c.db.Name)), dial.Writer(), "run")
	l.wait, l.patience = 200*time.Millisecond, time.Millisecond
	require.NoError(t, l.prepare(t.Context()))
	t.Cleanup(func() { l.close(context.Background()) })
	proxy.Refuse(true) // the connection that would look for the survivor
	holder := c.db.Conn(t)
	mustExec(t, holder, "BEGIN; UPDATE _pg2db9.part SET token = token")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 20*time.Second, errors.New("it hung"))
	defer cancel()
	_, _, err := l.takeover(ctx, c.claim)
	require.Error(t, err)
	require.NoError(t, ctx.Err(), "it hung")
}

// Workers do not gather table locks on the source without end.
func TestCopyGivesTableLocksBack(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	const tables = 3*maxReads + 10
	var transfers []ddlgen.Transfer
	for i := range tables {
		p.both(t, fmt.Sprintf("CREATE TABLE public.t%d (n integer)", i))
		transfers = append(transfers, transfer(fmt.Sprintf("t%d", i), "n"))
	}
	params := p.params(t, transfers...)
	params.Jobs = 1
	most := 0
	watch := p.source.Conn(t)
	params.faults = &faults{at: func(_ context.Context, at point, _ *batch) error {
		if at != pointCopied {
			return nil
		}
		var n int
		// The lockers and the holder have their own locks; the worker's come on top.
		err := watch.QueryRow(t.Context(), `SELECT coalesce(max(c), 0) FROM (SELECT count(*) AS c FROM pg_locks l JOIN pg_stat_activity a USING (pid)
			WHERE a.datname = current_database() AND l.locktype = 'relation' AND l.relation >= 16384 AND a.query LIKE 'COPY%' GROUP BY pid) x`).Scan(&n)
		most = max(most, n)
		return err
	}}
	res, err := Copy(soon(t), params)
	complete(t, res, err)
	require.Positive(t, most)
	require.LessOrEqual(t, most, maxReads)
}

// A table beyond the locks that is dropped before the parts are planned fails
// alone.
func TestCopyTableDroppedBeforePlanning(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.both(t, "CREATE TABLE public.t (n integer, v text); CREATE TABLE public.other (n integer)")
	params := p.params(t, transfer("other", "n"), transfer("t", "n"))
	params.Snapshot.Close(t.Context())
	s, err := OpenSnapshot(t.Context(), SnapshotParams{
		Source: params.Source, Settings: ReaderSettings(p.profile),
		Match: func([]catalog.TableRef) ([]catalog.Name, error) {
			return []catalog.Name{{Schema: "public", Name: "other"}}, nil
		},
	})
	require.NoError(t, err)
	t.Cleanup(func() { s.Close(context.Background()) })
	params.Snapshot = s
	p.source.Exec(t, "DROP TABLE public.t")
	res, err := Copy(soon(t), params)
	require.Error(t, err)
	var changed *SchemaChangedError
	require.ErrorAs(t, res.Tables[1].Err, &changed)
	require.NoError(t, res.Tables[0].Err)
}
