package cli

import (
	"context"
	"fmt"
	"slices"

	"github.com/pg2db9/pg2db9/copier"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/event"
	"github.com/pg2db9/pg2db9/verify"
)

// checkColumns reads the new tables back before a row is sent, where the target
// may have made a type into another in silence. A table that is not as planned
// gets no rows; the others go on.
func (j *job) checkColumns(ctx context.Context) error {
	if j.profile.FullCatalog || len(j.plan.Transfers) == 0 || j.stopped() {
		return nil
	}
	conn, err := j.opts.target.Connect(ctx, copier.ControlSettings(j.profile))
	if err != nil {
		return fmt.Errorf("reading the new tables back: %w", err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
		defer cancel()
		_ = conn.Close(ctx) // it only read
	}()
	unfit, assumed, err := verify.CheckColumns(ctx, conn, j.plan)
	if err != nil {
		return fmt.Errorf("reading the new tables back: %w", err)
	}
	if assumed != "" {
		j.bus.Emit(event.Note{Text: assumed})
	}
	for _, t := range j.plan.Transfers {
		if why := unfit[t.Target]; why != nil {
			j.incomplete[t.Target] = why
			j.hold(Partial)
		}
	}
	return nil
}

// toCopy is the plan without the tables that get no rows: by the user's wish,
// or since they are not as planned.
func (j *job) toCopy() *ddlgen.Plan {
	plan := *j.plan
	plan.Transfers = slices.DeleteFunc(slices.Clone(plan.Transfers), func(t ddlgen.Transfer) bool { return t.NoData != "" || j.incomplete[t.Target] != nil })
	return &plan
}

// notMade are the IDs of the plan's statements that were not executed, so that
// nobody looks for what they would have made.
func (j *job) notMade() map[string]bool {
	out := map[string]bool{}
	for _, a := range j.applied {
		for i := range a.Failed {
			out[a.Failed[i].Statement.ID] = true
		}
		for i := range a.Skipped {
			out[a.Skipped[i].Statement.ID] = true
		}
	}
	return out
}
