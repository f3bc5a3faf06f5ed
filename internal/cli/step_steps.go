package cli

import (
	"context"
	"fmt"

	"github.com/pg2db9/pg2db9/copier"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
	"github.com/pg2db9/pg2db9/internal/preflight"
)

// planSteps finds out what is to be executed after the rows.
func (j *job) planSteps(ctx context.Context) (err error) {
	j.later, err = j.recallSteps(ctx)
	return err
}

// recallSteps are the statements after the rows that no process of this run has
// executed yet. What stands was made by this run, since the target was empty;
// but an index that was begun and not seen to end may stand half built, and is
// dropped to be built again.
func (j *job) recallSteps(ctx context.Context) ([]ddlgen.Statement, error) {
	if j.resumed == nil {
		return j.after(), nil
	}
	steps, err := j.lease.Steps(ctx)
	if err != nil {
		return nil, err
	}
	j.earlier = map[string]bool{}
	var left []ddlgen.Statement
	var stood []copier.Step
	for _, s := range j.plan.Statements {
		_, stands := j.existing.Has(s)
		if s.Phase < ddlgen.PhaseData {
			j.earlier[s.ID] = stands
			continue
		}
		whole := stands
		if stands && s.Object.Kind == "index" && steps[s.ID] == copier.StepBegun {
			if whole, err = j.wholeIndex(ctx, s); err != nil {
				return nil, err
			}
		}
		switch {
		case stands && s.Phase == ddlgen.PhaseForeignKeys && steps[s.ID] == copier.StepFailed:
			left = append(left, validation(s)) // it stands NOT VALID
		case steps[s.ID] == copier.StepDone && (s.Table == nil || j.existing.Stands(*s.Table)): // not dropped since, with its table
			j.earlier[s.ID] = true
		case whole:
			j.earlier[s.ID] = true
			stood = append(stood, copier.Step{ID: s.ID, State: copier.StepDone})
		default:
			left = append(left, s)
		}
	}
	return left, j.lease.Record(ctx, stood)
}

// wholeIndex reports whether an index was built to its end: PostgreSQL tells
// (indisvalid). One that was not, or of which nothing is told, is dropped.
func (j *job) wholeIndex(ctx context.Context, s ddlgen.Statement) (bool, error) {
	conn, err := j.opts.target.Connect(ctx, copier.ControlSettings(j.profile)) // j.target may have idled for days
	if err != nil {
		return false, err
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // of no more use
	if j.profile.FullCatalog {
		valid, err := preflight.IndexValid(ctx, conn, s.Object.Schema, s.Object.Name)
		if err != nil {
			return false, fmt.Errorf("looking whether %s was built to its end: %w", s.Object, err)
		}
		if valid {
			return true, nil
		}
	}
	if _, err := conn.Exec(ctx, "DROP INDEX IF EXISTS "+quote.Name(s.Object.Schema, s.Object.Name)); err != nil {
		return false, fmt.Errorf("dropping %s, which may be half built: %w", s.Object, err)
	}
	return false, nil
}
