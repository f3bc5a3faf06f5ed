package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

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

// verifyLevel compares both sides as closely as was asked for.
func (j *job) verifyLevel(ctx context.Context) (err error) {
	ctx, done := j.untilStop(ctx)
	defer done()
	p := verify.Params{
		Source: j.opts.source, Target: j.opts.target, Plan: j.plan, Profile: j.profile, Jobs: j.jobs, Patience: j.patience(), Bus: j.bus, Log: j.log,
		Level: verify.Level(j.opts.Level), MaxDifferences: j.opts.MaxDifferences, ShowValues: j.opts.ShowValues, MaxRate: j.opts.polite.rate,
		Progress: &event.Progress{},
	}
	if p.MaxDifferences == 0 {
		p.MaxDifferences = -1
	}
	if j.snapshot != nil {
		p.Snapshot = j.snapshot.ID
	}
	if j.opts.Differences != "" {
		list, err := newDifferences(j.opts.Differences)
		if err != nil {
			return err
		}
		p.Differences = list.add
		defer func() { err = errors.Join(err, list.close()) }()
	}
	j.ui.Watch(p.Progress)
	rep, err := verify.Run(ctx, p)
	j.verified = rep
	if err != nil {
		if j.stopped() {
			j.hold(Partial)
			return nil
		}
		return fmt.Errorf("verifying: %w", err)
	}
	j.weigh(rep)
	return nil
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

// excusedRows counts the rows that differ as was announced.
func excusedRows(r *verify.Report) (n int64) {
	for i := range r.Tables {
		if d := r.Tables[i].Data; d != nil {
			for _, e := range d.Excused {
				n += e.Rows
			}
		}
	}
	return n
}
