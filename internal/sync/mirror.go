package sync

import (
	"context"
	"errors"
	"fmt"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/copier"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/verify"
)

// mirror makes a table on the target show the snapshot, by the rows that differ. It
// stops where nothing more can be written yet: rows that others refer to wait for
// these.
func (r *run) mirror(ctx context.Context, p *prepared, t *table) error {
	waited := t.waits != ""
	t.waits = ""
	if !waited {
		if loaded, err := r.firstLoad(ctx, p, t); err != nil || loaded {
			return err
		}
	}
	for {
		d, err := r.differences(ctx, p, t)
		if err != nil {
			return err
		}
		if d.table.Verdict == verify.Match {
			t.done, t.entry.Verdict = true, Match
			return nil
		}
		if err := r.faults.hit("compared"); err != nil {
			return err
		}
		if len(t.transfer.Key) == 0 && (d.more || r.Profile.ReadByKey || !r.Profile.FullCatalog) {
			var not *notSwappedError
			if err := r.full(ctx, p, t); !errors.As(err, &not) {
				return err
			}
		}
		if d.more && r.mergeable(t) {
			return r.merge(ctx, p, t)
		}
		result, err := r.repair(ctx, p, t, t.transfer, d.rows)
		if err != nil {
			return err
		}
		if err := r.faults.hit("repaired"); err != nil {
			return err
		}
		wrote := result.Inserted+result.Updated+result.Deleted > 0
		switch {
		case len(result.Refused) > 0 && !wrote:
			t.waits = result.Refused[0].Why
			return nil
		case !d.more && len(result.Refused) == 0:
			return nil // what it looks like now is verified at the end
		case !wrote:
			return fmt.Errorf("rows of %s differ, and nothing could be written: %s", t.transfer.Target, d.table.Detail)
		}
	}
}

// repair writes rows that differ, in the order of the key.
func (r *run) repair(ctx context.Context, p *prepared, t *table, transfer *ddlgen.Transfer, rows []copier.RepairRow) (copier.RepairResult, error) {
	params := copier.RepairParams{
		Source: r.Source, Snapshot: p.snapshot, Target: r.Target, Profile: r.Profile, Run: r.id, Delete: true,
		Tables: []copier.RepairTable{{Transfer: transfer, Always: t.always, Rows: rows, Part: t.part}},
		Whole:  append(p.targets(), t.guards.mayTouch...), InOrder: true,
	}
	t.sort(rows)
	if t.guards.mayFire {
		params.Allow = []catalog.Name{t.transfer.Target}
	}
	if t.guards.fires {
		params.Triggered = []catalog.Name{t.transfer.Target}
	}
	result, err := copier.Repair(ctx, params)
	t.entry.Inserted += result.Inserted
	t.entry.Updated += result.Updated
	t.entry.Deleted += result.Deleted
	t.entry.Bytes += result.Sent
	return result, err
}
