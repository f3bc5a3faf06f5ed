package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/pg2db9/pg2db9/internal/config"
	"github.com/pg2db9/pg2db9/internal/event"
)

// checkFormat refuses what cannot be had together with rows in COPY's binary format.
func checkFormat(command string, cfg *config.Config) error {
	if cfg.Format != config.FormatBinary {
		return nil
	}
	switch {
	case cfg.OnRowError != config.RowStop && cfg.OnRowError != config.RowTable:
		return usagef(command, "%s: rows that are kept apart are kept as text: leave --on-row-error %s out", cfg.Where("format"), cfg.OnRowError)
	case cfg.OnExisting == config.Truncate:
		return standing(command, cfg)
	case !cfg.SkipVerify && (cfg.MaxLagBytes != "" || cfg.MaxActive+cfg.MaxTransaction+cfg.YieldLocks > 0):
		return usagef(command, "%s: verification reads the source once more, and heeds neither --max-lag-bytes, --max-active, --max-transaction nor --yield-locks: leave them out, or verify by itself later (--skip-verify)", cfg.Where("format"))
	}
	return nil
}

func standing(command string, cfg *config.Config) error {
	return usagef(command, "%s: tables that stand may be of other types, which the binary format does not notice: it is not for --on-existing %s", cfg.Where("format"), config.Truncate)
}

// binary is how many tables' rows travel in the binary format.
func (j *job) binary() (n int) {
	if j.plan == nil {
		return 0
	}
	for _, t := range j.plan.Transfers {
		if t.Binary {
			n++
		}
	}
	return n
}

// readsAgain says that verification will read the source, in the snapshot of the copy.
func (j *job) readsAgain() bool { return !j.opts.SkipVerify && j.binary() > 0 }

// tellFormat says which tables' rows travel as text though binary was asked for,
// and refuses where it can be none's.
func (j *job) tellFormat(context.Context) error {
	if j.opts.Format != config.FormatBinary {
		return nil
	}
	source, target := j.db.ServerVersion/10000, j.targetAbout.Version/10000
	switch {
	case j.profile.Map:
		return usagef(j.command, "%s: profile %s has rows travel as text alone", j.opts.Where("format"), j.profile.Name)
	case j.onExisting == config.Truncate: // of the run that is continued
		return standing(j.command, j.opts.Config)
	case source != target:
		return usagef(j.command, "%s: the source is PostgreSQL %d and the target %d, and only within one major the binary format is known to mean the same: leave it out", j.opts.Where("format"), source, target)
	case j.db.Encoding == "SQL_ASCII":
		return usagef(j.command, "%s: the source's encoding is SQL_ASCII, and what it holds is looked at as text: leave it out", j.opts.Where("format"))
	}
	var text []string
	for _, t := range j.plan.Transfers {
		if !t.Binary && t.NoData == "" {
			text = append(text, t.Source.String())
		}
	}
	if len(text) == 0 {
		return nil
	}
	const shown = 5
	names := strings.Join(text[:min(shown, len(text))], ", ")
	if len(text) > shown {
		names += ", ..."
	}
	j.bus.Emit(event.Note{Text: fmt.Sprintf("%s with columns whose binary form may mean something else on the target: the rows travel as text (%s)", count(len(text), "table"), names)})
	return nil
}
