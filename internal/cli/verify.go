package cli

import (
	"context"
	"fmt"

	"github.com/pg2db9/pg2db9/internal/config"
)

func verifyCommand() command {
	return command{
		name: cmdVerify, usage: "compare the target with the source, row for row",
		about: "Reads source and target, and compares definitions, row counts, contents and sequences. Rows that the source\n" +
			"gained or changed since they were copied are differences. --level rows says which rows and columns differ.\n\n" +
			"With --behaviour the target is also made to act, in transactions that are rolled back: rows that a key, check, foreign\n" +
			"key or NOT NULL must refuse are sent, generated columns are computed again, rows are inserted that leave defaults and\n" +
			"identities out, rows are looked up by indexes, views are counted, and functions that are safe to call are called on\n" +
			"both sides. What is not tried is named with the reason.\n\n" +
			"With --live both sides may be written meanwhile, the target behind the source: no snapshot is held, and rows that\n" +
			"differ are looked at again until they are equal or the deadline passes. The answer says how many settled, how many\n" +
			"differ and stand still, and how many were still changing: those are neither equal nor different.\n\n" +
			"--certificate FILE keeps what was found, sealed by a chain of hashes. With --recheck that certificate is read: that it was\n" +
			"not changed, and that the target still holds what it says. The source is not needed for that, and not read.",
		options: optionNames(serverOptions, filterOptions, planOptions, probeOptions, verifyOptions, []string{"jobs", "max-rate", "behaviour", "report"}, outputOptions),
		run:     runVerify,
	}
}

func runVerify(ctx context.Context, p *program, cfg *config.Config) (Code, error) {
	if cfg.Recheck {
		return runRecheck(ctx, p, cfg)
	}
	opts, err := newOptions(ctx, cmdVerify, cfg, needs{source: true, target: true})
	if err != nil {
		return OK, err
	}
	if err := checkVerify(cfg); err != nil {
		return OK, err
	}
	if err := checkCertificates(cmdVerify, cfg); err != nil {
		return OK, err
	}
	return p.startJob(ctx, cmdVerify, opts, func(j *job) []step {
		return append(j.stepsToPlan(),
			j.releaseForLive,
			j.verifyLevel,
			j.verifiedMessage,
		)
	})
}

// stepsToPlan are those of a command that holds the target against what a clone
// would make of it.
func (j *job) stepsToPlan() []step {
	return []step{
		j.connect,
		j.surveySource,
		j.probe,
		j.checkTables,
		j.openSnapshot,
		j.loadCatalog,
		j.findUnfit,
		j.makePlan(false),
		j.refuseBlockedPlan,
	}
}

// withoutData is how many tables go without their rows, as the user asked.
func (j *job) withoutData() int {
	n := 0
	for i := range j.plan.Transfers {
		if j.plan.Transfers[i].NoData != "" {
			n++
		}
	}
	return n
}

// verifiedMessage is the last line of a verification without a difference.
func (j *job) verifiedMessage(context.Context) error {
	if j.verified == nil {
		return nil
	}
	skipped := j.verified.TableCounts().Skipped
	if j.opts.Level == config.LevelSchema {
		j.message = fmt.Sprintf("verified: the definitions of %s and %s are as planned; rows were not looked at, as asked (--level schema)",
			count(len(j.verified.Tables), "table"), count(len(j.verified.Sequences), "sequence"))
		return nil
	}
	j.message = fmt.Sprintf("verified: %s, %s, %s are as on the source", count(len(j.verified.Tables)-skipped, "table"),
		count(int(j.verified.Rows()), "row"), count(len(j.verified.Sequences)-j.verified.SequenceCounts().Skipped, "sequence"))
	if j.opts.Level == config.LevelCounts {
		j.message += "; rows were counted, not compared, as asked (--level counts)"
	}
	if j.opts.Live {
		j.message += j.settledWords()
	}
	if n := j.verified.ExcusedRows(); n > 0 {
		j.message += fmt.Sprintf("; %s differ as announced", count(int(n), "row"))
	}
	if n := len(j.verified.Views); n > 0 {
		j.message += fmt.Sprintf("; %s as planned", count(n, "view"))
	}
	if c := j.verified.BehaviourCounts(); c.Match+c.Skipped > 0 {
		j.message += fmt.Sprintf("; %s of behaviour passed, %d not tried", count(c.Match, "check"), c.Skipped)
	}
	without := j.withoutData()
	if without > 0 {
		j.message += fmt.Sprintf("; %s without data, as asked", count(without, "table"))
	}
	if skipped > without {
		j.message += fmt.Sprintf("; %s not proved, as accepted", count(skipped-without, "table"))
	}
	return nil
}
