package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/config"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/event"
	"github.com/pg2db9/pg2db9/internal/preflight"
	"github.com/pg2db9/pg2db9/internal/ui"
	"github.com/pg2db9/pg2db9/internal/ui/report"
)

// connect opens one connection to each side for questions, and finds out who
// answers: for the report, for the profile, and that the two are not one.
func (j *job) connect(ctx context.Context) error {
	return j.phase("connect", 0, func() (int, error) {
		var err error
		if j.opts.source != nil {
			settings := dial.Reader()
			if j.command == cmdAssess {
				settings = settings.With("default_transaction_read_only", "on")
			}
			if j.source, err = j.first(ctx, j.opts.source, settings); err != nil {
				return 0, err
			}
			if j.sourceAbout, err = preflight.Ask(ctx, j.source); err != nil {
				return 0, fmt.Errorf("asking the source who it is: %w", err)
			}
			j.rep.Source = describe(j.opts.source, j.sourceAbout)
		}
		if j.opts.target != nil {
			if j.target, err = j.first(ctx, j.opts.target, dial.Asker()); err != nil {
				return 0, err
			}
			if j.targetAbout, err = preflight.Ask(ctx, j.target); err != nil {
				return 0, fmt.Errorf("asking the target who it is: %w", err)
			}
			j.rep.Target = describe(j.opts.target, j.targetAbout)
		}
		j.found(preflight.Expiring(time.Now(), j.opts.source, j.opts.target))
		j.chooseProfile()
		return 0, j.refuseSame(ctx)
	})
}

// firstPatience is how long commands that have no --retry-for wait for a server
// that starts.
const firstPatience = 10 * time.Second

// first makes a side's first connection, and waits for a server that starts.
func (j *job) first(ctx context.Context, e *dial.Endpoint, s dial.Settings) (*pgx.Conn, error) {
	patience := j.patience()
	if j.opts.noRetryFor {
		patience = firstPatience
	}
	return e.Await(ctx, s, patience, func(err error, in time.Duration) {
		j.bus.Emit(event.Note{Text: fmt.Sprintf("the %s does not take connections yet (%s): again in %s", e.Side(), redact(ui.ErrorText(err)), in.Round(100*time.Millisecond))})
	})
}

func describe(e *dial.Endpoint, a preflight.About) report.Server {
	return report.Server{URL: e.String(), Transport: e.Transport(), Version: a.Text}
}

// chooseProfile takes the user's, or the one that the target's own words ask
// for; without a target that of the tool's purpose.
func (j *job) chooseProfile() {
	switch {
	case j.opts.profile != nil:
		j.profile = *j.opts.profile
	case j.target == nil || j.targetAbout.DB9:
		j.profile = ddlgen.DB9()
	default:
		j.profile = ddlgen.Postgres()
	}
	switch j.opts.PrimaryKey {
	case config.KeyInline:
		j.profile.InlinePrimaryKey = true
	case config.KeyAfter:
		j.profile.InlinePrimaryKey = false
	}
	j.rep.Profile = report.Profile{
		Name: j.profile.Name, Settings: &j.profile,
		Simulated: j.profile.Map && j.target != nil && (!j.targetAbout.DB9 || j.targetAbout.StandIn),
	}
}

// refuseSame keeps a database from being migrated into itself (C29), whatever
// names the two sides have.
func (j *job) refuseSame(ctx context.Context) error {
	if j.source == nil || j.target == nil {
		return nil
	}
	same, how, err := preflight.SameDatabase(ctx, j.source, j.target)
	if err != nil {
		return err
	}
	if same {
		return usagef(j.command, "source and target are the same database (%s): the target must be another one", how)
	}
	return nil
}

// checkServers looks at both servers before anything is asked of tables.
func (j *job) checkServers(ctx context.Context) error {
	return j.check(ctx, preflight.ServerChecks(j.servers()))
}

func (j *job) servers() preflight.Servers {
	return preflight.Servers{Source: j.source, Target: j.target, TargetPostgres: !j.targetAbout.DB9, TargetForeign: !j.profile.FullCatalog, Filtered: j.opts.filtered(), Lockers: j.lockers}
}

// check makes checks and stops at those that block.
func (j *job) check(ctx context.Context, checks []preflight.Check) error {
	found, err := preflight.Run(ctx, checks, j.targetAbout.DB9 || !j.profile.FullCatalog)
	j.found(found)
	if err != nil {
		return err
	}
	return j.refuseBlocked()
}

// checkTables looks at the chosen tables on the source, and how many jobs the
// servers leave room for.
func (j *job) checkTables(ctx context.Context) error {
	refs, err := catalog.ListTables(ctx, j.source)
	if err != nil {
		return err
	}
	names, err := j.match(refs)
	if err != nil {
		return err
	}
	j.foundGrants(names)
	if err := j.check(ctx, []preflight.Check{preflight.SourceTables(j.source, names)}); err != nil {
		return err
	}
	if err := j.boundJobs(ctx, len(names)); err != nil {
		return err
	}
	jobs, found, err := preflight.JobsFor(ctx, j.servers(), j.jobs, len(names))
	if err != nil {
		return err
	}
	j.jobs = jobs
	j.found(found)
	return j.refuseBlocked()
}
