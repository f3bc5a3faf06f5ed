package cli

import (
	"context"

	"github.com/pg2db9/pg2db9/internal/config"
)

func copyCommand() command {
	return command{
		name: cmdCopy, usage: "copy rows into tables that stand on the target, and verify them",
		about: "Copies rows alone: the tables must be there with columns that take them, and without rows, unless\n" +
			"--on-existing truncate empties them first. Schema, keys and sequences are left as they are.\n\n" + resumeAbout,
		options: optionNames(serverOptions, filterOptions, planOptions, probeOptions, transferOptions, rowOptions, politeOptions, resumeOptions, outputOptions),
		run:     runCopy,
	}
}

func runCopy(ctx context.Context, p *program, cfg *config.Config) (Code, error) {
	opts, err := newOptions(ctx, cmdCopy, cfg, needs{source: true, target: true})
	if err != nil {
		return OK, err
	}
	if cfg.OnExisting == config.Drop {
		return OK, usagef(cmdCopy, "%s: copy creates no tables, so it drops none: say truncate, or use clone", cfg.Where("on-existing"))
	}
	return p.startJob(ctx, cmdCopy, opts, func(j *job) []step {
		return []step{
			j.connect,
			j.surveySource,
			j.probe,
			j.checkServers,
			j.findRun,
			j.checkTables,
			j.openSnapshot,
			j.loadCatalog,
			j.findUnfit,
			j.makePlan(true),
			j.checkTarget(true),
			j.refuseBlockedPlan,
			j.dryRun,
			j.keepSnapshot,
			j.claimRun,
			j.copyData,
			j.exportRejects,
			j.releaseSnapshot,
			j.stillOurs,
			j.verify(true),
		}
	})
}
