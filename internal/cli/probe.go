package cli

import (
	"context"
	"fmt"

	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/config"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/preflight"
	"github.com/pg2db9/pg2db9/internal/probe"
)

func probeCommand() command {
	return command{
		name: cmdProbe, usage: "ask a target what it can do",
		about: "Makes small tables in schema " + probe.Schema + ", which is dropped afterwards, and shows what the target does: each\n" +
			"claim of its documents is proved, refuted, or left assumed, with the evidence, and so what the profile becomes. A\n" +
			"probe in doubt keeps the safe assumption and does not fail. The answers are kept for the next clone.",
		options: optionNames(targetOptions, []string{"profile", "only", "skip-probe", "probe-cache", "jobs", "report"}, outputOptions),
		run:     runProbe,
	}
}

func runProbe(ctx context.Context, p *program, cfg *config.Config) (Code, error) {
	cfg.Probe = config.ProbeAlways
	opts, err := newOptions(ctx, cmdProbe, cfg, needs{target: true})
	if err != nil {
		return OK, err
	}
	if opts.profile == nil { // what is written about DB9 is what there is to prove
		db9 := ddlgen.DB9()
		opts.profile = &db9
	}
	return p.startJob(ctx, cmdProbe, opts, func(j *job) []step {
		return []step{j.connectTarget, j.probeTarget}
	})
}

// connectTarget finds out who answers. A target that does not say is probed
// all the same.
func (j *job) connectTarget(ctx context.Context) error {
	return j.phase("connect", 0, func() (int, error) {
		var err error
		if j.target, err = j.first(ctx, j.opts.target, dial.Asker()); err != nil {
			return 0, err
		}
		if j.targetAbout, err = preflight.Ask(ctx, j.target); err != nil {
			j.targetAbout = preflight.About{}
		}
		j.rep.Target = describe(j.opts.target, j.targetAbout)
		j.chooseProfile()
		return 0, ctx.Err()
	})
}

func (j *job) probeTarget(ctx context.Context) error {
	r, err := j.ask(ctx, j.jobs)
	if err != nil {
		return err
	}
	j.correct(r, "")
	j.message = fmt.Sprintf("probed: %d proved, %d refuted, %d assumed", r.Count(probe.Proved), r.Count(probe.Refuted), r.Count(probe.Assumed))
	if n := r.Count(probe.Skipped); n > 0 {
		j.message += fmt.Sprintf(", %d skipped", n)
	}
	return nil
}
