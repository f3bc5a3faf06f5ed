package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/copier"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/config"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/preflight"
)

// mostAtomic is how many statements are made in one transaction at most: each
// table needs a handful of locks, which the server holds in a table of fixed size.
const mostAtomic = 1000

// before are the plan's statements before the data, as this run executes them:
// after what --on-existing asks for, and without what stands there already.
func (j *job) before() []ddlgen.Statement {
	if j.continued() {
		return j.dropped()
	}
	var out []ddlgen.Statement
	if j.existing != nil {
		switch j.onExisting {
		case config.Drop:
			out = removals("drop", j.existing.Drops(j.plan))
		case config.Truncate:
			out = removals("unlink", j.existing.ForeignKeyDrops(j.plan))
		}
	}
	for _, s := range j.missing() {
		if s.Phase < ddlgen.PhaseData {
			out = append(out, s)
		}
	}
	return out
}

// after are the plan's statements after the data.
func (j *job) after() []ddlgen.Statement {
	var out []ddlgen.Statement
	for _, s := range j.missing() {
		if s.Phase > ddlgen.PhaseData {
			out = append(out, s)
		}
	}
	return out
}

// missing are the plan's statements for what does not stand on the target, or
// will not when it is their turn.
func (j *job) missing() []ddlgen.Statement {
	if j.existing == nil || j.onExisting == config.Drop {
		return j.plan.Statements
	}
	var out []ddlgen.Statement
	for _, s := range j.plan.Statements {
		_, has := j.existing.Has(s)
		if !has || s.Phase == ddlgen.PhaseForeignKeys && j.onExisting == config.Truncate {
			out = append(out, s)
		}
	}
	return out
}

// removals turns the statements of --on-existing into statements of the first phase.
func removals(word string, sql []string) []ddlgen.Statement {
	out := make([]ddlgen.Statement, len(sql))
	for i, s := range sql {
		out[i] = ddlgen.Statement{
			ID: fmt.Sprintf("%s/%d", word, i+1), Phase: ddlgen.PhasePrepare, SQL: s,
			Object: finding.Object{Kind: "existing", Name: s},
		}
		if i > 0 {
			out[i].After = []string{out[i-1].ID}
		}
	}
	return out
}

// create makes what the data need on the target. On PostgreSQL it is one
// transaction: a failure leaves the target as it was.
func (j *job) create(ctx context.Context) error {
	statements := j.before()
	atomic := !j.profile.Map && len(statements) <= mostAtomic
	if !atomic {
		j.written.Store(true)
	}
	return j.phase("tables", len(statements), func() (int, error) {
		a, err := copier.Apply(ctx, copier.ApplyParams{
			Target: j.opts.target, Settings: copier.ControlSettings(j.profile), Statements: statements, Jobs: j.jobs, StopAtFirst: true, Atomic: atomic, Window: j.window(), Patience: j.patience(), Stop: j.stop, Bus: j.bus,
		})
		failed := 0
		if a != nil {
			j.applied = append(j.applied, a)
			failed = len(a.Failed)
		}
		if err != nil {
			if a != nil && a.Unknown {
				j.written.Store(true)
			}
			return failed, j.createError(ctx, a, err)
		}
		j.written.Store(true)
		return failed, j.createError(ctx, a, nil)
	})
}

// createError says what stands on the target when the tables could not be made.
func (j *job) createError(ctx context.Context, a *copier.Applied, err error) error {
	if err == nil {
		for _, f := range a.Failed {
			if !f.Statement.Optional {
				err = &f
				break
			}
		}
	}
	if err == nil {
		if j.stopped() {
			return errDone // the end says what stands
		}
		return nil
	}
	var failed *copier.StatementError
	if errors.As(err, &failed) && strings.HasPrefix(failed.Statement.ID, "drop/") && dial.SQLState(err) == "2BP01" {
		return j.dropRefused(failed)
	}
	switch {
	case a != nil && a.Unknown: // --resume drops and makes them: there are no rows yet
		return fmt.Errorf("creating the tables: %w; the answer was lost: either all of them stand on the target now, or none", err)
	case a == nil || a.RolledBack || len(a.Done) == 0:
		if ferr := j.forgetRun(ctx); ferr != nil {
			return fmt.Errorf("creating the tables: %w; the target is as it was, but for the run's record in schema _pg2db9, which could not be taken back: %w", err, ferr)
		}
		return fmt.Errorf("creating the tables: %w; the target is as it was", err)
	default:
		return fmt.Errorf("creating the tables: %w; %d statements were executed before it and what they created stands on the target", err, len(a.Done))
	}
}

// dropRefused is a drop that something outside of the plan depends on: nothing
// was dropped, since CASCADE would take what the user did not name.
func (j *job) dropRefused(failed *copier.StatementError) error {
	why := failed.Err.Error()
	var pg *pgconn.PgError
	if errors.As(failed.Err, &pg) && pg.Detail != "" { // its hint is CASCADE
		why = pg.Detail
	}
	f := finding.Finding{
		Code: preflight.TargetNotEmpty, Severity: finding.Block, Object: finding.Object{Kind: "server", Name: "target"},
		Message: fmt.Sprintf("--on-existing drop: other objects depend on what would be dropped: %s", why),
		Remedy:  "drop those on the target first, or migrate into another database",
	}
	j.found([]finding.Finding{f})
	j.hold(Blocked)
	return &blockedError{[]finding.Finding{f}}
}

// complete makes keys, indexes, constraints and what else follows the data.
// Each has its own outcome; those of a table whose rows are not all there wait
// until they are.
func (j *job) complete(ctx context.Context) error {
	statements := j.later
	if j.stopped() {
		return j.builtBeside(ctx)
	}
	weight := map[catalog.Name]int64{}
	if j.copied != nil {
		for _, t := range j.copied.Tables {
			weight[t.Target] = t.Bytes
		}
	}
	for from := 0; from < len(statements); {
		to := from + 1
		for to < len(statements) && statements[to].Phase == statements[from].Phase {
			to++
		}
		group := statements[from:to]
		err := j.phase(group[0].Phase.String(), len(group)-j.builtOf(group), func() (int, error) {
			group := group
			if group[0].Phase == ddlgen.PhaseKeys {
				if err := j.builtBeside(ctx); err != nil || j.stopped() {
					return 0, err
				}
				group = j.notBuilt(group)
			}
			if err := j.lease.Record(ctx, begun(j.failures.taken(group))); err != nil {
				return 0, err
			}
			a, err := copier.Apply(ctx, copier.ApplyParams{
				Target: j.opts.target, Settings: copier.ControlSettings(j.profile), Statements: group, Jobs: j.jobs, Skip: j.notYet, Weight: weight, Window: j.window(), Patience: j.patience(), Stop: j.stop, Bus: j.bus,
				Again: j.resumed != nil, Doubtful: j.doubtful,
			})
			if a == nil {
				return 0, err
			}
			j.applied = append(j.applied, a)
			return len(a.Failed), errors.Join(err, j.record(ctx, a))
		})
		if err != nil {
			return err
		}
		if group[0].Phase == ddlgen.PhaseForeignKeys {
			j.orphans(ctx, j.applied[len(j.applied)-1])
		}
		from = to
	}
	return nil
}

// begun are the steps of statements that are sent.
func begun(statements []ddlgen.Statement) []copier.Step {
	out := make([]copier.Step, len(statements))
	for i, s := range statements {
		out[i] = copier.Step{ID: s.ID, State: copier.StepBegun}
	}
	return out
}

// record writes what became of statements into the ledger, also when the run was
// cancelled: then not for long, since the target may be what it was cancelled for.
func (j *job) record(ctx context.Context, a *copier.Applied) error {
	if ctx.Err() != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(context.WithoutCancel(ctx), closeTimeout, errors.New("the target did not answer while the run was ending"))
		defer cancel()
	}
	return j.lease.Record(ctx, outcomes(a))
}

// outcomes are the steps that came to an end.
func outcomes(a *copier.Applied) []copier.Step {
	var out []copier.Step
	for _, id := range a.Done {
		out = append(out, copier.Step{ID: id, State: copier.StepDone})
	}
	for _, f := range a.Failed {
		out = append(out, copier.Step{ID: f.Statement.ID, State: copier.StepFailed, Error: redact(f.Err.Error())})
	}
	return out
}

// notYet says why a statement has to wait: its table, or the one its foreign
// key points to, lacks rows; or what it needs failed in an earlier phase.
func (j *job) notYet(s ddlgen.Statement) string {
	if j.failures.leaves(s.ID) {
		return "it did not fail: --retry-failed leaves it"
	}
	if s.Phase == ddlgen.PhaseComments || s.Phase == ddlgen.PhaseSequenceValues {
		return ""
	}
	if s.Table != nil {
		if _, bad := j.incomplete[*s.Table]; bad {
			return fmt.Sprintf("the rows of %s are not all there", s.Table)
		}
	}
	if s.Phase == ddlgen.PhaseRefresh {
		return j.notFillable(s)
	}
	if s.Phase == ddlgen.PhaseForeignKeys {
		if s.RefTable != nil && j.incomplete[*s.RefTable] != nil {
			return fmt.Sprintf("the rows of %s, which it refers to, are not all there", s.RefTable)
		}
	}
	return ""
}
