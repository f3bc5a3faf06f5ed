package cli

import (
	"context"
	"fmt"

	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/config"
	"github.com/pg2db9/pg2db9/verify"
)

func sequencesCommand() command {
	return command{
		name: cmdSequences, usage: "compare the sequences of both sides, or set the target's",
		about: "Shows where each sequence stands on either side, and asks for each column that one feeds (an identity column, a\n" +
			"default, an owned one) whether it is past the column's values. With --set the target's get the source's positions,\n" +
			"and --margin values more, and are read back and proved so; it may be called again, last at cut-over.",
		options: optionNames(serverOptions, filterOptions, planOptions, []string{"set", "margin", "report"}, outputOptions),
		run:     runSequences,
	}
}

func runSequences(ctx context.Context, p *program, cfg *config.Config) (Code, error) {
	opts, err := newOptions(ctx, cmdSequences, cfg, needs{source: true, target: true})
	if err != nil {
		return OK, err
	}
	switch {
	case opts.Margin < 0:
		return OK, usagef(cmdSequences, "%s: must be 0 or more, not %d", cfg.Where("margin"), opts.Margin)
	case opts.Margin > 0 && !opts.Set:
		return OK, usagef(cmdSequences, "%s: it goes with --set", cfg.Where("margin"))
	}
	return p.startJob(ctx, cmdSequences, opts, func(j *job) []step {
		return []step{
			j.connect,
			j.surveySource,
			j.openSnapshotUnlocked,
			j.loadCatalog,
			j.makePlan(false),
			j.onlySequences,
			j.setWhereAsked,
			j.compareSequences,
		}
	})
}

// onlySequences takes everything else out of the plan, and its findings with it.
func (j *job) onlySequences(context.Context) error {
	j.plan = &ddlgen.Plan{SourceHash: j.plan.SourceHash, Profile: j.plan.Profile, Sequences: j.plan.Sequences}
	return nil
}

func (j *job) setWhereAsked(ctx context.Context) error {
	if !j.opts.Set {
		return nil
	}
	j.written.Store(true)
	return j.setSequences(ctx)
}

func (j *job) compareSequences(ctx context.Context) error {
	p := verify.Params{
		Source: j.opts.source, Target: j.opts.target, Plan: j.plan, Profile: j.profile, Jobs: 1, Bus: j.bus, Log: j.log,
		Copied: []verify.SourceSide{}, // rows are no matter here
	}
	if j.opts.Set {
		p.Sequences, p.StrictSequences = j.positions(), true
	}
	rep, err := verify.Run(ctx, p)
	j.verified = rep
	if err != nil {
		return fmt.Errorf("reading the target's sequences: %w", err)
	}
	j.weigh(rep)
	j.message = count(len(rep.Sequences), "sequence") + " stand as on the source"
	if j.opts.Margin > 0 {
		j.message = fmt.Sprintf("%s stand %s beyond the source, or at their bounds", count(len(rep.Sequences), "sequence"), count(j.opts.Margin, "value"))
	}
	columns := 0
	for _, s := range rep.Sequences {
		for _, f := range s.Feeds {
			if f.Note == "" && !f.Behind {
				columns++
			}
		}
	}
	if columns > 0 {
		j.message += fmt.Sprintf(", past all values of %s", count(columns, "column"))
	}
	return nil
}
