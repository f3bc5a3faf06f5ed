package sync

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/copier"
	"github.com/pg2db9/pg2db9/copier/runs"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/ddlgen/usermap"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/event"
	"github.com/pg2db9/pg2db9/internal/secret"
	"github.com/pg2db9/pg2db9/internal/sync/jobfile"
)

// Command is the name of a run of syncs in the copier's ledger.
const Command = "sync"

// GCPercent is what a process whose work is syncs should give debug.SetGCPercent: what
// it holds is bounded, and garbage may not double it on a small machine.
const GCPercent = 40

// Params is what a Runner needs.
type Params struct {
	Source, Target *dial.Endpoint
	File           *jobfile.File
	Profile        ddlgen.Profile  // of the target, as probed
	TargetVersion  int             // server_version_num of the target
	Mapping        *usermap.Spec   // of the command line, beside what the file says; may be nil
	Accept         []string        // codes of findings that do not keep a table from being read
	Jobs           int             // of copies and comparisons of one table; less than 1 is 1
	Patience       time.Duration   // how long a server that is away is tried again; 0 is five minutes
	Tool           string          // name and version of this program, for the ledger
	Bus            *event.Bus      // may be nil
	Log            *slog.Logger    // may be nil
	Stop           <-chan struct{} // closed on the first interrupt: no batch and no table is begun any more

	faults *faults
	held   int // rows that differ and are held at once; 0 is the default
}

// faults are the test's hooks.
type faults struct {
	at func(point string) error // an error ends the run as a crash would
}

func (f *faults) hit(point string) error {
	if f == nil || f.at == nil {
		return nil
	}
	return f.at(point)
}

// Selection is what of a job file is run. The zero value is all of it.
type Selection struct {
	Group  string         // the tables of this group
	Tables []catalog.Name // these, by their names on the source

	// Each has the file's faults be those of their tables, which fail, and the others
	// run: for a process that goes on. Without it a fault keeps all from being run.
	Each bool
}

// Runner runs a job file. Runs of one Runner do not overlap.
type Runner struct{ p Params }

// New makes a runner.
func New(p Params) *Runner {
	p.Jobs = max(p.Jobs, 1)
	if p.Patience <= 0 {
		p.Patience = 5 * time.Minute
	}
	if p.Log == nil {
		p.Log = slog.New(slog.DiscardHandler)
	}
	return &Runner{p}
}

// SelectionError is a selection that the job file does not have: a usage error.
type SelectionError struct{ Reason string }

// Error implements error.
func (e *SelectionError) Error() string { return e.Reason }

// Check says whether the file has what a selection names.
func (r *Runner) Check(sel Selection) error {
	_, err := r.units(sel)
	return err
}

// unit is tables that are read in one snapshot.
type unit struct {
	group  string
	tables []jobfile.Table
}

// units are the groups in the file's order, and behind them the tables without one.
func (r *Runner) units(sel Selection) ([]unit, error) {
	f := r.p.File
	if sel.Group != "" && f.Group(sel.Group) == nil {
		return nil, &SelectionError{fmt.Sprintf("%s has no group %q", f.Path, sel.Group)}
	}
	for _, n := range sel.Tables {
		if f.Table(n) == nil {
			return nil, &SelectionError{fmt.Sprintf("%s has no table %s", f.Path, n)}
		}
	}
	var out []unit
	add := func(group string) {
		u := unit{group: group}
		for _, t := range f.Tables {
			if t.Group != group || sel.Group != "" && group != sel.Group || len(sel.Tables) > 0 && !slices.Contains(sel.Tables, t.Table) {
				continue
			}
			u.tables = append(u.tables, t)
		}
		if len(u.tables) > 0 {
			out = append(out, u)
		}
	}
	for _, g := range f.Groups {
		add(g.Name)
	}
	add("")
	if len(out) == 0 {
		return nil, &SelectionError{fmt.Sprintf("%s: nothing is chosen: there is no table to run", f.Path)}
	}
	return out, nil
}

// run is one Run under way.
type run struct {
	Params
	id      string
	lease   *copier.Lease
	control *pgx.Conn // to the target, for the ledger
	parts   int64     // of this run that were recorded
	report  *Report
	copies  []string // runs of the copier within this one
	swaps   *bool    // the target swaps tables; nil: it was not asked
}

// Run runs what is selected, once. What went wrong with a table is in the report;
// an error is a run that could not begin or not go on: a *jobfile.Error or a
// *SelectionError where nothing was written for a fault of the file, a
// *copier.LeaseHeldError where another run is at work.
func (r *Runner) Run(ctx context.Context, sel Selection) (*Report, error) {
	units, err := r.units(sel)
	if err != nil {
		return nil, err
	}
	run := &run{Params: r.p, id: copier.NewRunID()}
	run.report = &Report{Run: run.id, Began: time.Now()}
	first, err := run.check(ctx, units, sel.Each)
	if err != nil {
		return run.report, err
	}
	if first != nil {
		defer first.close(ctx)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if err := run.begin(ctx, cancel); err != nil {
		return run.report, err
	}
	for i, u := range units {
		if err := ctx.Err(); err != nil {
			break
		}
		p := first
		if i > 0 {
			p = nil
		}
		if err = run.unit(ctx, u, p); err != nil {
			break
		}
	}
	if err == nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	run.report.Ended = time.Now()
	return run.report, errors.Join(err, run.end(ctx, err))
}

// stopped says whether the user has interrupted the run.
func (r *run) stopped() bool {
	select {
	case <-r.Stop:
		return true
	default:
		return false
	}
}

// check holds the whole selection against the source's catalog and the target, before
// anything is written. Where there is one unit alone, what was read for it is kept.
func (r *run) check(ctx context.Context, units []unit, each bool) (*prepared, error) {
	if each {
		return nil, nil //nolint:nilnil // each unit tells its own
	}
	if len(units) == 1 {
		p, err := r.prepare(ctx, units[0])
		if err != nil {
			return nil, err
		}
		if err := p.faulty(); err != nil {
			p.close(ctx)
			return nil, err
		}
		return p, nil
	}
	for _, u := range units {
		p, err := r.prepare(ctx, u)
		if err != nil {
			return nil, err
		}
		err = p.faulty()
		p.close(ctx)
		if err != nil {
			return nil, err
		}
	}
	return nil, nil //nolint:nilnil // each unit takes a snapshot of its own
}

// begin records the run, holds the target for it, and cleans up behind runs whose
// processes have died.
func (r *run) begin(ctx context.Context, cancel context.CancelCauseFunc) (err error) {
	settings := copier.ControlSettings(r.Profile)
	r.lease, err = copier.BeginRun(ctx, copier.RunParams{
		Target: r.Target, Settings: settings, Patience: r.Patience, Lost: func(err error) { cancel(err) },
		Run: copier.Run{ID: r.id, Command: Command, Tool: r.Tool, Source: r.Source.String(), Profile: r.Profile.Name, Options: "{}"},
	})
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.end(ctx, err))
		}
	}()
	if err := r.lease.Alone(ctx); err != nil {
		return err
	}
	if r.control, err = r.Target.Connect(ctx, settings); err != nil {
		return err
	}
	if err := makeLedger(ctx, r.control); err != nil {
		return err
	}
	r.trim(ctx)
	abandoned, err := r.lease.Abandoned(ctx, Command)
	if err != nil {
		return err
	}
	for _, id := range abandoned { // what its writers hold is waited for; from then on they commit nothing
		if err := removeRun(ctx, r.control, id); err != nil {
			return fmt.Errorf("fencing off run %s, whose process died: %w", id, err)
		}
	}
	return nil
}

// makeLedger makes the tables of syncs, in the copier's schema.
func makeLedger(ctx context.Context, conn *pgx.Conn) error {
	for sql := range strings.SplitSeq(schemaSQL, ";\n") {
		if strings.TrimSpace(sql) == "" {
			continue
		}
		_, err := conn.PgConn().Exec(ctx, sql).ReadAll()
		if dial.SQLState(err) == pgerrcode.UniqueViolation { // another process makes it at this moment
			_, err = conn.PgConn().Exec(ctx, sql).ReadAll()
		}
		if err != nil {
			return fmt.Errorf("preparing the ledger of syncs (schema _pg2db9): %w", err)
		}
	}
	return nil
}

// removeRun takes a run's records out of the copier's ledger: its parts, so that no
// writer of its can commit any more, and all that belongs to them.
func removeRun(ctx context.Context, conn *pgx.Conn, id string) error {
	err := (&runs.Remains{Run: id, Tables: copier.LedgerTables()}).Remove(ctx, conn)
	if _, reset := conn.Exec(ctx, "SET lock_timeout = 0"); reset != nil && err == nil {
		err = reset
	}
	return err
}

// connected makes the control connection anew, where it broke.
func (r *run) connected(ctx context.Context) (err error) {
	if !r.control.IsClosed() {
		return nil
	}
	r.control, err = r.Target.Await(ctx, copier.ControlSettings(r.Profile), r.Patience, func(err error, in time.Duration) {
		r.say("the target does not answer (%s): again in %s", redact(err), in.Round(time.Millisecond))
	})
	return err
}

// goodbye is how long the end of a run may take, for each run of the copier that it
// had, and for itself.
const goodbye = 10 * time.Second

// end gives the target back. Where the run died on the way, as a crash would have it,
// nothing is done: the next run cleans up.
func (r *run) end(ctx context.Context, cause error) error {
	var crash *crashError
	if errors.As(cause, &crash) {
		if r.control != nil {
			_ = r.control.Close(context.WithoutCancel(ctx))
		}
		return nil
	}
	within := goodbye * time.Duration(2+len(r.copies))
	clean, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), within, errors.New("the target did not answer while the run was given back"))
	defer cancel()
	err := r.lease.End(clean, copier.StateDone)
	if r.control == nil {
		if conn, dialing := r.Target.Connect(clean, copier.ControlSettings(r.Profile)); dialing == nil {
			r.control = conn
		}
	}
	if r.control != nil {
		for _, id := range append(r.copies, r.id) {
			if left := removeRun(clean, r.control, id); left != nil {
				r.say("what run %s has recorded is left to the next run to remove: %s", id, redact(left))
				break
			}
		}
		_ = r.control.Close(clean)
	}
	var taken *copier.TakenOverError
	if errors.As(err, &taken) && cause != nil {
		return nil // told by what broke off
	}
	return err
}

// crashError ends a run as a crash would: only tests make it.
type crashError struct{ point string }

// Error implements error.
func (e *crashError) Error() string { return "crash at " + e.point }

// say tells the user of something in the course of a run.
func (r *run) say(format string, args ...any) {
	r.Bus.Emit(event.Note{Text: fmt.Sprintf(format, args...)})
}

// redact takes secrets out of an error's text.
func redact(err error) string { return secret.Redact(err.Error()) }
