package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/copier"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/config"
	"github.com/pg2db9/pg2db9/internal/event"
	"github.com/pg2db9/pg2db9/internal/preflight"
	"github.com/pg2db9/pg2db9/internal/ui/report"
	"github.com/pg2db9/pg2db9/verify"
)

// match picks the chosen tables of a listing. A source without tables is no
// error where the user chose none.
func (j *job) match(refs []catalog.TableRef) ([]catalog.Name, error) {
	names, err := j.opts.filter.Match(refs)
	if errors.Is(err, catalog.ErrNothingSelected) && !j.opts.filtered() {
		return nil, nil
	}
	return names, err
}

// openSnapshot fixes the moment that is copied, and locks the chosen tables
// against change.
func (j *job) openSnapshot(ctx context.Context) error { return j.openSnapshotOf(ctx, j.match) }

// openSnapshotUnlocked is for what reads definitions alone: it needs no right
// on the tables and holds no lock.
func (j *job) openSnapshotUnlocked(ctx context.Context) error {
	return j.openSnapshotOf(ctx, func([]catalog.TableRef) ([]catalog.Name, error) { return nil, nil })
}

func (j *job) openSnapshotOf(ctx context.Context, match func([]catalog.TableRef) ([]catalog.Name, error)) error {
	return j.phase("snapshot", 0, func() (int, error) {
		p := copier.SnapshotParams{
			Source: j.opts.source, Settings: copier.ReaderSettings(j.profile), Match: match, Bus: j.bus,
			Lockers: j.lockers, Yield: j.opts.polite.yield,
		}
		s, err := j.joinKept(ctx, p)
		if s == nil && err == nil {
			s, err = copier.OpenSnapshot(ctx, p)
		}
		if err != nil {
			return 0, err
		}
		j.snapshot, j.opened = s, time.Now()
		j.rep.Snapshot = &report.Snapshot{ID: s.ID, Taken: s.Taken}
		j.log.InfoContext(ctx, "snapshot taken", "snapshot", s.ID, "taken", s.Taken)
		return 0, nil
	})
}

// loadCatalog reads the schema in the snapshot and takes the chosen part of it.
func (j *job) loadCatalog(ctx context.Context) error {
	var whole *catalog.Database
	err := j.phase("catalog", 0, func() (int, error) {
		db, err := catalog.Load(ctx, j.snapshot.Conn(), catalog.LoadOptions{NoSizes: j.command == cmdSequences})
		if err != nil {
			return 0, err
		}
		selected, found, err := db.Select(j.opts.filter)
		if errors.Is(err, catalog.ErrNothingSelected) && !j.opts.filtered() {
			selected, found, err = db, nil, nil
		}
		if err != nil {
			return 0, err
		}
		whole, j.db = db, selected
		if j.opts.LeftBehind != "" {
			j.whole = db
		}
		j.found(found)
		return 0, nil
	})
	if err != nil {
		return err
	}
	return j.mapNames(ctx, whole)
}

// findUnfit looks for values that the target would refuse in the middle of the
// copy. Comparing looks too where the user has accepted some: they arrived as
// something else.
func (j *job) findUnfit(ctx context.Context) error {
	if !j.profile.Map || (j.command == cmdVerify || j.command == cmdRepair) && len(j.opts.Accept) == 0 {
		return nil
	}
	return j.phase("values", len(j.db.Tables), func() (int, error) {
		var err error
		j.unfit, err = preflight.UnfitValues(ctx, j.source, j.db, j.profile, j.mapping)
		return 0, err
	})
}

// makePlan decides what will be done to the target.
func (j *job) makePlan(onlyData bool) step {
	return func(ctx context.Context) error {
		opts := ddlgen.Options{
			Accept: j.opts.Accept, OnlyData: onlyData, OnlySchema: j.command == cmdSchema && j.opts.Apply == "", Sketch: j.command == cmdAssess, Binary: j.opts.Format == config.FormatBinary, Unfit: j.unfit, TargetVersion: j.targetAbout.Version,
			Mapping: j.mapping, Dangling: j.dangling, Unserved: j.unserved,
			Roles: j.opts.Roles, Owners: j.opts.Owners, Privileges: j.opts.Privileges, Policies: j.opts.Policies, NoComments: j.opts.NoComments,
		}
		if j.facts != nil {
			opts.ProviderRoles, opts.ProviderEventTriggers = j.facts.Provider.Roles, j.facts.Provider.EventTriggers
		}
		if j.target != nil && !onlyData {
			var err error
			if opts.TargetRoles, opts.TargetObeysPolicies, err = preflight.Roles(ctx, j.target); err != nil {
				return fmt.Errorf("asking the target for its roles: %w", err)
			}
		}
		if j.target != nil && !j.profile.Map {
			var err error
			if opts.TargetExtensions, err = preflight.AvailableExtensions(ctx, j.target); err != nil {
				return fmt.Errorf("asking the target for its extensions: %w", err)
			}
			if opts.TargetCollations, err = preflight.Collations(ctx, j.target); err != nil {
				return fmt.Errorf("asking the target for its collations: %w", err)
			}
		}
		plan, err := ddlgen.Generate(j.db, j.profile, opts)
		if err != nil {
			return err
		}
		if onlyData { // sequences are left as they are
			rows := *plan
			rows.Sequences = nil
			plan = &rows
		}
		j.plan = plan
		for _, f := range plan.Findings {
			j.bus.Emit(event.Found{Finding: f})
		}
		return nil
	}
}

// checkTarget compares the plan with what stands on the target, and what the
// source's role may read of it.
func (j *job) checkTarget(onlyData bool) step {
	return func(ctx context.Context) error {
		existing, err := preflight.ReadExisting(ctx, j.target, j.plan, j.profile.FullCatalog)
		if err != nil {
			return fmt.Errorf("reading what stands on the target: %w", err)
		}
		j.existing = existing
		sequences := make([]catalog.Name, len(j.plan.Sequences))
		for i, s := range j.plan.Sequences {
			sequences[i] = s.Source
		}
		target := preflight.Target{
			Q: j.target, Plan: j.plan, Existing: existing, OnExisting: j.existingMode(), OnlyData: onlyData,
			Foreign: !j.profile.FullCatalog,
		}
		if target.Foreign && target.OnExisting == preflight.Truncate && !onlyData && len(existing.Tables(j.plan)) > 0 {
			if target.Unfit, _, err = verify.CheckColumns(ctx, j.target, j.plan); err != nil {
				return fmt.Errorf("reading what stands on the target: %w", err)
			}
		}
		checks := preflight.TargetChecks(target)
		return j.check(ctx, append(checks, preflight.SourceSequences(j.source, sequences)))
	}
}

// refuseBlocked ends the run where a finding blocks that the user did not accept.
func (j *job) refuseBlocked() error {
	var blocked []finding.Finding
	for _, f := range j.allFindings() {
		if f.Severity == finding.Block && !j.opts.accepted(f) {
			blocked = append(blocked, f)
		}
	}
	if len(blocked) == 0 {
		return nil
	}
	j.hold(Blocked)
	return &blockedError{blocked}
}

// refuseBlockedPlan is refuseBlocked as a step: the plan's findings with those
// before it.
func (j *job) refuseBlockedPlan(context.Context) error { return j.refuseBlocked() }

// allFindings are those of the steps and those of the plan.
func (j *job) allFindings() []finding.Finding {
	if j.plan == nil {
		return j.findings
	}
	return slices.Concat(j.findings, j.plan.Findings)
}

// blockedError is a run that findings stop before anything is written.
type blockedError struct{ findings []finding.Finding }

// Error implements error: the first finding whole, the others counted; the
// report has them all.
func (e *blockedError) Error() string {
	f := e.findings[0]
	msg := fmt.Sprintf("nothing was written: %s: %s", f.Object, f.Message)
	if len(e.findings) > 1 {
		msg = fmt.Sprintf("nothing was written: %d findings block the run, the first: %s: %s", len(e.findings), f.Object, f.Message)
	}
	if f.Remedy != "" {
		msg += "; what to do: " + f.Remedy
	}
	return msg
}
