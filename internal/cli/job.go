package cli

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/copier"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/ddlgen/usermap"
	"github.com/pg2db9/pg2db9/internal/assess"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/event"
	"github.com/pg2db9/pg2db9/internal/preflight"
	"github.com/pg2db9/pg2db9/internal/preflight/sourcefacts"
	"github.com/pg2db9/pg2db9/internal/ui"
	"github.com/pg2db9/pg2db9/internal/ui/report"
	"github.com/pg2db9/pg2db9/verify"
)

// job is one command at work: what its steps hand on, and what the report will say.
type job struct {
	p       *program
	command string
	opts    *options
	id      string
	started time.Time

	bus      *event.Bus
	progress *event.Progress
	ui       *ui.UI
	log      *slog.Logger
	told     *slog.Logger // the events, to the log file alone
	logFile  *logFile
	runID    atomic.Pointer[string] // for the log: id, which --resume changes
	rep      *report.Report

	stop      chan struct{} // closed by the first interrupt
	listening chan struct{} // closed when signals are no longer heard
	written   atomic.Bool   // something of this run stands on the target

	// What the steps find out, in this order.
	source, target *pgx.Conn // for questions; rows travel on connections of their own
	sourceAbout    preflight.About
	targetAbout    preflight.About
	facts          *sourcefacts.Facts
	profile        ddlgen.Profile
	jobs           int
	minJobs        int // of the copy; see copier.Params
	maxJobs        int
	lockers        int // connections that hold locks on the source; 0 is the default
	snapshot       *copier.Snapshot
	opened         time.Time // of the snapshot, by this machine's clock
	db             *catalog.Database
	whole          *catalog.Database // db before the filters; only where --left-behind asks for definitions
	mapping        *usermap.Mapping  // nil is none
	dangling       []catalog.ColumnRef
	unserved       []catalog.Name
	unfit          []ddlgen.Unfit
	plan           *ddlgen.Plan
	existing       *preflight.Existing // before anything was made
	stood          *preflight.Existing // of a continued run: after its tables were made
	onExisting     string              // what --on-existing says, or said when the run was begun
	resumed        *copier.Run         // the run that is continued; nil is a new one
	lease          *copier.Lease       // of the run
	claimed        bool                // the ledger holds the run, and this plan is its plan
	takenOver      atomic.Bool         // the run is another process's
	abandon        func(error)         // ends the steps: the run is another process's
	joined         bool                // the snapshot is the one of the run's first try
	kept           copier.Kept         // who keeps the snapshot
	aged           func()              // takes the warning of its age back; nil: there is none
	later          []ddlgen.Statement  // what is to be executed after the rows
	earlier        map[string]bool     // IDs of statements that an earlier process of the run executed
	failures       *failures           // of the run before; nil where all of it is gone on with
	findings       []finding.Finding   // of preflight and selection; the plan has its own
	chosen         []ddlgen.Statement  // of the schema command
	applied        []*copier.Applied
	copied         *copier.Result
	beside         map[string]bool // IDs of the keys that were built beside the copies; nil until all are
	doubtful       map[string]bool // IDs of those of which nobody knows
	rejectFiles    map[catalog.Name]string
	toMend         bool                   // refused rows are all that is left to do
	mended         string                 // what became of mended rows
	incomplete     map[catalog.Name]error // target tables whose rows are not all there
	sequences      []copier.SequenceResult
	viewRows       map[catalog.Name]int64 // of the source's materialized views, in the snapshot
	verified       *verify.Report
	recorded       bool           // what is verified is kept, for --resume
	certifiedBad   string         // what a certificate itself says is no match
	assessed       *assess.Report // of the assess command: the report in place of rep

	synced  bool   // a job file was run: message says what became of it
	served  bool   // it was run until it was asked to stop: that is its end
	script  bool   // stdout holds an SQL script: what else is said there is a comment
	codes   []Code // all that hold
	message string // the last line, where a step knows it better than finish
	next    []string
}

// errDone ends the steps early, with success.
var errDone = errors.New("done")

// step is one step of a command.
type step func(ctx context.Context) error

// startJob sets a command's machinery up and runs its steps; the report and
// the last line follow whatever happens.
func (p *program) startJob(ctx context.Context, command string, opts *options, steps func(*job) []step) (Code, error) {
	log, err := openLog(command, opts)
	if err != nil {
		return OK, err
	}
	j := &job{
		p: p, command: command, opts: opts, id: copier.NewRunID(), started: time.Now(), jobs: opts.Jobs,
		progress: &event.Progress{}, stop: make(chan struct{}), listening: make(chan struct{}),
		incomplete: map[catalog.Name]error{},
	}
	j.ui = ui.New(ui.Options{
		Mode: p.mode(), Quiet: opts.NoProgress, Err: p.streams.Err, Out: p.streams.Out, Progress: j.progress,
	})
	j.logFile = log
	j.startLogs()
	j.rep = &report.Report{
		Version: version(), Run: j.id, Command: command, Started: j.started, Options: opts.Effective(), DryRun: opts.DryRun,
	}
	listeners := []event.Listener{j.ui, logListener{j.told}}
	if command != cmdSyncServe { // whose report would grow for months
		listeners = append(listeners, phaseRecorder{j.rep}, noteRecorder{j.rep})
	}
	j.bus = event.NewBus(listeners...)
	j.bus.Emit(event.RunStarted{Run: j.id, Command: command, Source: endpointText(opts.source), Target: endpointText(opts.target)})

	limitMemory()
	run, cancel := context.WithCancelCause(ctx)
	j.abandon = cancel
	go j.listen(run, cancel)
	for _, s := range steps(j) {
		if err = s(run); err != nil {
			break
		}
		widenMemory()
	}
	var taken *copier.TakenOverError
	switch cause := context.Cause(run); {
	case err == nil:
	case errors.Is(cause, errInterrupted):
		err = errors.Join(errInterrupted, err)
	case errors.As(cause, &taken): // whatever it broke off
		err = taken
	}
	cancel(nil)
	<-j.listening
	err = errors.Join(err, j.builtBeside(run)) // run is cancelled: what is still built is broken off
	err = j.endRun(ctx, err)
	j.endKept(ctx)
	j.closeAll(ctx)
	opts.source.Close() // and the tunnel that the endpoints of other databases share
	opts.target.Close()
	return j.finish(err), nil
}

// patience is how long a server that is away is tried again.
func (j *job) patience() time.Duration { return time.Duration(j.opts.RetryFor) * time.Second }

// window is how many statements may be under way unanswered on one connection.
func (j *job) window() int {
	if j.profile.Await {
		return 1
	}
	return j.profile.Window
}

// endpointText names an endpoint that may not have been given.
func endpointText(e *dial.Endpoint) string {
	if e == nil {
		return ""
	}
	return e.String()
}

// mode picks how a run is shown.
func (p *program) mode() ui.Mode {
	switch {
	case p.json:
		return ui.JSON
	case p.streams.terminal(p.streams.Err) && p.command != cmdSyncServe:
		return ui.Bars
	}
	return ui.Plain
}

// phase runs f as a named phase: it is shown, and its time stands in the report.
func (j *job) phase(name string, items int, f func() (failed int, err error)) error {
	started := time.Now()
	j.bus.Emit(event.PhaseStarted{Phase: name, Items: items})
	failed, err := f()
	j.bus.Emit(event.PhaseDone{Phase: name, Elapsed: time.Since(started), Failed: failed})
	return err
}

// hold records codes that the end will weigh.
func (j *job) hold(c Code) { j.codes = append(j.codes, c) }

// found records findings of this package's steps.
func (j *job) found(fs []finding.Finding) {
	j.findings = append(j.findings, fs...)
	for _, f := range fs {
		j.bus.Emit(event.Found{Finding: f})
	}
}

// closeTimeout bounds the good-bye to servers that may not answer any more.
const closeTimeout = 5 * time.Second

func (j *job) closeAll(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	j.release(ctx)
	for _, c := range []*pgx.Conn{j.source, j.target} {
		if c != nil {
			_ = c.Close(ctx)
		}
	}
}

// release gives the snapshot and its locks back.
func (j *job) release(ctx context.Context) {
	if j.aged != nil {
		j.aged()
	}
	if j.snapshot != nil {
		j.snapshot.Close(ctx)
		if j.rep.Snapshot != nil {
			j.rep.Snapshot.Held = time.Since(j.opened).Seconds()
		}
		j.snapshot = nil
	}
}

// phaseRecorder writes the phases into the report.
type phaseRecorder struct{ rep *report.Report }

// On implements event.Listener.
func (r phaseRecorder) On(e event.Event) {
	switch e := e.(type) {
	case event.PhaseStarted:
		r.rep.Phases = append(r.rep.Phases, report.Phase{Name: e.Phase, Items: e.Items})
	case event.PhaseDone:
		for i := range r.rep.Phases {
			if p := &r.rep.Phases[i]; p.Name == e.Phase {
				p.Seconds, p.Failed = e.Elapsed.Seconds(), e.Failed
			}
		}
	default:
	}
}

// noteRecorder writes notes into the report.
type noteRecorder struct{ rep *report.Report }

// On implements event.Listener.
func (r noteRecorder) On(e event.Event) {
	if n, ok := e.(event.Note); ok {
		r.rep.Notes = append(r.rep.Notes, redact(n.Text))
	}
}
