package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/pg2db9/pg2db9/copier"
	"github.com/pg2db9/pg2db9/internal/config"
	"github.com/pg2db9/pg2db9/internal/event"
)

func rejectsExportCommand() command {
	return command{
		name: cmdRejectsExport, usage: "write rows that the target refused to files",
		about: "Writes the rows that clone or copy --on-row-error reject kept apart to files, one a table: a JSON object a line, with\n" +
			"the key, the target's words and the row as COPY TEXT (\"text\"), to be mended in an editor.",
		options: optionNames(targetOptions, []string{"run", "dir"}, outputOptions),
		run:     runRejectsExport,
	}
}

func rejectsLoadCommand() command {
	return command{
		name: cmdRejectsLoad, usage: "send mended rows to the target", files: "FILE...",
		about: "Sends the rows of files that clone, copy or rejects export wrote. What the target takes now is loaded, and no\n" +
			"refused row any more; what it refuses again stays as it was. Lines that are taken out of a file stay, too.\n" +
			"Options stand before the files.",
		options: optionNames(targetOptions, []string{"profile"}, outputOptions),
		run:     runRejectsLoad,
	}
}

// checkRejects refuses options that say nothing without --on-row-error reject.
func checkRejects(command string, cfg *config.Config) error {
	if cfg.Given("max-rejects") && cfg.MaxRejects < 1 {
		return usagef(command, "%s: must be at least 1, not %d", cfg.Where("max-rejects"), cfg.MaxRejects)
	}
	if cfg.OnRowError == config.RowReject {
		return nil
	}
	for _, name := range []string{"max-rejects", "rejects-dir", "rejects-ok"} {
		if cfg.Given(name) && !cfg.InFile(name) {
			return usagef(command, "%s is for refused rows that are kept apart: it needs --on-row-error %s", cfg.Where(name), config.RowReject)
		}
	}
	return nil
}

func runRejectsExport(ctx context.Context, p *program, cfg *config.Config) (Code, error) {
	opts, err := newOptions(ctx, cmdRejectsExport, cfg, needs{target: true})
	if err != nil {
		return OK, err
	}
	if cfg.Dir == "" {
		return OK, usagef(cmdRejectsExport, "no folder for the files: give --dir DIR")
	}
	return p.startJob(ctx, cmdRejectsExport, opts, func(j *job) []step {
		return []step{j.connectTarget, j.exportAsked}
	})
}

// exportAsked writes the refused rows of the run that was asked for.
func (j *job) exportAsked(ctx context.Context) error {
	run := j.opts.Run
	if run == "" {
		var err error
		if run, err = copier.LastRunWithRejects(ctx, j.target); err != nil {
			return err
		}
		if run == "" {
			j.message = "the target's ledger holds no refused rows"
			return nil
		}
	}
	files, err := saveRejects(ctx, j.target, run, j.opts.Dir)
	if err != nil {
		return err
	}
	j.message = fmt.Sprintf("run %s has no refused rows", run)
	var rows int64
	for _, f := range files {
		rows += f.rows
		j.bus.Emit(event.Note{Text: fmt.Sprintf("%s: %s of %s", f.path, count(int(f.rows), "refused row"), f.table)})
	}
	if len(files) > 0 {
		j.message = fmt.Sprintf("%s of run %s written to %s in %s", count(int(rows), "refused row"), run, count(len(files), "file"), j.opts.Dir)
	}
	return nil
}

func runRejectsLoad(ctx context.Context, p *program, cfg *config.Config) (Code, error) {
	opts, err := newOptions(ctx, cmdRejectsLoad, cfg, needs{target: true})
	if err != nil {
		return OK, err
	}
	if len(cfg.Files) == 0 {
		return OK, usagef(cmdRejectsLoad, "no files: name those that hold the mended rows")
	}
	rows, err := readRejects(cfg.Files)
	if err != nil {
		return OK, usagef(cmdRejectsLoad, "%v", err)
	}
	return p.startJob(ctx, cmdRejectsLoad, opts, func(j *job) []step {
		return []step{j.connectTarget, func(ctx context.Context) error { return j.loadMended(ctx, rows) }}
	})
}

func (j *job) loadMended(ctx context.Context, rows []copier.Mended) error {
	conn, err := j.opts.target.Connect(ctx, copier.MenderSettings(j.profile))
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // what was sent is answered
	res, err := copier.LoadRejects(ctx, conn, rows)
	text := count(int(res.Loaded), "mended row") + " loaded"
	if res.Gone > 0 {
		text += fmt.Sprintf(", %d loaded before", res.Gone)
	}
	if n := len(res.Refused); n > 0 {
		text += fmt.Sprintf(", %d refused again, the first at %s (%s: %s)", n, res.Refused[0].Where, res.Refused[0].State, res.Refused[0].Message)
		j.hold(Partial)
		files := j.opts.Files
		j.next = []string{commandLine(cmdRejectsLoad, j.serverFlags(), quoteAll(files))}
	}
	for _, r := range res.Refused {
		j.bus.Emit(event.Note{Text: fmt.Sprintf("%s is refused again (%s: %s)", r.Where, r.State, r.Message)})
	}
	j.message, j.mended = text, text
	if err != nil {
		return fmt.Errorf("%s; then: %w", text, err)
	}
	return nil
}

func quoteAll(words []string) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = shellWord(w)
	}
	return out
}

// mostFiles is how many files a command names before it names all of the folder.
const mostFiles = 50

// stopForRow ends the run where a refused row is to stop it.
func (j *job) stopForRow(partial *copier.PartialError) error {
	if j.opts.OnRowError == config.RowStop && slices.ContainsFunc(partial.Failed, func(t copier.TableError) bool { return copier.Refused(t.Err) }) {
		return errDone
	}
	return nil
}

// rejected is how many rows of the run were refused and kept apart.
func (j *job) rejected() int64 {
	var n int64
	if j.copied != nil {
		for _, t := range j.copied.Tables {
			n += t.Rejected
		}
	}
	return n
}

// rejects says how many rows were refused, and where they are; "" is none.
func (j *job) rejects() string {
	n := j.rejected()
	if n == 0 {
		return ""
	}
	where := "_pg2db9.reject"
	if len(j.rejectFiles) > 0 {
		where = j.rejectsDir()
	}
	return fmt.Sprintf("%s refused by the target, in %s", count(int(n), "row"), where)
}

// rejectsDir is the folder of the run's files of refused rows.
func (j *job) rejectsDir() string {
	if j.opts.RejectsDir != "" {
		return j.opts.RejectsDir
	}
	return "pg2db9-rejects-" + j.id
}

// exportRejects writes the rows that the run has kept apart to files. Where that
// cannot be done they are in the ledger all the same.
func (j *job) exportRejects(ctx context.Context) error {
	if j.rejected() == 0 {
		return nil
	}
	conn, err := j.opts.target.Connect(ctx, copier.ControlSettings(j.profile))
	if err == nil {
		defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // nothing was written
		var files []rejectFile
		files, err = saveRejects(ctx, conn, j.id, j.rejectsDir())
		for _, f := range files {
			if j.rejectFiles == nil {
				j.rejectFiles = map[tableName]string{}
			}
			j.rejectFiles[f.table] = f.path
		}
	}
	if err != nil {
		j.rejectFiles = nil // some of them are not all
		j.bus.Emit(event.Note{Text: fmt.Sprintf("the refused rows could not be written to files: %v; they stand in _pg2db9.reject: %s", err, j.exportAgain())})
	}
	return ctx.Err()
}

func (j *job) exportAgain() string {
	return commandLine(cmdRejectsExport, j.targetFlags(), []string{"--run", shellWord(j.id), "--dir", shellWord(j.rejectsDir())})
}

// targetFlags are those of serverFlags that name the target.
func (j *job) targetFlags() []string {
	var out []string
	all := j.serverFlags()
	for i := 0; i+1 < len(all); i += 2 {
		if all[i] == "--config" || slices.ContainsFunc(targetOptions, func(o string) bool { return all[i] == "--"+o }) {
			out = append(out, all[i], all[i+1])
		}
	}
	return out
}

// holdRejects weighs refused rows. The run is at its end for all that: what is
// left to do is not its own.
func (j *job) holdRejects() {
	if j.rejected() == 0 || j.opts.RejectsOK && len(j.rejectFiles) > 0 {
		return
	}
	j.toMend = worst(append(slices.Clone(j.codes), OK)...) == OK
	j.hold(Partial)
}

// mendAgain is what brings the refused rows to the target, where nothing else is
// left to do.
func (j *job) mendAgain() []string {
	if !j.toMend {
		return nil
	}
	if len(j.rejectFiles) == 0 {
		return []string{j.exportAgain()}
	}
	var files []string
	for _, f := range j.rejectFiles {
		files = append(files, shellWord(filepath.Clean(f)))
	}
	slices.Sort(files)
	if len(files) > mostFiles {
		files = []string{shellWord(j.rejectsDir()) + "/*" + rejectsExt}
	}
	return []string{commandLine(cmdRejectsLoad, j.targetFlags(), files)}
}
