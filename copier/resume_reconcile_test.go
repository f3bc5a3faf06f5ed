package copier

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
)

// A run that is taken up under a new snapshot mends the table that changed; one
// that dies while it does is taken up again, under that snapshot too, and the
// half-mended table is never gone on with as if it were a copy.
func TestResumeReconcilesAndDies(t *testing.T) {
	t.Parallel()
	everyProfile(t, func(t *testing.T, profile ddlgen.Profile) {
		t.Helper()
		profile.BatchRows = 100
		m := newMending(t, profile, changing+"; CREATE TABLE public.nokey (n integer, v text); INSERT INTO public.nokey SELECT n, 'v' FROM generate_series(1, 200) n;"+
			"CREATE TABLE public.kept (id integer PRIMARY KEY); INSERT INTO public.kept SELECT generate_series(1, 200); CREATE TABLE public.redo (n integer)")
		m.source.Exec(t, laterChanges+"; UPDATE public.nokey SET v = 'w' WHERE n = 7; INSERT INTO public.redo VALUES (1)")
		p := m.params(t)
		p.Plan, p.Target, p.Run = m.plan, m.to, m.run
		p.Resume = &Resume{OnChanged: ChangedReconcile, Redo: []catalog.Name{m.transferOf(t, "redo").Target}}
		ctx, die := context.WithCancelCause(soon(t))
		died := errors.New("died")
		passed := 0
		p.faults = &faults{at: func(ctx context.Context, at point, b *batch) error {
			if at == pointRecorded && b == nil {
				if passed++; passed == 3 {
					die(died)
					return context.Cause(ctx)
				}
			}
			return nil
		}}
		_, err := Copy(ctx, p)
		require.ErrorIs(t, err, died)
		require.NotEqual(t, "0", m.difference(t, m.transferOf(t, "t")))

		p.faults, p.Resume.SameSnapshot = nil, true
		res, err := Copy(soon(t), p)
		complete(t, res, err)
		for _, table := range []string{"t", "nokey", "kept", "redo"} {
			require.Equal(t, "0", m.difference(t, m.transferOf(t, table)), table)
		}

		// What was reconciled is a table like any other to the next run.
		m.source.Exec(t, "UPDATE public.t SET v = 'once more' WHERE id = 2")
		p.Snapshot.Close(t.Context())
		p.Snapshot, p.Resume.SameSnapshot = m.open(t), false
		m.events.events = nil
		res, err = Copy(soon(t), p)
		complete(t, res, err)
		require.Contains(t, m.events.notes(), "public.t was reconciled: 1019 rows are as they were, 0 new, 1 changed, 0 gone")
		require.Equal(t, "0", m.difference(t, m.transferOf(t, "t")))
	})
}
