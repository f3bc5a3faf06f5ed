package copier

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/db9sim"
	"github.com/pg2db9/pg2db9/internal/dial"
)

const changing = "CREATE TABLE public.t (id integer PRIMARY KEY, v text); INSERT INTO public.t SELECT n, 'v' || n FROM generate_series(1, 900) n"

const laterChanges = "UPDATE public.t SET v = v || '!' WHERE id % 3 = 0; DELETE FROM public.t WHERE id % 5 = 0; INSERT INTO public.t SELECT n, 'new' FROM generate_series(-300, -1) n"

// smallBatches is a table that needs several batches.
func smallBatches(t *testing.T, profile ddlgen.Profile) *mending {
	t.Helper()
	profile.BatchRows = 100
	m := newMending(t, profile, changing)
	m.source.Exec(t, laterChanges)
	return m
}

// A writer that dies at any point of a batch leaves a table that the next
// reconciliation mends, and nothing in the ledger that a later one could take for
// proved.
func TestReconcileDiesAndBeginsAgain(t *testing.T) {
	t.Parallel()
	everyProfile(t, func(t *testing.T, profile ddlgen.Profile) {
		t.Helper()
		for _, at := range []point{pointCopied, pointRecorded, pointCommitSent} {
			m := smallBatches(t, profile)
			died := errors.New("died")
			var passed atomic.Int64
			p := m.reconcileParams(t, m.open(t), "t")
			p.faults = &faults{at: func(_ context.Context, reached point, _ *batch) error {
				if reached == at && passed.Add(1) == 3 {
					return died
				}
				return nil
			}}
			_, err := Reconcile(soon(t), p)
			require.ErrorIs(t, err, died)
			require.NotEqual(t, "0", m.difference(t, p.Transfer))
			require.Equal(t, "0", m.target.QueryString(t, "SELECT count(*) FROM _pg2db9.span WHERE final"), "the parts of the copy prove nothing any more")
			if at == pointRecorded { // the same part again, by whoever raised its epoch
				p.faults = nil
				m.target.Exec(t, fmt.Sprintf("UPDATE _pg2db9.part SET epoch = 50 WHERE part = %d", p.Part))
				p.Epoch = 50
				got, err := Reconcile(soon(t), p)
				require.NoError(t, err)
				m.mended(t, p, got)
				continue
			}
			m.mend(t, "t")
		}
	})
}

// A batch whose COMMIT is done, or not, or later, without an answer: each row
// once, though nothing but the ledger keeps rows apart.
func TestReconcileLostAnswers(t *testing.T) {
	t.Parallel()
	for _, f := range []db9sim.Fault{
		{Point: "before-commit", Action: "commit-lost"},
		{Point: "before-commit", Action: "commit-late", Delay: 300 * time.Millisecond},
		{Point: "before-commit", Action: "reset"},
		{Point: "before-commit", Action: "rollback-for-commit"},
		{Point: "before-commit", Action: "40001"},
		{Point: "copy-done", Action: "reset"},
		{Point: "ledger", Action: "reset"},
		{Point: "statement", Tag: "DELETE", Action: "reset"},
		{Point: "statement", Tag: "DELETE", Action: "57014"},
	} {
		for _, profile := range []ddlgen.Profile{ddlgen.Postgres(), ddlgen.DB9()} {
			t.Run(f.Point+" "+f.Action+" "+profile.Name, func(t *testing.T) {
				t.Parallel()
				m := smallBatches(t, profile)
				rules := db9sim.None()
				if profile.Map {
					rules = db9sim.Strict()
				}
				f := f // the other profile has its own
				if f.Nth = 4; f.Point == "before-commit" {
					f.Nth = 8 // behind those of the ledger, and of connections that are set up
				}
				sim := standIn(t, m.target, db9sim.Config{Rules: rules, Faults: []db9sim.Fault{f}})
				m.to = parse(t, dial.Target, sim.URL())
				m.mend(t, "t")
				require.Len(t, sim.Injected(), 1)
				require.Len(t, m.events.notes(), 1)
				require.Contains(t, m.events.notes()[0], "a batch of the reconciliation of public.t is tried again")
			})
		}
	}
}

// The connections that read break, of either side: pages go on behind their last
// row, a COPY begins again.
func TestReconcileReadersBreak(t *testing.T) {
	t.Parallel()
	everyProfile(t, func(t *testing.T, profile ddlgen.Profile) {
		t.Helper()
		m := smallBatches(t, profile)
		cut := &cutter{readLimit: 6000, skip: 2, cuts: 1} // behind the ledger's two
		p := m.reconcileParams(t, m.open(t), "t")
		p.Target = cut.on(p.Target)
		source := &cutter{readLimit: 13_000, cuts: 2}
		p.Source = source.on(p.Source)
		got, err := Reconcile(soon(t), p)
		require.NoError(t, err)
		require.EqualValues(t, 1, cut.done.Load())
		require.Positive(t, source.done.Load())
		got.Same = got.Rows - got.Inserted - got.Updated // of the last merge
		m.mended(t, p, got)
	})
}

// A statement timeout in the middle of a page makes the next one smaller.
func TestReconcilePageTimesOut(t *testing.T) {
	t.Parallel()
	m := smallBatches(t, ddlgen.DB9())
	sim := standIn(t, m.target, db9sim.Config{Faults: []db9sim.Fault{{Point: "statement", Tag: "SELECT", Action: "57014", Nth: 3, Times: 2}}}) // behind the ledger's two
	m.to = parse(t, dial.Target, sim.URL())
	m.mend(t, "t")
	require.Len(t, sim.Injected(), 2)
}

// A writer whose part was taken over cannot commit: not its next batch, and not
// even a deletion that runs outside of its transaction.
func TestReconcileFencedOff(t *testing.T) {
	t.Parallel()
	everyProfile(t, func(t *testing.T, profile ddlgen.Profile) {
		t.Helper()
		m := smallBatches(t, profile)
		p := m.reconcileParams(t, m.open(t), "t")
		raised := make(chan struct{})
		var held string
		p.faults = &faults{at: func(_ context.Context, reached point, _ *batch) error {
			switch {
			case reached == pointCommitSent && held == "":
				held = "now"
				go func() { // waits for the batch under way
					defer close(raised)
					m.target.Exec(t, fmt.Sprintf("UPDATE _pg2db9.part SET epoch = epoch + 1 WHERE part = %d", p.Part))
				}()
				require.Eventually(t, func() bool {
					return m.target.QueryString(t, fmt.Sprintf("SELECT epoch::text FROM _pg2db9.part WHERE part = %d", p.Part)) == "3"
				}, 20*time.Second, 5*time.Millisecond)
				<-raised
				held = fingerprint(t, m.target, "t")
			}
			return nil
		}}
		_, err := Reconcile(soon(t), p)
		require.ErrorIs(t, err, errLostOwnership)
		require.Equal(t, held, fingerprint(t, m.target, "t"), "written after the takeover")

		r, err := newReconciliation(p)
		require.NoError(t, err)
		r.placed = !r.paged
		w := r.newReconciler(claim{run: p.Run, part: p.Part, epoch: 2}, false)
		key, ctid, _ := strings.Cut(m.target.QueryString(t, "SELECT id || ' ' || ctid FROM public.t LIMIT 1"), " ")
		w.remove.add(&keyedRow{values: [][]byte{[]byte(key)}, place: []byte(ctid)})
		for _, epoch := range []int64{2, 3} {
			w.claim.epoch = epoch
			for _, sql := range w.remove.sql(w.claim.bind(heldSQL, "no such token", span{})) {
				m.target.Exec(t, sql)
			}
			require.Equal(t, held, fingerprint(t, m.target, "t"))
		}
		m.target.Exec(t, fmt.Sprintf("UPDATE _pg2db9.part SET token = 'held' WHERE part = %d", p.Part))
		for _, sql := range w.remove.sql(w.claim.bind(heldSQL, "held", span{})) {
			m.target.Exec(t, sql)
		}
		require.NotEqual(t, held, fingerprint(t, m.target, "t"), "the condition holds for the owner")
		m.mend(t, "t")
	})
}

// Rows that somebody else changes or takes away on the target, behind the
// merge's back: it is noticed where they were to go, and all is merged again.
func TestReconcileTargetMoves(t *testing.T) {
	t.Parallel()
	everyProfile(t, func(t *testing.T, profile ddlgen.Profile) {
		t.Helper()
		m := smallBatches(t, profile)
		p := m.reconcileParams(t, m.open(t), "t")
		moved := false
		p.faults = &faults{at: func(_ context.Context, reached point, _ *batch) error {
			if reached == pointCommitSent && !moved {
				moved = true
				m.target.Exec(t, "UPDATE public.t SET id = id + 5000, v = 'moved' WHERE id % 3 = 0 AND id BETWEEN 300 AND 400; DELETE FROM public.t WHERE id % 10 = 0 AND id > 800")
			}
			return nil
		}}
		got, err := Reconcile(soon(t), p)
		require.NoError(t, err)
		require.NotEmpty(t, m.events.notes())
		got.Same = got.Rows - got.Inserted - got.Updated // of the last merge
		m.mended(t, p, got)
	})
}

// After the first interrupt no batch is begun, and the source's rows are not
// read to their end.
func TestReconcileStops(t *testing.T) {
	t.Parallel()
	m := smallBatches(t, ddlgen.Postgres())
	p := m.reconcileParams(t, m.open(t), "t")
	stop := make(chan struct{})
	p.Stop = stop
	commits := 0
	p.faults = &faults{at: func(_ context.Context, reached point, _ *batch) error {
		if reached == pointCommitSent {
			commits++
			close(stop)
		}
		return nil
	}}
	_, err := Reconcile(soon(t), p)
	require.ErrorIs(t, err, errStopped)
	require.Equal(t, 1, commits)
}
