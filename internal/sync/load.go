package sync

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgerrcode"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/copier"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/event"
	"github.com/pg2db9/pg2db9/verify"
)

// load copies all rows of a table, by the copier: into the table itself or, by another
// transfer, beside it. What arrived is held against what left the source.
func (r *run) load(ctx context.Context, p *prepared, t *table, transfer ddlgen.Transfer, expect ddlgen.ExpectedTable, truncate bool) (*verify.Table, error) {
	id := copier.NewRunID()
	r.copies = append(r.copies, id)
	plan := &ddlgen.Plan{Profile: r.Profile.Name, Transfers: []ddlgen.Transfer{transfer}, Expect: []ddlgen.ExpectedTable{expect}}
	params := copier.Params{
		Source: r.Source, Target: r.Target, Snapshot: p.snapshot, Plan: plan, Profile: r.Profile, Run: id, Jobs: r.Jobs, MaxRate: t.job.MaxRate,
		Stop: r.Stop, Tool: r.Tool, Command: Command, Options: "{}", Bus: r.Bus, Progress: &event.Progress{}, Log: r.Log, Patience: r.Patience,
	}
	if truncate {
		params.Truncate = []catalog.Name{transfer.Target}
	}
	res, err := copier.Copy(ctx, params)
	var partial *copier.PartialError
	if res != nil && len(res.Tables) == 1 {
		done := res.Tables[0]
		t.entry.Read += done.Read
		t.entry.Inserted += done.Ledger
		t.entry.Bytes += done.Bytes
	}
	switch {
	case errors.As(err, &partial) && partial.Interrupted:
		return nil, copier.ErrStopped
	case errors.As(err, &partial) && len(partial.Failed) == 1:
		return nil, fmt.Errorf("loading %s: %w", transfer.Target, partial.Failed[0].Err)
	case err != nil:
		return nil, fmt.Errorf("loading %s: %w", transfer.Target, err)
	case len(res.Tables) != 1 || res.Tables[0].Err != nil:
		return nil, fmt.Errorf("loading %s: the copy has no account of it", transfer.Target)
	}
	if err := r.faults.hit("loaded"); err != nil {
		return nil, err
	}
	a := res.Tables[0]
	v := r.comparison(p, t, verify.LevelDigest)
	v.Plan, v.Source, v.Snapshot = plan, nil, ""
	v.Copied = []verify.SourceSide{{Target: a.Target, Read: a.Read, Framed: a.Framed, Acked: a.Acked, Ledger: a.Ledger, Bytes: a.Bytes, Digest: a.Digest}}
	return compare(ctx, v)
}

// firstLoad copies a table whose target is empty, which is faster than to find out
// that every row is missing.
func (r *run) firstLoad(ctx context.Context, p *prepared, t *table) (bool, error) {
	if len(t.guards.acts) > 0 && !t.guards.mayFire {
		return false, nil
	}
	empty, err := r.empty(ctx, t)
	if err != nil || !empty {
		return false, err
	}
	found, err := r.load(ctx, p, t, *t.transfer, *t.expect, false)
	if dial.SQLState(err) == pgerrcode.ForeignKeyViolation {
		return false, nil // tables that refer to one another: row by row then, and in two passes
	}
	if err != nil {
		return false, err
	}
	if err := r.complete(ctx, t); err != nil {
		return false, err
	}
	t.done = true
	return true, t.judge(found)
}

// notSwappedError is a table that no other can take the place of.
type notSwappedError struct {
	table catalog.Name
	why   []string
}

// Error implements error.
func (e *notSwappedError) Error() string {
	return fmt.Sprintf("table %s cannot be swapped for another: %s; use mode mirror or upsert", e.table, strings.Join(e.why, "; "))
}

// full loads a table anew: beside the one that stands, where the target lets the two
// change places, else into it, in steps.
func (r *run) full(ctx context.Context, p *prepared, t *table) error {
	if t.made { // nobody has looked at it yet
		if loaded, err := r.firstLoad(ctx, p, t); err != nil || loaded {
			return err
		}
	}
	target := t.transfer.Target
	can, err := r.canSwap(ctx)
	if err != nil {
		return err
	}
	var refused []string
	if can {
		plan, err := planSwap(ctx, r.control, target, besideName(target))
		if err != nil {
			return err
		}
		if len(plan.Refused) == 0 {
			return r.swap(ctx, p, t, plan)
		}
		refused = plan.Refused
	}
	switch loaded, err := r.firstLoad(ctx, p, t); {
	case err != nil || loaded:
		return err
	case len(refused) > 0:
		return &notSwappedError{target, refused}
	}
	if len(t.guards.acts) > 0 && !t.guards.mayFire {
		return fmt.Errorf("%s %s of table %s on the target would act on the rows that are loaded: disable it, or name it under allow", t.guards.acts[0].Kind, t.guards.acts[0].Name, target)
	}
	const note = "it is emptied and loaded in steps, since this target does not swap tables: until the end of the run readers see a part of it"
	t.entry.Notes = append(t.entry.Notes, note)
	r.say("%s: %s", target, note)
	found, err := r.load(ctx, p, t, *t.transfer, *t.expect, true)
	if err != nil {
		return err
	}
	t.done = true
	return t.judge(found)
}
