package sync

import (
	"context"
	"fmt"
	"slices"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/copier"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
	"github.com/pg2db9/pg2db9/internal/preflight"
)

// making stands in the ledger for what a table shall be, while it is made and loaded
// for the first time: a run that finds it there makes the table anew.
const making = "making"

// create makes a table that the target has not, as clone would: with its types,
// sequences, keys, indexes, constraints and comments, but without triggers. What
// follows the rows is left to complete.
func (r *run) create(ctx context.Context, p *prepared, t *table) error {
	if p.full == nil {
		opts := ddlgen.Options{}
		if !r.Profile.Map {
			var err error
			if opts.TargetExtensions, err = preflight.AvailableExtensions(ctx, r.control); err != nil {
				return fmt.Errorf("asking the target for its extensions: %w", err)
			}
			if opts.TargetCollations, err = preflight.Collations(ctx, r.control); err != nil {
				return fmt.Errorf("asking the target for its collations: %w", err)
			}
		}
		plan, err := r.plan(ctx, p, p.whole, opts)
		if err != nil {
			return err
		}
		p.full = plan
	}
	target := t.transfer.Target
	if _, err := r.control.Exec(ctx, "UPDATE _pg2db9.sync_table SET wanted = $3, moment = NULL WHERE target_schema = $1 AND target_name = $2", target.Schema, target.Name, making); err != nil {
		return fmt.Errorf("recording in the ledger that %s is made: %w", target, err)
	}
	t.state = state{mode: t.state.mode}
	var before []ddlgen.Statement
	for _, s := range p.full.Statements {
		switch {
		case s.Phase < ddlgen.PhaseData && t.needs(p.full, &s):
			before = append(before, s)
		case s.Phase > ddlgen.PhaseData && t.owns(&s):
			t.later = append(t.later, s)
		}
	}
	for _, v := range p.full.Sequences {
		if feeds(v, target) {
			t.sequences = append(t.sequences, v)
		}
	}
	if err := r.apply(ctx, t, before); err != nil {
		return err
	}
	t.made = true
	t.entry.Notes = append(t.entry.Notes, "the table was made on the target")
	r.say("%s: the target had no such table: it was made, as clone makes it", target)
	return r.faults.hit("created")
}

// unmake takes away a table that a run has made and not finished.
func (r *run) unmake(ctx context.Context, t *table) error {
	target := t.transfer.Target
	if _, err := r.control.Exec(ctx, "DROP TABLE IF EXISTS "+quote.Name(target.Schema, target.Name)); err != nil {
		return fmt.Errorf("dropping table %s, which a run had made and not loaded to its end: %w", target, err)
	}
	t.exists = false
	return nil
}

// needs says whether a statement comes before the table's rows.
func (t *table) needs(plan *ddlgen.Plan, s *ddlgen.Statement) bool {
	target := t.transfer.Target
	switch s.Phase {
	case ddlgen.PhaseSequences:
		i := slices.IndexFunc(plan.Sequences, func(v ddlgen.SequenceValue) bool {
			return v.Target == catalog.Name{Schema: s.Object.Schema, Name: s.Object.Name}
		})
		return i < 0 || feeds(plan.Sequences[i], target)
	case ddlgen.PhaseTables:
		return s.Table != nil && *s.Table == target || s.Object.Kind == "table" && s.Object.Schema == target.Schema && s.Object.Name == target.Name
	default:
		return s.Table == nil || *s.Table == target
	}
}

// owns says whether a statement belongs to the table and follows its rows.
func (t *table) owns(s *ddlgen.Statement) bool {
	target := t.transfer.Target
	if s.Table == nil || *s.Table != target {
		return false
	}
	switch s.Phase {
	case ddlgen.PhaseKeys, ddlgen.PhaseChecks, ddlgen.PhaseForeignKeys, ddlgen.PhaseSequenceValues, ddlgen.PhaseVectorIndexes, ddlgen.PhaseComments, ddlgen.PhaseAnalyze:
		return true
	default:
		return false
	}
}

// feeds says whether a table takes values from a sequence.
func feeds(v ddlgen.SequenceValue, target catalog.Name) bool {
	return v.Owner != nil && v.Owner.Table == target || slices.ContainsFunc(v.Feeds, func(f ddlgen.Feed) bool { return f.Target.Table == target })
}

// apply executes statements; what exists already is done. A foreign key that cannot be
// made is said, and no failure: what it refers to may be no table of the job file.
func (r *run) apply(ctx context.Context, t *table, statements []ddlgen.Statement) error {
	done, err := copier.Apply(ctx, copier.ApplyParams{
		Target: r.Target, Settings: copier.ControlSettings(r.Profile), Statements: statements, Jobs: 1, Again: true, Patience: r.Patience, Stop: r.Stop,
	})
	if err != nil {
		return fmt.Errorf("making %s: %w", t.transfer.Target, err)
	}
	for _, f := range done.Failed {
		if f.Statement.Optional {
			continue
		}
		if f.Statement.Phase == ddlgen.PhaseForeignKeys {
			note := fmt.Sprintf("%s was not made on the target: %v", f.Statement.Object, f.Err)
			t.entry.Notes = append(t.entry.Notes, note)
			r.say("%s", note)
			continue
		}
		return fmt.Errorf("making %s: %w", t.transfer.Target, &f)
	}
	if len(done.Skipped) > 0 && r.stopped() {
		return copier.ErrStopped
	}
	return nil
}

// complete does what follows the rows of a table that was made here.
func (r *run) complete(ctx context.Context, t *table) error {
	if !t.made {
		return nil
	}
	if err := r.apply(ctx, t, t.later); err != nil {
		return err
	}
	set, err := copier.SetSequences(ctx, copier.SequenceParams{Source: r.Source, Target: r.Target, Settings: copier.ControlSettings(r.Profile), Values: t.sequences})
	if err != nil {
		return fmt.Errorf("setting the sequences of %s: %w", t.transfer.Target, err)
	}
	for _, s := range set {
		if s.Err != nil {
			return fmt.Errorf("setting sequence %s: %w", s.Target, s.Err)
		}
	}
	return nil
}
