package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/copier"
	"github.com/pg2db9/pg2db9/internal/config"
	"github.com/pg2db9/pg2db9/internal/event"
	"github.com/pg2db9/pg2db9/internal/outfile"
	"github.com/pg2db9/pg2db9/verify"
)

// checkVerify refuses what verify cannot do, before anything is done.
func checkVerify(cfg *config.Config) error {
	if cfg.MaxDifferences < 0 {
		return usagef(cmdVerify, "%s: must be at least 0, not %d", cfg.Where("max-differences"), cfg.MaxDifferences)
	}
	if err := checkLive(cfg); err != nil {
		return err
	}
	if cfg.Level != config.LevelRows && cfg.Level != config.LevelDeep {
		for _, name := range []string{"differences", "show-values", "max-differences"} {
			if cfg.Given(name) && !cfg.InFile(name) {
				return usagef(cmdVerify, "%s: rows are looked for at --level rows or deep, not at %s", cfg.Where(name), cfg.Level)
			}
		}
	}
	if cfg.Differences == "" {
		return nil
	}
	if err := outfile.Check("list of differences", cfg.Differences); err != nil {
		return usagef(cmdVerify, "%s: %v", cfg.Where("differences"), err)
	}
	return nil
}

// runVerify runs a verification with what is the same for each, and leaves its
// report with the job. Where an interrupt ends it, the command that again gives
// goes on, and the steps are done.
func (j *job) runVerify(ctx context.Context, p verify.Params, doing string, again func() []string) (*verify.Report, error) {
	p.Target, p.Jobs, p.Patience, p.MaxRate, p.Bus, p.Log, p.Progress = j.opts.target, j.jobs, j.patience(), j.opts.polite.rate, j.bus, j.log, &event.Progress{}
	p.Definitions = len(j.opts.Certificates) > 0
	if p.MaxDifferences == 0 { // none is shown
		p.MaxDifferences = -1
	}
	j.ui.Watch(p.Progress)
	rep, err := verify.Run(ctx, p)
	return rep, j.broken(err, doing, again)
}

// broken is the error of a comparison or a repair. What an interrupt broke off is
// none: it is gone on with by the command that again gives, and the steps are done.
func (j *job) broken(err error, doing string, again func() []string) error {
	switch {
	case err == nil:
		return nil
	case j.stopped():
		j.hold(Partial)
		j.next = again()
		return errDone
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// verifyLevel compares both sides as closely as was asked for.
func (j *job) verifyLevel(ctx context.Context) (err error) {
	ctx, done := j.untilStop(ctx)
	defer done()
	p := verify.Params{
		Source: j.opts.source, Plan: j.plan, Profile: j.profile, Level: verify.Level(j.opts.Level), MaxDifferences: j.opts.MaxDifferences,
		ShowValues: j.opts.ShowValues, Behaviour: j.opts.Behaviour,
	}
	if err := j.live(&p); err != nil {
		return err
	}
	if j.snapshot != nil {
		p.Snapshot = j.snapshot.ID
	}
	if err := j.journal(ctx, &p); err != nil {
		return err
	}
	j.recorded = p.Journal != nil
	if j.opts.Differences != "" {
		list, opening := newDifferences(j.opts.Differences)
		if opening != nil {
			return opening
		}
		p.Differences = list.add
		defer func() {
			if closing := list.close(); closing != nil && (err == nil || errors.Is(err, errDone)) {
				err = closing
			}
		}()
	}
	j.verified, err = j.runVerify(ctx, p, "verifying", j.verifyAgain)
	if err == nil {
		j.weigh(j.verified)
	}
	return err
}

// recordAfter is how long a verification takes before the target's ledger keeps
// what it has finished: a shorter one is as well begun anew.
const recordAfter = 20 * time.Second

// journal says where what is verified is kept: in the file that was named, else
// in the target's ledger, where there is one.
func (j *job) journal(ctx context.Context, p *verify.Params) error {
	p.Resume = j.opts.Resume
	if j.opts.State != "" {
		p.Journal = verify.FileJournal{Path: j.opts.State}
		return nil
	}
	const sql = `SELECT count(*) FROM information_schema.tables WHERE table_schema = '_pg2db9' AND table_name = 'run'`
	var tables int64
	err := j.target.QueryRow(ctx, sql, pgx.QueryExecModeSimpleProtocol).Scan(&tables)
	switch {
	case err == nil && tables > 0:
		p.Journal, p.JournalAfter = verify.TargetJournal{Endpoint: j.opts.target, Settings: copier.ControlSettings(j.profile)}, recordAfter
		return nil
	case !j.opts.Resume:
		return nil
	case err != nil:
		return fmt.Errorf("asking the target whether it has a ledger: %w", err)
	}
	return usagef(cmdVerify, "%s: the target has no ledger: say --state FILE, with the file of the verification that is to go on", j.opts.Where("resume"))
}

// verifyAgain is the command that goes on with this verification.
func (j *job) verifyAgain() []string {
	extra := j.levelFlags()
	if j.recorded {
		extra = append(extra, "--resume")
	}
	return []string{j.commandAgain(extra...)}
}

// levelFlags repeat how closely verify looks.
func (j *job) levelFlags() []string {
	var out []string
	for _, x := range []struct{ name, value string }{
		{"level", j.opts.Level}, {"deadline", j.opts.Deadline}, {"max-differences", strconv.Itoa(j.opts.MaxDifferences)}, {"differences", j.opts.Differences}, {"state", j.opts.State},
	} {
		if j.opts.Given(x.name) && !j.opts.InFile(x.name) {
			out = append(out, "--"+x.name, shellWord(x.value))
		}
	}
	if j.opts.ShowValues && !j.opts.InFile("show-values") {
		out = append(out, "--show-values")
	}
	if j.opts.Live && !j.opts.InFile("live") {
		out = append(out, "--live")
	}
	if j.opts.Behaviour && !j.opts.InFile("behaviour") {
		out = append(out, "--behaviour")
	}
	return out
}

// localiseCommand is what says which rows differ, where a copy's own verification
// saw that some do.
func (j *job) localiseCommand() string {
	return commandLine(cmdVerify, j.serverFlags(), j.filterFlags(), j.planFlags(), j.probeFlags(), []string{"--level", "rows"})
}

// differences is the file of all rows that differ.
type differences struct {
	path string
	file *os.File
	buf  *bufio.Writer
	enc  *json.Encoder
}

func newDifferences(path string) (*differences, error) {
	f, err := os.Create(path) //nolint:gosec // the user's choice
	if err != nil {
		return nil, fmt.Errorf("the list of differences cannot be written: %w", err)
	}
	d := &differences{path: path, file: f, buf: bufio.NewWriterSize(f, 64<<10)}
	d.enc = json.NewEncoder(d.buf)
	d.enc.SetEscapeHTML(false)
	return d, nil
}

func (d *differences) add(r verify.RowDifference) error {
	if err := d.enc.Encode(r); err != nil {
		return fmt.Errorf("writing the list of differences %q: %w", d.path, err)
	}
	return nil
}

func (d *differences) close() error {
	err := d.buf.Flush()
	if closing := d.file.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return fmt.Errorf("writing the list of differences %q: %w", d.path, err)
	}
	return nil
}
