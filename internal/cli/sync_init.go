package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/pg2db9/pg2db9/internal/config"
	"github.com/pg2db9/pg2db9/internal/outfile"
	"github.com/pg2db9/pg2db9/internal/sync/advise"
	"github.com/pg2db9/pg2db9/internal/sync/cron"
	"github.com/pg2db9/pg2db9/internal/sync/jobfile"
)

const cmdSyncInit = "sync init"

func syncInitCommand() command {
	return command{
		name: cmdSyncInit, usage: "write a job file from the source's catalog, with each table's best mode and why", jobs: true,
		about: "Looks at the source's tables, their keys, their columns and what its statistics count, and writes a job file to the FILE of\n" +
			"--config, or to stdout without it. Tables that foreign keys connect stand in one group. A comment says of each table which\n" +
			"mode is best, and why. A file that is there already is never overwritten. Nothing is written to the source.",
		options: optionNames([]string{
			"source", "source-url-command", "source-password-command", "network-timeout", "source-ssh", "source-ssh-key", "source-ssh-passphrase-command", "ssh-known-hosts",
			"include-table", "exclude-table", "include-schema", "exclude-schema", "schedule", "timezone",
		}, outputOptions),
		run: runSyncInit,
	}
}

func runSyncInit(ctx context.Context, p *program, cfg *config.Config) (Code, error) {
	if _, err := cron.Parse(cfg.Schedule); err != nil {
		return OK, usagef(cmdSyncInit, "%s: %v", cfg.Where("schedule"), err)
	}
	if _, err := time.LoadLocation(cfg.Timezone); err != nil || cfg.Timezone == "Local" || cfg.Timezone == "" {
		return OK, usagef(cmdSyncInit, "%s: %q is no time zone: zones have names such as Europe/Berlin or UTC", cfg.Where("timezone"), cfg.Timezone)
	}
	if cfg.JobFile != "" {
		if err := absent(cfg.JobFile); err != nil {
			return OK, err
		}
	}
	opts, err := newOptions(ctx, cmdSyncInit, cfg, needs{source: true})
	if err != nil {
		return OK, err
	}
	return p.startJob(ctx, cmdSyncInit, opts, func(j *job) []step {
		return []step{j.connect, j.surveySource, j.openSnapshotUnlocked, j.loadCatalog, j.releaseSnapshot, j.writeJobFile}
	})
}

// absent says that a file is not there, before anything is asked of a server.
func absent(path string) error {
	if _, err := os.Lstat(path); err == nil {
		return usagef(cmdSyncInit, "--config: %s is there already, and a job file is never overwritten: name another, or move it away", path)
	}
	if err := outfile.Check("job file", path); err != nil {
		return usagef(cmdSyncInit, "--config: %v", err)
	}
	return nil
}

// writeJobFile writes what is suggested, once it is proved to be a job file.
func (j *job) writeJobFile(ctx context.Context) error {
	activity, err := advise.ReadActivity(ctx, j.source)
	if err != nil {
		return err
	}
	all, left := advise.ForTables(j.db, activity)
	if len(all) == 0 {
		return errors.New("the source has no table that could be kept current: nothing was written")
	}
	var b strings.Builder
	err = advise.Write(&b, all, left, advise.FileOptions{
		Source: j.opts.source.String(), At: j.started, Schedule: j.opts.Schedule, Timezone: j.opts.Timezone,
	})
	if err != nil {
		return err
	}
	if _, err := jobfile.Parse("the job file", []byte(b.String())); err != nil {
		return fmt.Errorf("what was written of the catalog is no job file: %w; please report it with the tables' definitions", err)
	}
	j.synced, j.message = true, fmt.Sprintf("%s written to %s: read why, then pg2db9 sync plan --config %s", count(len(all), "table"), j.opts.JobFile, shellWord(j.opts.JobFile))
	if j.opts.JobFile == "" {
		j.beginScript()
		j.script = true
		_, _ = io.WriteString(j.p.streams.Out, b.String())
		j.message = count(len(all), "table") + " written"
		return nil
	}
	return createFile(j.opts.JobFile, b.String())
}

// createFile writes a file that is not there, even if one appears meanwhile.
func createFile(path, text string) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) //nolint:gosec // for others to read; it holds no secret
	if err != nil {
		return fmt.Errorf("writing the job file: %w", err)
	}
	_, err = f.WriteString(text)
	err = errors.Join(err, f.Sync())
	err = errors.Join(err, f.Close())
	if err != nil {
		_ = os.Remove(path)
		return fmt.Errorf("writing the job file %s: %w", path, err)
	}
	return nil
}
