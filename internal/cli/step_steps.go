package cli

import (
	"context"
	"fmt"
	"slices"

	"github.com/pg2db9/pg2db9/copier"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
	"github.com/pg2db9/pg2db9/internal/preflight"
)

// recallSteps takes the statements that an earlier process of this run has
// executed out of what is to be done, and drops indexes that one left half built.
func (j *job) recallSteps(ctx context.Context, statements []ddlgen.Statement) ([]ddlgen.Statement, error) {
	if j.resumed == nil {
		return statements, nil
	}
	steps, err := j.lease.Steps(ctx)
	if err != nil {
		return nil, err
	}
	j.earlier = map[string]bool{}
	var left []ddlgen.Statement
	var half []string
	for _, s := range statements {
		if steps[s.ID] == copier.StepDone {
			j.earlier[s.ID] = true
			continue
		}
		left = append(left, s)
		if steps[s.ID] == copier.StepBegun && s.Object.Kind == "index" {
			half = append(half, s.ID)
		}
	}
	for _, s := range j.plan.Statements { // what stands was made by this run: the target was empty
		if _, has := j.existing.Has(s); has && !slices.Contains(half, s.ID) {
			j.earlier[s.ID] = true
		}
	}
	if len(half) == 0 {
		return left, nil
	}
	// One that was begun and not seen to end may stand half built: PostgreSQL tells
	// (indisvalid), others do not, and there it is built again in any case.
	for _, s := range j.plan.Statements {
		if !slices.Contains(half, s.ID) {
			continue
		}
		if _, stands := j.existing.Has(s); !stands {
			continue
		}
		valid := false
		if j.profile.FullCatalog {
			if valid, err = preflight.IndexValid(ctx, j.target, s.Object.Schema, s.Object.Name); err != nil {
				return nil, fmt.Errorf("looking whether index %s was built to its end: %w", s.Object, err)
			}
		}
		if valid {
			j.earlier[s.ID] = true
			continue
		}
		if _, err := j.target.Exec(ctx, "DROP INDEX IF EXISTS "+quote.Name(s.Object.Schema, s.Object.Name)); err != nil {
			return nil, fmt.Errorf("dropping index %s, which was left half built: %w", s.Object, err)
		}
		left = append(left, s)
	}
	slices.SortStableFunc(left, func(a, b ddlgen.Statement) int { return int(a.Phase) - int(b.Phase) })
	return left, nil
}
