package sync

import (
	"context"
	"errors"
	"fmt"

	"github.com/pg2db9/pg2db9/copier"
)

// mergePart is the number of a merge's part in the ledger, which no other part of a
// run has.
const mergePart = 1 << 24

// mergeable says whether a table with many rows that differ can be mended in one pass
// of both sides in the order of the key. It takes changed rows away before it brings
// them again, so that nothing may refer to them or act on them.
func (r *run) mergeable(t *table) bool {
	return r.Profile.FullCatalog && !t.unmergeable && len(t.transfer.Key) > 0 && len(t.guards.acts)+len(t.guards.incoming)+len(t.guards.outgoing) == 0
}

// merge mends a table in one pass; where the two sides may order the key otherwise, it
// is mended by the rows that were found, as many at a time as are held.
func (r *run) merge(ctx context.Context, p *prepared, t *table) error {
	done, err := copier.Reconcile(ctx, copier.ReconcileParams{
		Source: r.Source, Target: r.Target, Snapshot: p.snapshot, Transfer: t.transfer, Profile: r.Profile, Run: r.id, Owner: r.lease.Owner(),
		Part: mergePart + t.part, CheckUTF8: r.Profile.Map, Stop: r.Stop, Patience: r.Patience, Bus: r.Bus,
	})
	var not *copier.NotByKeyError
	if errors.As(err, &not) {
		t.unmergeable = true
		return r.mirror(ctx, p, t)
	}
	if done != nil {
		t.entry.Read += done.Rows
		t.entry.Inserted += done.Inserted
		t.entry.Updated += done.Updated
		t.entry.Deleted += done.Deleted
		t.entry.Bytes += done.Sent
	}
	if err != nil {
		return fmt.Errorf("merging rows into %s: %w", t.transfer.Target, err)
	}
	return r.faults.hit("merged")
}
