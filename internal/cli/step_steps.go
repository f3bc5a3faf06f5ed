package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/copier"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
	"github.com/pg2db9/pg2db9/internal/preflight"
)

// planSteps finds out what is to be executed after the rows.
func (j *job) planSteps(ctx context.Context) error {
	if j.resumed == nil {
		j.later = j.after()
		return nil
	}
	conn, err := j.opts.target.Connect(ctx, copier.ControlSettings(j.profile)) // j.target may have idled for days
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // of no more use
	// Read anew: tables were made, and keys taken away, since the checks.
	if j.stood, err = preflight.ReadExisting(ctx, conn, j.plan, j.profile.FullCatalog); err != nil {
		return fmt.Errorf("reading what stands on the target: %w", err)
	}
	j.later, err = j.recallSteps(ctx, conn)
	return err
}

// told says that the target tells of what a statement makes, so that what stands
// there decides whether it is to be executed, and not what was recorded of it:
// somebody may have dropped it since.
func told(s ddlgen.Statement) bool {
	if !makes(s) {
		return false
	}
	switch s.Phase { //nolint:exhaustive // those that are a constraint or an index
	case ddlgen.PhaseKeys, ddlgen.PhaseChecks, ddlgen.PhaseForeignKeys, ddlgen.PhaseVectorIndexes:
		return true
	}
	return false
}

// makes says that a statement makes the object that it names. Others alter what
// stands there, such as a partition's index that is attached to its parent's:
// that it stands does not say that it was altered.
func makes(s ddlgen.Statement) bool {
	return strings.HasPrefix(s.SQL, "CREATE ") || strings.HasPrefix(s.SQL, "ALTER ") && strings.Contains(s.SQL, " ADD ")
}

// recallSteps are the statements after the rows that no process of this run has
// executed yet. What stands was made by this run, since the target was empty;
// but an index that was begun and not seen to end may stand half built, and is
// dropped to be built again, and a foreign key may stand NOT VALID.
func (j *job) recallSteps(ctx context.Context, conn *pgx.Conn) ([]ddlgen.Statement, error) {
	steps, err := j.lease.Steps(ctx)
	if err != nil {
		return nil, err
	}
	j.earlier = map[string]bool{}
	var left []ddlgen.Statement
	var stood []copier.Step
	for _, s := range j.plan.Statements {
		_, stands := j.stood.Has(s)
		stands = stands && makes(s)
		done := steps[s.ID] == copier.StepDone
		if s.Phase < ddlgen.PhaseData {
			j.earlier[s.ID] = stands
			continue
		}
		if stands && !done {
			switch {
			case s.Object.Kind == "index" && steps[s.ID] == copier.StepBegun:
				stands, err = j.wholeIndex(ctx, conn, s)
			case s.Phase == ddlgen.PhaseForeignKeys && s.Table != nil && !strings.Contains(s.SQL, "NOT VALID"):
				var valid bool
				if valid, err = j.validKey(ctx, conn, s); err == nil && !valid {
					left = append(left, validation(s))
					continue
				}
			}
			if err != nil {
				return nil, err
			}
		}
		switch {
		case stands:
			j.earlier[s.ID] = true
			if !done {
				stood = append(stood, copier.Step{ID: s.ID, State: copier.StepDone})
			}
		case done && !told(s):
			j.earlier[s.ID] = true
		default:
			left = append(left, s)
		}
	}
	j.failures.choose(left, steps)
	return left, j.lease.Record(ctx, stood)
}

// wholeIndex reports whether an index was built to its end: PostgreSQL tells
// (indisvalid). One that was not, or of which nothing is told, is dropped.
func (j *job) wholeIndex(ctx context.Context, conn *pgx.Conn, s ddlgen.Statement) (bool, error) {
	if j.profile.FullCatalog {
		valid, err := preflight.IndexValid(ctx, conn, s.Object.Schema, s.Object.Name)
		if err != nil {
			return false, fmt.Errorf("looking whether %s was built to its end: %w", s.Object, err)
		}
		if valid {
			return true, nil
		}
	}
	drop := ddlgen.Statement{Object: s.Object, Table: s.Table, SQL: "DROP INDEX IF EXISTS " + quote.Name(s.Object.Schema, s.Object.Name)}
	if err := j.execDDL(ctx, conn, drop); err != nil {
		return false, fmt.Errorf("dropping %s, which may be half built: %w", s.Object, err)
	}
	return false, nil
}

// validKey reports whether a foreign key that stands holds for all rows, where
// the target tells.
func (j *job) validKey(ctx context.Context, conn *pgx.Conn, s ddlgen.Statement) (bool, error) {
	if !j.profile.FullCatalog {
		return true, nil
	}
	valid, err := preflight.ConstraintValid(ctx, conn, *s.Table, s.Object.Name)
	if err != nil {
		return false, fmt.Errorf("looking whether %s was validated: %w", s.Object, err)
	}
	return valid, nil
}

// unlink takes the plan's foreign keys from and to tables that are loaded anew or
// reconciled away, and the triggers and rules upon them: they would refuse that,
// or act on it. They are made again after the rows, as all that follows them.
func (j *job) unlink(ctx context.Context, tables []catalog.Name) error {
	among := map[catalog.Name]bool{}
	for _, t := range tables {
		among[t] = true
	}
	var drops []ddlgen.Statement
	again := map[string]bool{}
	for _, s := range j.plan.Statements {
		if _, stands := j.stood.Has(s); !stands || s.Table == nil {
			continue
		}
		drop := ""
		switch {
		case s.Phase == ddlgen.PhaseForeignKeys && (among[*s.Table] || s.RefTable != nil && among[*s.RefTable]):
			drop = "ALTER TABLE " + quote.Name(s.Table.Schema, s.Table.Name) + " DROP CONSTRAINT IF EXISTS " + quote.Ident(s.Object.Name)
		case s.Phase == ddlgen.PhaseTriggers && among[*s.Table] && strings.HasPrefix(s.Undo, "DROP "):
			drop = s.Undo
		}
		if drop != "" {
			again[s.ID] = true
			if !slices.ContainsFunc(drops, func(d ddlgen.Statement) bool { return d.SQL == drop }) {
				drops = append(drops, ddlgen.Statement{Object: s.Object, Table: s.Table, RefTable: s.RefTable, SQL: drop})
			}
		}
	}
	if len(drops) == 0 {
		return nil
	}
	var steps []copier.Step
	var later []ddlgen.Statement
	waiting := map[string]bool{}
	for _, s := range j.later {
		waiting[s.ID] = true
	}
	for _, s := range j.plan.Statements {
		switch {
		case again[s.ID]:
			delete(j.earlier, s.ID)
			j.failures.take(s.ID)
			steps = append(steps, copier.Step{ID: s.ID, State: copier.StepBegun})
			later = append(later, s)
		case waiting[s.ID]:
			later = append(later, s)
		}
	}
	for i := range later { // as it was: some are validations alone
		if at := slices.IndexFunc(j.later, func(s ddlgen.Statement) bool { return s.ID == later[i].ID }); at >= 0 && !again[later[i].ID] {
			later[i] = j.later[at]
		}
	}
	if err := j.stillOurs(ctx); err != nil {
		return err
	}
	if err := j.lease.Record(ctx, steps); err != nil {
		return err
	}
	j.later = later
	conn, err := j.opts.target.Connect(ctx, copier.ControlSettings(j.profile))
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // of no more use
	for _, drop := range drops {
		if err := j.execDDL(ctx, conn, drop); err != nil {
			return fmt.Errorf("taking away what is in the way of tables that are loaded again (%s): %w", drop.SQL, err)
		}
	}
	return nil
}

// execDDL executes one statement on conn, and waits for locks as Apply does.
func (j *job) execDDL(ctx context.Context, conn *pgx.Conn, s ddlgen.Statement) error {
	return copier.ExecDDL(ctx, conn, copier.ApplyParams{Patience: j.patience(), Stop: j.stop, Bus: j.bus}, s)
}
