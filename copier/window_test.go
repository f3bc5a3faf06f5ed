package copier

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/db9sim"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// A constraint that the target looks at when the batch is committed is the
// table's failure, with its own error and at once: the ledger did not refuse.
func TestWindowConstraintRefusedAtCommit(t *testing.T) {
	t.Parallel()
	everyBatching(t, func(t *testing.T, p *pair) {
		t.Helper()
		p.source.Exec(t, "CREATE TABLE public.t (n integer); INSERT INTO public.t SELECT generate_series(1, 10)")
		p.target.Exec(t, "CREATE TABLE public.t (n integer UNIQUE DEFERRABLE INITIALLY DEFERRED); INSERT INTO public.t VALUES (5)")
		params := p.params(t, transfer("t", "n"))
		params.Patience = time.Second
		res, err := Copy(soon(t), params)
		require.Error(t, err)
		require.Equal(t, "23505", dial.SQLState(res.Tables[0].Err))
		require.NotErrorIs(t, err, errLedgerRefused)
		require.Empty(t, p.events.retries())
	})
}

// dropping makes a table on both sides of whose rows the target drops one in
// silence.
func dropping(t *testing.T, p *pair) {
	t.Helper()
	p.both(t, "CREATE TABLE public.d (n integer)")
	p.source.Exec(t, "INSERT INTO public.d SELECT generate_series(1, 200)")
	p.target.Exec(t, `CREATE FUNCTION public.drop() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN IF NEW.n = 150 THEN RETURN NULL; END IF; RETURN NEW; END';
		CREATE TRIGGER drop BEFORE INSERT ON public.d FOR EACH ROW EXECUTE FUNCTION public.drop()`)
}

// The count of a batch in flight is looked at when a later part cannot be read,
// and when an earlier one was refused at its COMMIT (invariant 3).
func TestWindowCountsBesideAFailure(t *testing.T) {
	t.Parallel()
	for name, tables := range map[string][]string{"later": {"d", "bad"}, "earlier": {"late", "d", "good"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPair(t)
			dropping(t, p)
			p.both(t, "CREATE TABLE public.bad (n integer); CREATE TABLE public.good (n integer)")
			p.source.Exec(t, "CREATE TABLE public.late (n integer); INSERT INTO public.late VALUES (5); INSERT INTO public.good VALUES (1); INSERT INTO public.bad VALUES (0)")
			p.target.Exec(t, "CREATE TABLE public.late (n integer UNIQUE DEFERRABLE INITIALLY DEFERRED); INSERT INTO public.late VALUES (5)")
			var transfers []ddlgen.Transfer
			for _, table := range tables {
				tr := transfer(table, "n")
				if table == "bad" {
					tr.Columns[0].Select = "1 / n"
				}
				transfers = append(transfers, tr)
			}
			params := p.params(t, transfers...)
			params.Jobs = 1
			res, err := Copy(soon(t), params)
			require.Error(t, err)
			for i, table := range tables {
				switch table {
				case "d":
					var count *countError
					require.ErrorAs(t, res.Tables[i].Err, &count)
				case "bad":
					require.Equal(t, "22012", dial.SQLState(res.Tables[i].Err))
				case "late":
					require.Equal(t, "23505", dial.SQLState(res.Tables[i].Err))
				default:
					require.NoError(t, res.Tables[i].Err)
					p.same(t, table)
				}
			}
		})
	}
}

// After the first interrupt nothing is sent anew, not even for a part whose
// connection breaks while it is in flight.
func TestWindowStopBeginsNothing(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.both(t, "CREATE TABLE public.a (n integer); CREATE TABLE public.b (n integer)")
	p.source.Exec(t, "INSERT INTO public.a VALUES (1); INSERT INTO public.b VALUES (1)")
	holder := p.target.Conn(t)
	mustExec(t, holder, "BEGIN; LOCK TABLE public.a")
	params := p.params(t, transfer("a", "n"), transfer("b", "n"))
	params.Jobs = 1
	stop := make(chan struct{})
	params.Stop = stop
	params.faults = &faults{at: func(_ context.Context, at point, b *batch) error {
		if at != pointCommitSent || b.part.Target.Name != "b" {
			return nil
		}
		close(stop)
		require.True(t, assertEventually(func() bool {
			return p.target.QueryString(t, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'") == "1"
		}))
		mustExec(t, holder, "ROLLBACK")
		return nil
	}}
	_, err := Copy(soon(t), params)
	var partial *PartialError
	require.ErrorAs(t, err, &partial)
	require.True(t, partial.Interrupted)
	require.Len(t, partial.Failed, 2)
	require.Equal(t, "0 0", p.target.QueryString(t, "SELECT (SELECT count(*) FROM public.a) || ' ' || (SELECT count(*) FROM public.b)"))
}

// A target that stays away is waited for once, not once for every part.
func TestCopyTargetGoneForGood(t *testing.T) {
	t.Parallel()
	for _, window := range []int{1, 64} {
		t.Run(fmt.Sprint(window), func(t *testing.T) {
			t.Parallel()
			c := pgtest.Server(t)
			p := newPair(t)
			p.profile.Window = window
			var transfers []ddlgen.Transfer
			for i := range 12 {
				name := fmt.Sprint("t", i)
				p.both(t, "CREATE TABLE public."+name+" (n integer)")
				p.source.Exec(t, "INSERT INTO public."+name+" VALUES (1)")
				transfers = append(transfers, transfer(name, "n"))
			}
			proxy := pgtest.NewProxy(t, c)
			params := p.params(t, transfers...)
			params.Jobs = 1
			params.Target, params.Patience = parse(t, dial.Target, proxy.URL(p.target.Name)), time.Second
			params.faults = &faults{at: func(_ context.Context, at point, b *batch) error {
				if at == pointCopied {
					proxy.Refuse(true)
					proxy.End(pgtest.Reset)
				}
				return nil
			}}
			started := time.Now()
			_, err := Copy(soon(t), params)
			var partial *PartialError
			require.ErrorAs(t, err, &partial)
			require.Len(t, partial.Failed, 12)
			require.Less(t, time.Since(started), 8*time.Second)
		})
	}
}

// What the ledger's own statements made and a silent rollback took is made again:
// the ledger's tables (after two sessions that are set up), and the run.
func TestLedgerRolledBackInSilence(t *testing.T) {
	t.Parallel()
	for _, nth := range []int{3, 4} {
		t.Run(fmt.Sprint(nth), func(t *testing.T) {
			t.Parallel()
			p, params, sim := simulated(t, db9sim.Config{Faults: []db9sim.Fault{{Point: "before-commit", Action: "rollback-for-commit", Nth: nth}}})
			res, err := Copy(soon(t), params)
			require.Len(t, sim.Injected(), 1)
			complete(t, res, err)
			p.same(t, "t")
			require.Empty(t, p.events.retries(), "it was done again before any part was begun")
		})
	}
}

// A run of more parts than one message holds is recorded whole, once, though the
// connection breaks between two messages.
func TestLedgerBeginOfManyParts(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	parts := make([]Part, 12_000)
	for i := range parts {
		parts[i] = Part{ID: int64(i + 1), Target: catalog.Name{Schema: "public", Name: fmt.Sprint(`t'\"`, i)}, Blocks: true, First: int64(i)}
	}
	cut := &cutter{writeLimit: 400_000, cuts: 1}
	l := newLedger(cut.on(parse(t, dial.Target, db.URL)), dial.Writer(), "run")
	t.Cleanup(func() { l.close(context.Background()) })
	require.NoError(t, l.prepare(soon(t)))
	require.NoError(t, l.begin(soon(t), runInfo{tool: `it's \ $1`}, parts, nil, ""))
	require.Equal(t, int64(1), cut.done.Load(), "the connection was to break in the middle")
	require.Equal(t, "12000 1", db.QueryString(t, "SELECT (SELECT count(*) FROM _pg2db9.part WHERE target_name LIKE 't''%') || ' ' || (SELECT count(*) FROM _pg2db9.run)"))
}

// A batch in a window that is committed while its answers are lost: nobody has
// seen the target's count of its rows, so they are counted.
func TestWindowRecounts(t *testing.T) {
	t.Parallel()
	for _, drops := range []bool{false, true} {
		t.Run(fmt.Sprint("dropping ", drops), func(t *testing.T) {
			t.Parallel()
			c := pgtest.Server(t)
			p := newPair(t)
			if drops {
				dropping(t, p)
			} else {
				p.both(t, "CREATE TABLE public.d (n integer)")
				p.source.Exec(t, "INSERT INTO public.d SELECT generate_series(1, 200)")
			}
			proxy := pgtest.NewProxy(t, c)
			rows := 200
			if drops {
				rows--
			}
			proxy.Add(pgtest.Rule{Action: pgtest.Stall, Dir: pgtest.ToClient, Match: pgtest.Tag(fmt.Sprint("COPY ", rows))})
			params := p.params(t, transfer("d", "n"))
			params.Target = parse(t, dial.Target, proxy.URL(p.target.Name))
			lost := false
			params.faults = &faults{at: func(_ context.Context, at point, b *batch) error {
				if at != pointCommitSent || lost {
					return nil
				}
				lost = true
				assertEventually(func() bool { return p.target.QueryString(t, "SELECT count(*) FROM _pg2db9.span") == "1" })
				_ = b.to.wire.conn.Close()
				return context.DeadlineExceeded
			}}
			res, err := Copy(soon(t), params)
			require.True(t, lost)
			if !drops {
				complete(t, res, err)
				return
			}
			var count *countError
			require.ErrorAs(t, err, &count)
			require.Equal(t, int64(199), count.Acked)
		})
	}
}
