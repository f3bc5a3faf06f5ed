package cli

import (
	"context"
	"fmt"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/copier"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/event"
	"github.com/pg2db9/pg2db9/verify"
)

// countViews counts the rows of the source's materialized views while the
// snapshot lives, on a connection of its own. They are only told of, so what
// cannot be counted is a note.
func (j *job) countViews(ctx context.Context) error {
	filled := 0
	for _, v := range j.plan.Views {
		if v.Refresh != "" {
			filled++
		}
	}
	if filled == 0 || j.opts.SkipVerify || j.snapshot == nil || j.stopped() {
		return nil
	}
	ctx, done := j.untilStop(ctx)
	defer done()
	return j.phase("count views", filled, func() (int, error) {
		conn, err := j.opts.source.Connect(ctx, copier.ReaderSettings(j.profile))
		if err == nil {
			defer func() {
				ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
				defer cancel()
				_ = conn.Close(ctx) // it only read
			}()
			err = dial.BeginSnapshot(ctx, conn, j.snapshot.ID)
		}
		if err == nil {
			var failed map[catalog.Name]error
			j.viewRows, failed, err = verify.CountViews(ctx, conn, j.plan)
			for _, v := range j.plan.Views {
				if why := failed[v.Source]; why != nil {
					j.bus.Emit(event.Note{Text: fmt.Sprintf("the rows of materialized view %s were not counted on the source: %v", v.Source, why)})
				}
			}
		}
		if err != nil && ctx.Err() == nil {
			j.bus.Emit(event.Note{Text: fmt.Sprintf("the rows of the source's materialized views were not counted: %v", err)})
		}
		return 0, nil
	})
}

// notMadeYet says that an object was to be made by a statement that failed.
func (j *job) notMadeYet(s ddlgen.Statement) string {
	for _, a := range j.applied {
		for i := range a.Failed {
			if f := &a.Failed[i].Statement; f.Object == s.Object && !f.Optional {
				return "it was not created"
			}
		}
		for i := range a.Skipped {
			if f := &a.Skipped[i].Statement; f.Object == s.Object && !f.Optional {
				return "it was not created"
			}
		}
	}
	return ""
}

// notFillable says why a materialized view cannot be filled: it was not created,
// or a table that it reads lacks rows.
func (j *job) notFillable(s ddlgen.Statement) string {
	if why := j.notMadeYet(s); why != "" {
		return why
	}
	if t := j.readsIncomplete(catalog.Name{Schema: s.Object.Schema, Name: s.Object.Name}); t != nil {
		return fmt.Sprintf("the rows of %s, which it reads, are not all there", t)
	}
	return ""
}

// readsIncomplete is a table without all of its rows that a view reads; nil is
// none.
func (j *job) readsIncomplete(view catalog.Name) *catalog.Name {
	if j.plan == nil { // a certificate that is held against a target has none
		return nil
	}
	for _, v := range j.plan.Views {
		if v.Name != view {
			continue
		}
		for i := range v.Reads {
			if _, bad := j.incomplete[v.Reads[i]]; bad {
				return &v.Reads[i]
			}
		}
	}
	return nil
}
