package copier

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/event"
)

// halfReconciled says that a reconciliation of the table was begun and did not
// come to its end: it holds rows of two moments, and no part of it can be gone on
// with.
func (t *taking) halfReconciled(table catalog.Name) bool {
	return slices.ContainsFunc(t.byTarget[table], func(r recordedPart) bool {
		return r.part.Relation == wholeTable && !t.found[r.part.ID].final
	})
}

// reconcileAll reconciles the chosen tables, as many at once as there are jobs.
// One that cannot be is loaded anew. The error is the run's.
func (t *taking) reconcileAll(ctx context.Context) error {
	parts := make([]Part, 0, len(t.mend))
	for _, i := range t.mend {
		t.last++
		part := Part{ID: t.last, Transfer: i, Target: t.Plan.Transfers[i].Target, Relation: wholeTable}
		for _, r := range t.byTarget[part.Target] {
			part.Bytes += r.part.Bytes
		}
		parts = append(parts, part)
	}
	var mu sync.Mutex // what is decided of the tables
	var g errgroup.Group
	g.SetLimit(max(t.Jobs, 1))
	for _, part := range parts {
		g.Go(func() error {
			s, err := t.reconcile(ctx, part)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				t.parts = append(t.parts, s)
			case ctx.Err() != nil:
				return context.Cause(ctx)
			case errors.Is(err, errStopped), errors.Is(err, errLostOwnership), dial.Classify(err) == dial.Lost:
				t.mu.Lock()
				t.broken[part.Target] = err
				t.mu.Unlock()
			default:
				t.Bus.Emit(event.Note{Text: fmt.Sprintf("%s is loaded anew: %v", part.Target, err)})
				t.anew = append(t.anew, part.Transfer)
				// Its rows go, and so does what the reconciliation left in the ledger.
				t.byTarget[part.Target] = append(t.byTarget[part.Target], recordedPart{part: part})
			}
			return nil
		})
	}
	return g.Wait()
}

// reconcile makes one table show the snapshot. Its part is then done, as one
// that was copied.
func (t *taking) reconcile(ctx context.Context, part Part) (*partState, error) {
	if isClosed(t.Stop) {
		return nil, errStopped
	}
	started := time.Now()
	told := event.Part{ID: part.ID, Table: part.Target.String(), Range: "by key, what differs", Bytes: part.Bytes}
	meter := t.Progress.Start(told)
	defer t.Progress.Finish(meter, false) // it is counted among the parts that are done
	t.Bus.Emit(event.PartStarted{Part: told})
	got, err := Reconcile(ctx, ReconcileParams{
		Source: t.Source, Target: t.Target, Snapshot: t.Snapshot, Transfer: &t.Plan.Transfers[part.Transfer], Profile: t.Profile,
		Run: t.Run, Owner: t.Owner, Part: part.ID, CheckUTF8: t.checkUTF8, Stop: t.Stop, Patience: t.patience(), Bus: t.Bus, Meter: meter,
		huge: t.huge, rein: t.newRein(meter), survivorWait: t.survivorWait, faults: t.faults,
	})
	if err != nil {
		return nil, err
	}
	t.Bus.Emit(event.PartDone{Part: told, Rows: got.Rows, Bytes: got.Bytes, Elapsed: time.Since(started)})
	t.Bus.Emit(event.Note{Text: fmt.Sprintf("%s was reconciled: %d rows are as they were, %d new, %d changed, %d gone", part.Target, got.Same, got.Inserted, got.Updated, got.Deleted)})
	return &partState{
		part: part, claim: claim{run: t.Run, part: part.ID, epoch: firstEpoch}, next: got.Rows, bytes: got.Bytes, sum: got.Digest, done: true,
		read: got.Rows, framed: got.Rows, acked: got.Rows, elapsed: time.Since(started),
	}, nil
}
