package cli

import (
	"context"
	"errors"

	"github.com/pg2db9/pg2db9/internal/config"
)

// The names of the commands.
const (
	cmdProbe     = "probe"
	cmdClone     = "clone"
	cmdSchema    = "schema"
	cmdAssess    = "assess"
	cmdCopy      = "copy"
	cmdVerify    = "verify"
	cmdRepair    = "repair"
	cmdSequences = "sequences"
	cmdStatus    = "status"
	cmdClean     = "clean"
	cmdVersion   = "version"

	cmdRejectsExport = "rejects export"
	cmdRejectsLoad   = "rejects load"
	cmdHolder        = "snapshot-holder"
)

func cloneCommand() command {
	return command{
		name: cmdClone, usage: "copy schema and rows to an empty target, and verify them",
		about: "Reads the source in one snapshot, creates what the target can have, copies all rows, then makes keys, indexes and\n" +
			"constraints, sets sequences, and reads the target back. What is not carried is named in the report.\n\n" +
			"The target must be empty, or --on-existing says what to do with objects of the plan that stand there:\n" +
			"  refuse    end before anything is written (the default)\n" +
			"  truncate  keep them; tables must have the planned columns, are emptied and loaded; the plan's foreign keys\n" +
			"            are dropped first and made again after the rows\n" +
			"  drop      drop exactly what the plan creates, without CASCADE, and make it anew\n" +
			"Nothing else on the target is touched.\n\n" + resumeAbout,
		options: optionNames(serverOptions, filterOptions, planOptions, rightsOptions, probeOptions, []string{"call-routines", "left-behind", "certificate", "format"}, transferOptions, rowOptions, politeOptions, resumeOptions, outputOptions),
		run:     runClone,
	}
}

func runClone(ctx context.Context, p *program, cfg *config.Config) (Code, error) {
	opts, err := newOptions(ctx, cmdClone, cfg, needs{source: true, target: true})
	if err != nil {
		return OK, err
	}
	if err := errors.Join(checkCertificates(cmdClone, cfg), checkFormat(cmdClone, cfg)); err != nil {
		return OK, err
	}
	return p.startJob(ctx, cmdClone, opts, func(j *job) []step {
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
			j.makePlan(false),
			j.tellFormat,
			j.checkTarget(false),
			j.refuseBlockedPlan,
			j.dryRun,
			j.keepSnapshot,
			// From here on the target is written to.
			j.claimRun,
			j.create,
			j.checkColumns,
			j.planSteps,
			j.copyData,
			j.exportRejects,
			j.countViews,
			j.releaseSnapshot,
			j.stillOurs,
			j.complete,
			j.callRoutines,
			j.setSequences,
			j.stillOurs,
			j.verify(false),
		}
	})
}
