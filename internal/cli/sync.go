package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/internal/config"
	"github.com/pg2db9/pg2db9/internal/sync"
	"github.com/pg2db9/pg2db9/internal/sync/jobfile"
	"github.com/pg2db9/pg2db9/internal/ui"
)

const (
	cmdSyncRun   = "sync run"
	cmdSyncPlan  = "sync plan"
	cmdSyncReset = "sync reset"
)

// syncOptions are those of the commands that run a job file.
var syncOptions = optionNames(serverOptions, mappingOptions, planOptions, probeOptions, []string{"group", "jobs", "retry-for"}, outputOptions)

func syncRunCommand() command {
	return command{
		name: cmdSyncRun, usage: "keep tables of the target current, once, as a job file says", files: "[TABLE...]", jobs: true,
		about: "Runs the job file of --config (see pg2db9 sync init): all of it, one group, or the tables that are named. Tables of a group\n" +
			"are read in one snapshot. A table that fails keeps what it held, or a part of the changes, and does not stop the others; the\n" +
			"next run goes on from there. Runs on one target never overlap: the second is refused, and names who works on the first.\n" +
			"A table that the target has not is made as clone makes it. Nothing is ever written to the source.\n\n" +
			"Options that commands share are read from the file of PG2DB9_CONFIG, if it is set. Options stand before the tables.",
		options: syncOptions, run: runSync,
	}
}

func syncPlanCommand() command {
	return command{
		name: cmdSyncPlan, usage: "say what sync run would send, and write nothing", files: "[TABLE...]", jobs: true,
		about: "Reads both sides as sync run would, and says for each table which rows would be sent, and about how many bytes. Nothing\n" +
			"is written, not even to the ledger. Options stand before the tables.",
		options: syncOptions, run: runSyncPlan,
	}
}

func syncResetCommand() command {
	return command{
		name: cmdSyncReset, usage: "forget what is known of a table: its next run reads all of it", files: "TABLE...", jobs: true,
		about: "Takes the watermark of tables, and the columns that their source had, out of the target's ledger. Rows are not touched,\n" +
			"and the history stays. Options stand before the tables.",
		options: optionNames(targetOptions, []string{"profile"}, outputOptions), run: runSyncReset,
	}
}

// jobFile reads the job file of a command.
func jobFile(command string, cfg *config.Config) (*jobfile.File, error) {
	if cfg.JobFile == "" {
		return nil, usagef(command, "no job file: give --config FILE (pg2db9 sync init writes one)")
	}
	return jobfile.Load(cfg.JobFile)
}

// selection is what of the file was named.
func selection(command string, cfg *config.Config, file *jobfile.File) (sync.Selection, error) {
	sel := sync.Selection{Group: cfg.Group}
	for _, text := range cfg.Files {
		name, err := syncTable(command, file, text)
		if err != nil {
			return sel, err
		}
		sel.Tables = append(sel.Tables, name)
	}
	if sel.Group != "" && len(sel.Tables) > 0 {
		return sel, usagef(command, "a group and tables are named: choose one of the two")
	}
	if err := sync.New(sync.Params{File: file}).Check(sel); err != nil {
		return sel, usagef(command, "%v", err)
	}
	return sel, nil
}

// syncTable finds a table of the job file by what a user calls it.
func syncTable(command string, file *jobfile.File, text string) (catalog.Name, error) {
	for _, t := range file.Tables {
		if text == t.Table.String() || text == catalog.Pattern(t.Table) || t.Table.Schema == "public" && text == t.Table.Name {
			return t.Table, nil
		}
	}
	return catalog.Name{}, usagef(command, "%s has no table %s", file.Path, text)
}

// syncJob is one call of sync run or sync plan.
type syncJob struct {
	*job
	file *jobfile.File
	sel  sync.Selection
}

// syncSteps are a command's that connects, asks both servers what they are, and goes on.
func syncSteps(ctx context.Context, p *program, command string, cfg *config.Config, do func(*syncJob) step) (Code, error) {
	file, err := jobFile(command, cfg)
	if err != nil {
		return OK, err
	}
	sel, err := selection(command, cfg, file)
	if err != nil {
		return OK, err
	}
	opts, err := newOptions(ctx, command, cfg, needs{source: true, target: true})
	if err != nil {
		return OK, err
	}
	collectOften(sync.GCPercent)
	return p.startJob(ctx, command, opts, func(j *job) []step {
		s := &syncJob{job: j, file: file, sel: sel}
		return []step{j.connect, j.surveySource, j.probe, do(s)}
	})
}

func runSync(ctx context.Context, p *program, cfg *config.Config) (Code, error) {
	return syncSteps(ctx, p, cmdSyncRun, cfg, func(s *syncJob) step { return s.run })
}

func runSyncPlan(ctx context.Context, p *program, cfg *config.Config) (Code, error) {
	return syncSteps(ctx, p, cmdSyncPlan, cfg, func(s *syncJob) step { return s.plan })
}

// runner makes the runner of a job file, once the servers are known.
func (j *job) runner(file *jobfile.File) *sync.Runner {
	return sync.New(sync.Params{
		Source: j.opts.source, Target: j.opts.target, File: file, Profile: j.profile, TargetVersion: j.targetAbout.Version, Mapping: j.opts.mapping,
		Accept: j.opts.Accept, Jobs: j.jobs, Patience: j.patience(), Tool: "pg2db9 " + version(), Bus: j.bus, Log: j.log, Stop: j.stop,
	})
}

// run runs the job file once.
func (s *syncJob) run(ctx context.Context) error {
	j := s.job
	s.written.Store(true)
	rep, err := s.runner(s.file).Run(ctx, s.sel)
	if rep == nil || len(rep.Tables) == 0 {
		s.written.Store(false)
	}
	if rep != nil {
		for i := range rep.Tables {
			j.tellSynced(&rep.Tables[i])
		}
		s.weigh(rep)
	}
	if err == nil {
		j.synced = true
	}
	return err
}

// weigh turns the tables' verdicts into codes and the last line.
func (s *syncJob) weigh(rep *sync.Report) {
	var failed, differ, good int
	var first string
	var total sync.Counts
	for i := range rep.Tables {
		e := &rep.Tables[i]
		total.Add(e.Counts)
		switch e.Verdict {
		case sync.Match, sync.Unverified:
			good++
			continue
		case sync.Mismatch:
			differ++
			s.hold(Differences)
		case sync.Skipped:
			s.hold(Partial)
			continue
		default:
			failed++
		}
		if first == "" {
			first = fmt.Sprintf("%s: %s", e.Table, redact(e.Err))
		}
	}
	switch {
	case failed > 0 && good+differ > 0:
		s.hold(Partial)
	case failed > 0:
		s.hold(Failed)
	}
	words := []string{fmt.Sprintf("%s: %s sent (%s inserted, %s updated, %s deleted), %s", count(len(rep.Tables), "table"), count(int(total.Sent), "row"),
		humanize.Comma(total.Inserted), humanize.Comma(total.Updated), humanize.Comma(total.Deleted), bytesText(total.Bytes))}
	if failed > 0 {
		words = append(words, fmt.Sprintf("%s failed", count(failed, "table")))
	}
	if differ > 0 {
		words = append(words, fmt.Sprintf("verification found differences in %s", count(differ, "table")))
	}
	if first != "" {
		words = append(words, first)
	}
	if rep.Stopped {
		words = append(words, "interrupted")
	}
	if failed > 0 || rep.Stopped {
		s.next = []string{s.syncAgain()}
	}
	s.message = strings.Join(words, "; ")
}

func bytesText(n int64) string { return humanize.Bytes(uint64(max(0, n))) }

// syncAgain is the command that runs the same once more.
func (s *syncJob) syncAgain() string {
	extra := []string{"--config", shellWord(s.opts.JobFile)}
	if s.sel.Group != "" {
		extra = append(extra, "--group", shellWord(s.sel.Group))
	}
	for _, n := range s.sel.Tables {
		extra = append(extra, shellWord(catalog.Pattern(n)))
	}
	return commandLine(cmdSyncRun, s.serverFlags(), s.mappingFlags(), s.planFlags(), s.probeFlags(), extra)
}

// tellSynced tells what became of one table.
func (j *job) tellSynced(e *sync.Entry) {
	if j.p.json {
		fields := ui.Object{
			{Key: "table", Value: e.Table.String()},
			{Key: "target", Value: e.Target.String()},
			{Key: "group", Value: e.Group},
			{Key: "mode", Value: string(e.Mode)},
			{Key: "verdict", Value: string(e.Verdict)},
			{Key: "rows_read", Value: e.Read},
			{Key: "rows_sent", Value: e.Sent},
			{Key: "inserted", Value: e.Inserted},
			{Key: "updated", Value: e.Updated},
			{Key: "deleted", Value: e.Deleted},
			{Key: "bytes_sent", Value: e.Bytes},
			{Key: "moment", Value: momentText(e.Moment)},
			{Key: "seconds", Value: e.Ended.Sub(e.Began).Seconds()},
			{Key: "error", Value: redact(e.Err)},
			{Key: "notes", Value: append([]string{}, e.Notes...)},
		}
		j.p.lines.Write("synced", fields)
		return
	}
	line := fmt.Sprintf("%s (%s): ", e.Table, e.Mode)
	switch {
	case e.Verdict == sync.Failed:
		line += "failed: " + redact(e.Err)
	case e.Verdict == sync.Skipped:
		line += "not finished: interrupted"
	case e.Sent == 0:
		line += "nothing to send"
	default:
		line += fmt.Sprintf("%s sent (%s inserted, %s updated, %s deleted), %s", count(int(e.Sent), "row"),
			humanize.Comma(e.Inserted), humanize.Comma(e.Updated), humanize.Comma(e.Deleted), bytesText(e.Bytes))
	}
	switch e.Verdict {
	case sync.Match:
		line += "; verified, as at the source at " + momentText(e.Moment)
	case sync.Unverified:
		line += "; not verified, as asked; as at the source at " + momentText(e.Moment)
	case sync.Mismatch:
		line += "; differs: " + redact(e.Err)
	case sync.Failed, sync.Skipped:
	}
	_, _ = fmt.Fprintln(j.p.streams.Out, ui.Printable(line))
}

func momentText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func runSyncReset(ctx context.Context, p *program, cfg *config.Config) (Code, error) {
	file := &jobfile.File{}
	if cfg.JobFile != "" {
		var err error
		if file, err = jobFile(cmdSyncReset, cfg); err != nil {
			return OK, err
		}
	}
	if len(cfg.Files) == 0 {
		return OK, usagef(cmdSyncReset, "no table: name those to forget")
	}
	opts, err := newOptions(ctx, cmdSyncReset, cfg, needs{target: true})
	if err != nil {
		return OK, err
	}
	return p.startJob(ctx, cmdSyncReset, opts, func(j *job) []step {
		return []step{j.connectTarget, func(ctx context.Context) error { return j.resetSyncs(ctx, file) }}
	})
}

// resetSyncs forgets the tables that were named.
func (j *job) resetSyncs(ctx context.Context, file *jobfile.File) error {
	for _, text := range j.opts.Files {
		name, err := syncTable(cmdSyncReset, file, text)
		if err != nil { // of a table that is not in the file any more
			schema, table, ok := strings.Cut(text, ".")
			if name = (catalog.Name{Schema: schema, Name: table}); !ok {
				name = catalog.Name{Schema: "public", Name: text}
			}
		}
		if err := j.runner(file).Reset(ctx, name); err != nil {
			return err
		}
	}
	j.message = fmt.Sprintf("forgotten: the next run of %s reads all rows", strings.Join(j.opts.Files, ", "))
	return nil
}

// plan says what a run would do.
func (s *syncJob) plan(ctx context.Context) error {
	planned, err := s.runner(s.file).Plan(ctx, s.sel)
	if err != nil {
		return err
	}
	var rows, bytes int64
	failed := 0
	for _, f := range planned {
		rows, bytes = rows+f.Rows, bytes+f.Bytes
		if f.Err != "" {
			failed++
		}
		if s.p.json {
			s.p.lines.Write("planned", ui.Object{
				{Key: "table", Value: f.Table.String()},
				{Key: "target", Value: f.Target.String()},
				{Key: "group", Value: f.Group},
				{Key: "mode", Value: string(f.Mode)},
				{Key: "insert", Value: f.Insert},
				{Key: "update", Value: f.Update},
				{Key: "delete", Value: f.Delete},
				{Key: "rows", Value: f.Rows},
				{Key: "bytes", Value: f.Bytes},
				{Key: "how", Value: f.How},
				{Key: "error", Value: f.Err},
			})
			continue
		}
		line := fmt.Sprintf("%s (%s): %s: %s, about %s", f.Table, f.Mode, f.How, count(int(f.Rows), "row"), bytesText(f.Bytes))
		if f.Err != "" {
			line = fmt.Sprintf("%s (%s): would fail: %s", f.Table, f.Mode, f.Err)
		}
		_, _ = fmt.Fprintln(s.p.streams.Out, ui.Printable(line))
	}
	s.synced = true
	s.message = fmt.Sprintf("%s: %s would be sent, about %s; nothing was written", count(len(planned), "table"), count(int(rows), "row"), bytesText(bytes))
	if failed > 0 {
		s.hold(Failed)
		s.message += fmt.Sprintf("; %s would fail", count(failed, "table"))
	}
	return nil
}
