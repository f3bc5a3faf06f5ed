package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/pg2db9/pg2db9/internal/config"
	"github.com/pg2db9/pg2db9/verify"
)

// checkLive refuses what does not go with sides that are written. Without a level
// it is rows, since a row that differs is looked at again by its key.
func checkLive(cfg *config.Config) error {
	if !cfg.Live {
		if cfg.Given("deadline") && !cfg.InFile("deadline") {
			return usagef(cmdVerify, "%s: it is how long --live looks at rows again: say --live too", cfg.Where("deadline"))
		}
		return nil
	}
	if d, err := time.ParseDuration(cfg.Deadline); err != nil || d <= 0 {
		return usagef(cmdVerify, "%s: %q is no time above 0, such as 90s, 10m or 2h", cfg.Where("deadline"), cfg.Deadline)
	}
	if !cfg.Given("level") {
		cfg.Level = config.LevelRows
	}
	if cfg.Level != config.LevelRows && cfg.Level != config.LevelDeep {
		return usagef(cmdVerify, "%s: --live looks at rows, so that its level is rows or deep, not %s", cfg.Where("level"), cfg.Level)
	}
	return nil
}

// live has both sides compared while they are written.
func (j *job) live(p *verify.Params) (err error) {
	if p.Live = j.opts.Live; !p.Live {
		return nil
	}
	p.Deadline, err = time.ParseDuration(j.opts.Deadline)
	return err
}

// releaseForLive gives the snapshot of the definitions back: rows of sides that are
// written are read without one, which may take hours.
func (j *job) releaseForLive(ctx context.Context) error {
	if j.opts.Live {
		j.release(ctx)
	}
	return nil
}

// settledWords say what became of rows that differed at first.
func (j *job) settledWords() string {
	var settled int64
	for i := range j.verified.Tables {
		if d := j.verified.Tables[i].Data; d != nil && d.Live != nil {
			settled += d.Live.Settled
		}
	}
	words := fmt.Sprintf("; both sides could be written meanwhile: %s differed at first and settled", count(int(settled), "row"))
	if n := j.verified.SequenceCounts().Skipped; n > 0 {
		words += fmt.Sprintf("; the positions of %s are given at cut-over (pg2db9 sequences --set)", count(n, "sequence"))
	}
	return words
}
