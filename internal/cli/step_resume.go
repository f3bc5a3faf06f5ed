package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/copier"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/config"
	"github.com/pg2db9/pg2db9/internal/event"
	"github.com/pg2db9/pg2db9/internal/preflight"
)

// checkResume refuses options that say nothing without --resume, or against it.
func checkResume(command string, cfg *config.Config) error {
	if cfg.Resume {
		if cfg.Given("on-existing") && !cfg.InFile("on-existing") {
			return usagef(command, "%s: --resume goes on with what stands on the target; leave one of the two out", cfg.Where("on-existing"))
		}
		return nil
	}
	for _, name := range []string{"new-snapshot", "on-changed", "redo", "skip", "retry-failed"} {
		if cfg.Given(name) && !cfg.InFile(name) {
			return usagef(command, "%s is for a run that is continued: it needs --resume", cfg.Where(name))
		}
	}
	return nil
}

// findRun looks for the run that --resume continues, and takes its lease. On a
// target without a run of this command's and source's a new one is begun.
func (j *job) findRun(ctx context.Context) error {
	j.onExisting = j.opts.OnExisting
	if !j.opts.Resume {
		return nil
	}
	j.onExisting = config.Refuse
	runs, err := copier.Runs(ctx, j.target)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(runs, func(r copier.Run) bool { return r.Command == j.command && r.Source == j.opts.source.String() })
	switch {
	case at < 0 && len(runs) > 0:
		return fmt.Errorf("nothing to resume: the target's ledger has no run of %s from %s; its last is %s, of %s from %s: "+
			"name that source, or leave --resume out", j.command, j.opts.source, runs[0].ID, runs[0].Command, runs[0].Source)
	case at < 0:
		j.bus.Emit(event.Note{Text: "the target knows no run that could be continued: a new one is begun"})
		return nil
	}
	r := runs[at]
	if r.State == copier.StateDone && len(j.opts.Redo) == 0 {
		return j.finishedBefore(ctx, r)
	}
	j.id, j.rep.Run, j.resumed = r.ID, r.ID, &r
	j.runID.Store(&r.ID)
	if j.lease, err = copier.ResumeRun(ctx, j.runParams(r)); err != nil {
		return err
	}
	if err := j.findFailures(ctx); err != nil {
		return err
	}
	var asked runOptions
	if err := json.Unmarshal([]byte(r.Options), &asked); err != nil {
		return fmt.Errorf("run %s in the ledger was changed by somebody else: what was asked for cannot be read: %w", r.ID, err)
	}
	j.onExisting = asked.OnExisting
	if r.State == copier.StateCreating && j.onExisting == config.Refuse {
		// The target was empty, and there are no rows yet: what stands is this run's,
		// whole or half.
		j.onExisting = config.Drop
	}
	return nil
}

// finishedBefore is the end of a run that has nothing left to do, but for rows
// that the target refused and that nobody has mended.
func (j *job) finishedBefore(ctx context.Context, r copier.Run) error {
	n, err := copier.CountRejects(ctx, j.target, r.ID)
	if err != nil {
		return err
	}
	j.message = fmt.Sprintf("run %s was finished at %s: nothing is left to do", r.ID, r.Changed.UTC().Format(time.DateTime))
	if n > 0 && !j.opts.RejectsOK {
		j.id, j.rep.Run = r.ID, r.ID
		j.message = fmt.Sprintf("run %s was finished at %s, but for %s refused by the target, in _pg2db9.reject", r.ID, r.Changed.UTC().Format(time.DateTime), count(int(n), "row"))
		j.next = []string{j.exportAgain()}
		j.hold(Partial)
	}
	return errDone
}

// runOptions is what the ledger keeps of a run's options.
type runOptions struct {
	OnExisting string   `json:"on_existing"`
	Plan       []string `json:"plan"` // what shapes the plan, as option=value
}

// planShaping are the options that a continued run must share with its beginning.
func planShaping() []string {
	return slices.Concat(filterOptions, []string{"profile", "primary-key", "format"})
}

// asked is this run's options for the ledger.
func (j *job) asked() string {
	o := runOptions{OnExisting: j.onExisting, Plan: []string{}}
	for _, x := range j.opts.Effective() {
		name, _, _ := strings.Cut(x, "=")
		if slices.Contains(planShaping(), name) {
			o.Plan = append(o.Plan, x)
		}
	}
	slices.Sort(o.Plan)
	b, err := json.Marshal(o)
	if err != nil {
		panic(err) // strings alone
	}
	return string(b)
}

func (j *job) runParams(r copier.Run) copier.RunParams {
	return copier.RunParams{
		Target: j.opts.target, Settings: copier.ControlSettings(j.profile), Patience: j.patience(), Run: r,
		Lost: func(err error) {
			j.takenOver.Store(true)
			j.abandon(err)
		},
	}
}

// claimRun records the run before anything is written to the target, or holds
// the plan against that of the run that is continued.
func (j *job) claimRun(ctx context.Context) error {
	if j.lease == nil {
		var err error
		j.lease, err = copier.BeginRun(ctx, j.runParams(copier.Run{
			ID: j.id, Command: j.command, Tool: "pg2db9 " + version(), Source: j.opts.source.String(), Profile: j.profile.Name,
			SchemaHash: j.plan.Hash(), PlanHash: j.plan.Fingerprint(), Options: j.asked(),
			Snapshot: j.snapshot.ID, Taken: j.snapshot.Taken, Kept: j.kept,
		}))
		if err == nil {
			j.written.Store(true) // the ledger, which --resume finds
			j.claimed = true
			err = j.fenceOthers(ctx)
		}
		return err
	}
	if err := j.samePlan(); err != nil {
		return err
	}
	j.claimed = true
	j.written.Store(true)
	if err := j.forgetDropped(ctx); err != nil {
		return err
	}
	if err := j.fenceOthers(ctx); err != nil {
		return err
	}
	if j.joined {
		return nil
	}
	if j.resumed.Kept.PID != 0 { // nobody joins it any more
		j.endKeeper(ctx, j.resumed.Kept)
	}
	return j.lease.Keep(ctx, j.kept, j.snapshot)
}

// forgetRun takes the record of a new run back where nothing came of it.
func (j *job) forgetRun(ctx context.Context) error {
	if j.lease == nil || j.resumed != nil {
		return nil
	}
	if err := j.lease.Forget(ctx); err != nil {
		return err
	}
	j.lease, j.claimed = nil, false
	j.written.Store(false)
	return nil
}

// samePlan refuses to continue a run by a plan that would load other rows or
// other tables, and says what is different.
func (j *job) samePlan() error {
	r := j.resumed
	if r.PlanHash == j.plan.Fingerprint() || r.State == copier.StateCreating {
		return nil
	}
	var then, now runOptions
	if err := errors.Join(json.Unmarshal([]byte(r.Options), &then), json.Unmarshal([]byte(j.asked()), &now)); err != nil {
		return fmt.Errorf("comparing the options of run %s: %w", r.ID, err)
	}
	var diff []string
	for _, o := range then.Plan {
		if !slices.Contains(now.Plan, o) {
			diff = append(diff, "it was begun with --"+o)
		}
	}
	for _, o := range now.Plan {
		if !slices.Contains(then.Plan, o) {
			diff = append(diff, "--"+o+" is new")
		}
	}
	switch {
	case len(diff) > 0:
		return usagef(j.command, "run %s cannot be continued with other options: %s", r.ID, strings.Join(diff, ", "))
	case r.SchemaHash != j.plan.Hash():
		j.next = []string{j.commandAgain("--on-existing", config.Drop)} // --resume would be refused again
		return fmt.Errorf("run %s cannot be continued: the source's schema was changed since it began, and its tables would not take the rows as they are now; "+
			"begin anew with --on-existing drop", r.ID)
	case r.Profile != j.profile.Name:
		return usagef(j.command, "run %s was begun under profile %s, not %s: give --profile", r.ID, r.Profile, j.profile.Name)
	}
	j.next = []string{j.commandAgain("--on-existing", config.Drop)}
	return fmt.Errorf("run %s cannot be continued: %s makes other tables of this schema than %s did, or the target was found to take other ones; "+
		"continue with that version, or begin anew with --on-existing drop", r.ID, "pg2db9 "+version(), r.Tool)
}

// stillOurs ends the steps where another process has taken the run over: what
// follows the rows is not fenced off by the epochs of parts.
func (j *job) stillOurs(ctx context.Context) error {
	err := j.lease.Check(ctx)
	var taken *copier.TakenOverError
	if errors.As(err, &taken) {
		j.takenOver.Store(true)
	}
	return err
}

// endRun gives the run's lease back; a run of which nothing is left to do is
// done. The error is one that ended the run, or that it is another's by now.
func (j *job) endRun(ctx context.Context, err error) error {
	if j.lease == nil {
		return err
	}
	j.partialStatements()
	state := ""
	if j.claimed && (err == nil || errors.Is(err, errDone)) && !j.stopped() && worst(append(slices.Clone(j.codes), OK)...) == OK {
		state = copier.StateDone
	}
	var taken *copier.TakenOverError
	switch lost := j.lease.End(ctx, state); {
	case errors.As(lost, &taken):
		j.takenOver.Store(true)
		return taken
	case lost != nil:
		j.bus.Emit(event.Note{Text: fmt.Sprintf("the run's lease could not be given back (%v): it runs out by itself", lost)})
		if state == copier.StateDone {
			j.hold(Partial)
		}
	}
	return err
}

// resume says how the copier takes the run up again; nil where it begins it.
func (j *job) resume() (*copier.Resume, error) {
	if !j.continued() {
		return nil, nil //nolint:nilnil // nothing is resumed
	}
	redo, err := j.named("redo", j.opts.Redo)
	if err != nil {
		return nil, err
	}
	skip, err := j.named("skip", j.opts.Skip)
	if err != nil {
		return nil, err
	}
	for _, t := range j.plan.Transfers { // dropped by somebody since: their rows went with them
		if t.NoData == "" && !j.existing.Stands(t.Target) {
			redo = append(redo, t.Target)
		}
	}
	return &copier.Resume{SameSnapshot: j.joined, OnChanged: copier.OnChanged(j.opts.OnChanged), Redo: redo, Skip: skip, OnlyFailed: j.opts.RetryFailed, Unlink: j.unlink, Reread: j.readsAgain()}, nil
}

// named are the target tables of the source tables that match patterns.
func (j *job) named(option string, patterns []string) ([]catalog.Name, error) {
	if len(patterns) == 0 {
		return nil, nil
	}
	refs := make([]catalog.TableRef, len(j.plan.Transfers))
	for i, t := range j.plan.Transfers {
		refs[i] = catalog.TableRef{Name: t.Source}
	}
	names, err := catalog.Filter{IncludeTables: patterns}.Match(refs)
	if err != nil {
		return nil, usagef(j.command, "%s: %v", j.opts.Where(option), err)
	}
	var out []catalog.Name
	for _, t := range j.plan.Transfers {
		if slices.Contains(names, t.Source) {
			out = append(out, t.Target)
		}
	}
	return out, nil
}

// continued reports whether an earlier process of the run had made all tables.
func (j *job) continued() bool {
	return j.resumed != nil && j.resumed.State != copier.StateCreating
}

// dropped are the statements that make tables of a continued run which somebody
// has dropped since; and, where the run has to empty tables, that take the foreign
// keys away which would be in the way.
func (j *job) dropped() []ddlgen.Statement {
	var out []ddlgen.Statement
	if j.onExisting == config.Truncate && j.resumed.State != copier.StateLoaded {
		out = removals("unlink", j.existing.ForeignKeyDrops(j.plan))
	}
	for _, s := range j.plan.Statements {
		if s.Phase == ddlgen.PhaseTables && s.Table != nil && !j.existing.Stands(*s.Table) {
			out = append(out, s)
		}
	}
	return out
}

// forgetDropped records that what followed the rows of a table which somebody has
// dropped is to be done again.
func (j *job) forgetDropped(ctx context.Context) error {
	if !j.continued() {
		return nil
	}
	var steps []copier.Step
	for _, s := range j.plan.Statements {
		if s.Phase > ddlgen.PhaseData && s.Table != nil && !j.existing.Stands(*s.Table) {
			steps = append(steps, copier.Step{ID: s.ID, State: copier.StepBegun})
		}
	}
	return j.lease.Record(ctx, steps)
}

// fenceOthers keeps writers of other runs from tables that are dropped: what they
// have under way would go into the new ones of the same names.
func (j *job) fenceOthers(ctx context.Context) error {
	if j.onExisting != config.Drop {
		return nil
	}
	tables := make([]catalog.Name, len(j.plan.Transfers))
	for i, t := range j.plan.Transfers {
		tables[i] = t.Target
	}
	return j.lease.FenceOthers(ctx, tables)
}

// existingMode is what the checks of the target go by.
func (j *job) existingMode() preflight.OnExisting {
	if j.continued() {
		return preflight.Resume
	}
	return preflight.OnExisting(j.onExisting)
}

// resumeAbout is what the help of clone and copy says of runs that are continued.
const resumeAbout = "A run that was broken off, by whatever, is continued by the same command with --resume, from any machine:\n" +
	"what the target holds is known there (schema _pg2db9). While the snapshot is kept nothing is sent twice."
