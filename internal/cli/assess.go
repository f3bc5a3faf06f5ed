package cli

import (
	"context"
	"errors"
	"fmt"
	"os/user"
	"slices"
	"strings"
	"time"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/copier"
	"github.com/pg2db9/pg2db9/internal/assess"
	"github.com/pg2db9/pg2db9/internal/config"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/preflight"
	"github.com/pg2db9/pg2db9/internal/probe"
	"github.com/pg2db9/pg2db9/internal/scan"
	"github.com/pg2db9/pg2db9/internal/ui"
)

func assessCommand() command {
	return command{
		name: cmdAssess, usage: "say what a move will cost, before anything is written",
		about: "Reads the source's schema in one snapshot, and says what is carried, changed and left, what must be decided or\n" +
			"changed before the move and in the application, how long it will take, and how it is taken back. Writes nothing\n" +
			"anywhere, and needs no target: without --target the profile auto is db9. A target is asked who it is; it is probed\n" +
			"only by --probe always, else what it answered to an earlier probe is used. Ends with 4 while a finding blocks that\n" +
			"is not accepted by --accept. --report FILE.html writes a page for people who were not there.",
		options: optionNames(serverOptions, filterOptions, planOptions, rightsOptions, probeOptions, []string{"all-databases", "scan-data", "scan-rows", "scan-rate", "jobs", "report"}, outputOptions),
		run:     runAssess,
	}
}

func runAssess(ctx context.Context, p *program, cfg *config.Config) (Code, error) {
	opts, err := newOptions(ctx, cmdAssess, cfg, needs{source: true})
	if err != nil {
		return OK, err
	}
	if cfg.ScanRows < 1 {
		return OK, usagef(cmdAssess, "%s: must be at least 1, not %d", cfg.Where("scan-rows"), cfg.ScanRows)
	}
	if _, err := scan.ParseRate(cfg.ScanRate); err != nil {
		return OK, usagef(cmdAssess, "%s: %v", cfg.Where("scan-rate"), err)
	}
	return p.startJob(ctx, cmdAssess, opts, func(j *job) []step {
		j.assessed = &assess.Report{Version: assess.Version, Program: version(), Databases: []assess.Database{}}
		if opts.AllDatabases {
			return []step{j.connect, j.probe, j.assessAll, j.advise}
		}
		return []step{j.connect, j.probe, j.assessOne, j.advise}
	})
}

// assessOne assesses the database of --source.
func (j *job) assessOne(ctx context.Context) error {
	in, err := j.assessment(ctx)
	if err != nil {
		return err
	}
	j.assessed.Databases = append(j.assessed.Databases, assess.Build(in))
	j.db, j.plan, j.findings = nil, nil, nil // of many tables the most of what is held; the section has what it needs
	return nil
}

// assessAll assesses every database of the server that lets this role in, one
// after the other, each in a snapshot of its own.
func (j *job) assessAll(ctx context.Context) error {
	all, err := assess.Databases(ctx, j.source)
	if err != nil {
		return err
	}
	for _, d := range all {
		if d.Reason != "" {
			j.notAssessed(d.Name, d.Reason)
			continue
		}
		if err := j.assessDatabase(ctx, d.Name); err != nil {
			if ctx.Err() != nil {
				return err
			}
			var refused *dial.ConnectError
			unmatched := errors.Is(err, catalog.ErrNothingSelected) || j.opts.filtered() && codeOf(err) == Usage
			if !errors.As(err, &refused) && !unmatched {
				j.hold(Failed) // it could be read, and was not
			}
			if unmatched {
				j.notAssessed(d.Name, "nothing in it matches the filters")
				continue
			}
			j.notAssessed(d.Name, redact(ui.ErrorText(err)))
		}
	}
	if len(j.assessed.Databases) == 0 {
		return errors.New("no database of the server could be assessed; see those that were not read")
	}
	return nil
}

func (j *job) notAssessed(name, reason string) {
	j.assessed.NotRead = append(j.assessed.NotRead, assess.NotRead{Name: name, Reason: reason})
}

// assessDatabase assesses another database of the source's server.
func (j *job) assessDatabase(ctx context.Context, name string) error {
	opts := *j.opts
	opts.source = j.opts.source.WithDatabase(name)
	return j.other(ctx, &opts, func(o *job) error {
		in, err := o.assessment(ctx)
		if err == nil {
			j.assessed.Databases = append(j.assessed.Databases, assess.Build(in))
		}
		return err
	})
}

// other runs f as a job of other options that shares this one's machinery and
// target.
func (j *job) other(ctx context.Context, opts *options, f func(*job) error) error {
	rep := *j.rep
	o := &job{
		p: j.p, command: j.command, opts: opts, id: j.id, started: j.started, bus: j.bus, progress: j.progress, ui: j.ui, log: j.log,
		rep: &rep, stop: j.stop, listening: j.listening, jobs: j.opts.Jobs, target: j.target, targetAbout: j.targetAbout, profile: j.profile,
		incomplete: map[catalog.Name]error{}, findings: slices.Clone(j.findings),
	}
	var err error
	if o.source, err = opts.source.Connect(ctx, dial.Reader().With("default_transaction_read_only", "on")); err != nil {
		return err
	}
	defer func() {
		o.target = nil // it is not this job's to close
		o.closeAll(ctx)
	}()
	if o.sourceAbout, err = preflight.Ask(ctx, o.source); err != nil {
		return fmt.Errorf("asking the source who it is: %w", err)
	}
	return f(o)
}

// assessment finds out all that a section of the report is made of. A finding
// that blocks does not end it: the next may block too.
func (j *job) assessment(ctx context.Context) (*assess.Input, error) {
	if j.target == nil {
		j.targetAbout = preflight.About{}
	}
	for _, s := range []step{j.surveySource, j.openSnapshotUnlocked, j.loadCatalog, j.makePlan(false)} {
		if err := s(ctx); err != nil {
			return nil, err
		}
	}
	in := &assess.Input{
		Name: j.opts.source.Database(), Snapshot: &assess.Snapshot{ID: j.snapshot.ID, Taken: j.snapshot.Taken},
		Moment: "Schema and sizes were read in one snapshot; rights, locks and connections are those of the moments after it.",
		Jobs:   j.jobs, Accept: j.opts.Accept,
	}
	err := j.phase("checks", 0, func() (int, error) { return 0, j.lookAtSource(ctx, in) })
	if err != nil {
		return nil, err
	}
	parts, err := copier.PlanParts(ctx, j.snapshot.Conn(), j.plan, j.profile, j.jobs, copier.Split{Guess: true})
	if err != nil {
		return nil, err
	}
	in.Parts = len(parts)
	if in.Chosen, err = preflight.Chosen(ctx, j.snapshot.Conn(), j.db, j.plan.Transfers); err != nil {
		return nil, err
	}
	if p := j.rep.Profile.Probe; p != nil && p.Rate != nil {
		in.Rates = []assess.Rate{{Name: "measured", Bytes: p.Rate.Bytes, Basis: p.Rate.String() + ", " + j.rep.Profile.Probing}}
	}
	if err := j.scanData(ctx, in); err != nil {
		return nil, err
	}
	in.Source, in.Database, in.Plan, in.Profile, in.Findings = j.facts, j.db, j.plan, j.profile, j.findings
	j.release(ctx)
	return in, nil
}

// scanData looks at the rows, in the snapshot that the schema was read in.
func (j *job) scanData(ctx context.Context, in *assess.Input) error {
	if j.opts.ScanData == "" {
		return nil
	}
	mode, err := scan.ParseMode(j.opts.ScanData)
	if err != nil {
		return err
	}
	rate, err := scan.ParseRate(j.opts.ScanRate)
	if err != nil {
		return err
	}
	in.Scan, err = scan.Run(ctx, scan.Params{
		Source: j.opts.source, Snapshot: j.snapshot.ID, DB: j.db, Plan: j.plan, Profile: j.profile,
		Mode: mode, SampleRows: int64(j.opts.ScanRows), Jobs: j.jobs, Rate: rate, Bus: j.bus, Progress: j.progress,
	})
	if err == nil {
		in.Moment = "Schema, sizes and rows were read in one snapshot; rights, locks and connections are those of the moments after it."
	}
	return err
}

// lookAtSource makes the checks of the source that a clone makes, and asks what
// only the moment shows.
func (j *job) lookAtSource(ctx context.Context, in *assess.Input) error {
	var err error
	if in.Facts, err = assess.Collect(ctx, j.source); err != nil {
		return err
	}
	var tables, sequences []catalog.Name
	for _, x := range j.plan.Transfers {
		tables = append(tables, x.Relations...)
	}
	for _, s := range j.plan.Sequences {
		sequences = append(sequences, s.Source)
	}
	j.foundGrants(tables)
	checks := append(preflight.SourceChecks(preflight.Servers{Source: j.source}),
		preflight.SourceTables(j.source, tables), preflight.SourceSequences(j.source, sequences))
	found, err := preflight.Run(ctx, checks, false)
	if err != nil {
		return err
	}
	j.found(found)
	in.ReadinessChecked = true
	if in.SourceFree, err = free(ctx, j.source); err != nil {
		return err
	}
	if j.target != nil {
		if in.TargetFree, err = free(ctx, j.target); err != nil {
			return err
		}
	}
	return nil
}

// free is how many connections a server has left; nil where it does not say.
func free(ctx context.Context, q preflight.Querier) (*int, error) {
	n, known, err := preflight.Free(ctx, q)
	if err != nil || !known {
		return nil, err
	}
	return &n, nil
}

// advise ends the report: what all its databases ask for, and the exit code.
func (j *job) advise(context.Context) error {
	r := j.assessed
	slices.SortFunc(r.Databases, func(a, b assess.Database) int { return strings.Compare(a.Name, b.Name) })
	r.Advise(j.profile.Map)
	blocking, accepted := 0, 0
	var first *assess.Finding
	for i := range r.Databases {
		b := r.Databases[i].Blocking()
		if first == nil && len(b) > 0 {
			first = &b[0]
		}
		blocking += len(b)
		accepted += r.Databases[i].Counts.FindingsAccepted
	}
	what := count(len(r.Databases), "database")
	if len(r.Databases) == 1 {
		what = "database " + r.Databases[0].Name
		if s := r.Databases[0].Score; s != nil {
			what += fmt.Sprintf(", score %d of 100", *s)
		}
	}
	j.message = "assessed: " + what + "; nothing blocks a clone"
	if accepted > 0 {
		j.message += fmt.Sprintf(", %s accepted", count(accepted, "finding"))
	}
	if blocking > 0 {
		j.hold(Blocked)
		j.message = fmt.Sprintf("assessed: %s; %s a clone, the first: %s: %s", what, blocks(blocking), first.Object, first.Message)
		if first.Remedy != "" {
			j.message += "; what to do: " + first.Remedy
		}
	}
	return nil
}

func blocks(n int) string {
	if n == 1 {
		return "1 finding blocks"
	}
	return count(n, "finding") + " block"
}

// fillAssessment writes into the report what the run knows of itself.
func (j *job) fillAssessment(code Code) {
	r := j.assessed
	r.Run, r.Options, r.Started, r.Seconds = j.id, j.rep.Options, j.started, time.Since(j.started).Seconds()
	r.ExitCode, r.Message = int(code), j.rep.Message
	r.Source = assess.Server(j.rep.Source)
	if j.target != nil || j.rep.Target.URL != "" {
		s := assess.Server(j.rep.Target)
		r.Target = &s
	}
	p := j.rep.Profile
	r.Profile = assess.Profile{Name: p.Name, Simulated: p.Simulated, Probing: p.Probing, Changes: p.Changes}
	if p.Probe != nil {
		r.Profile.Proved, r.Profile.Refuted, r.Profile.Assumed = p.Probe.Count(probe.Proved), p.Probe.Count(probe.Refuted), p.Probe.Count(probe.Assumed)
	}
	r.Notes = j.rep.Notes
	if r.Application == nil {
		r.Advise(false)
	}
	r.Accepted = nil
	for _, a := range j.opts.Accept {
		r.Accepted = append(r.Accepted, assess.Acceptance{Accept: a, By: j.p.user(), Where: j.opts.Where("accept"), Findings: r.Acknowledged(a)})
	}
}

// user is who runs the program, by the machine's word.
func (p *program) user() string {
	for _, name := range []string{"USER", "LOGNAME", "USERNAME"} {
		if v := p.streams.Getenv(name); v != "" {
			return v
		}
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "unknown"
}
