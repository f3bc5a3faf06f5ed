package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/pg2db9/pg2db9/copier"
	"github.com/pg2db9/pg2db9/internal/config"
	"github.com/pg2db9/pg2db9/verify"
)

func repairCommand() command {
	return command{
		name: cmdRepair, usage: "write the rows that differ to the target, and no others",
		about: "Verifies as verify --level rows does, and prints the statements that make the target's rows as the source's are: INSERT\n" +
			"of missing rows, UPDATE of the columns that differ, with --delete also DELETE of rows that the source has not. Long values\n" +
			"are shortened in print, with their size beside them. Nothing is written without --execute.\n\n" +
			"With --execute they are written in small transactions, in the source's values, read again by key in one snapshot, and the\n" +
			"tables are verified again. The exit code is that of this verification. Nothing is ever written to the source. It does\n" +
			"not begin beside another run on the target. Triggers are kept from acting where the role may (session_replication_role),\n" +
			"else the table is left out, unless --allow-triggers names it.\n\n" +
			"Of tables without a key, missing copies of rows are inserted; copies that are too many are deleted on PostgreSQL alone.",
		options: optionNames(serverOptions, filterOptions, planOptions, probeOptions,
			[]string{"execute", "delete", "allow-triggers", "dry-run", "max-differences", "jobs", "max-rate", "report"}, outputOptions),
		run: runRepair,
	}
}

func runRepair(ctx context.Context, p *program, cfg *config.Config) (Code, error) {
	opts, err := newOptions(ctx, cmdRepair, cfg, needs{source: true, target: true})
	if err != nil {
		return OK, err
	}
	switch {
	case cfg.Execute && cfg.DryRun:
		return OK, usagef(cmdRepair, "--execute writes, --dry-run does not: leave one of them out")
	case cfg.MaxDifferences < 0:
		return OK, usagef(cmdRepair, "%s: must be at least 0, not %d", cfg.Where("max-differences"), cfg.MaxDifferences)
	}
	r := &repair{}
	return p.startJob(ctx, cmdRepair, opts, func(j *job) []step {
		r.job = j
		return append(j.stepsToPlan(),
			r.find,
			r.print,
			r.execute,
			r.conclude,
		)
	})
}

// repairAgain is the command that repairs what is left.
func (j *job) repairAgain() []string {
	var extra []string
	if j.opts.Execute && !j.opts.InFile("execute") {
		extra = append(extra, "--execute")
	}
	if j.opts.Delete && !j.opts.InFile("delete") {
		extra = append(extra, "--delete")
	}
	if !j.opts.InFile("allow-triggers") {
		for _, t := range j.opts.AllowTriggers {
			extra = append(extra, "--allow-triggers", shellWord(t))
		}
	}
	if j.opts.Given("max-differences") && !j.opts.InFile("max-differences") {
		extra = append(extra, "--max-differences", strconv.Itoa(j.opts.MaxDifferences))
	}
	return []string{commandLine(cmdRepair, j.serverFlags(), j.filterFlags(), j.planFlags(), j.otherFlags(), j.probeFlags(), extra)}
}

// conclude weighs what the last verification saw, and says what was done.
func (r *repair) conclude(context.Context) error {
	j := r.job
	j.weigh(j.verified)
	did := r.result
	var parts []string
	switch would := !j.opts.Execute; {
	case len(r.tables) == 0 && j.verified.Good():
		parts = append(parts, "no row differs: there is nothing to repair")
	case len(r.tables) == 0:
		parts = append(parts, "no row was found that can be repaired")
	case would:
		parts = append(parts, "dry run: would be "+r.counts()+"; nothing was written: --execute writes")
	default:
		parts = append(parts, r.did())
	}
	if did.Kept > 0 {
		parts = append(parts, fmt.Sprintf("%s on the target alone: they stay, --delete deletes them", count(int(did.Kept), "row")))
	}
	for i, x := range did.Refused {
		if i == mostReasons {
			parts = append(parts, fmt.Sprintf("%s more with rows that are not repaired", count(len(did.Refused)-i, "table")))
			break
		}
		parts = append(parts, fmt.Sprintf("%s of %s not repaired (%s)", count(int(x.Rows), "row"), x.Table, redact(x.Why)))
	}
	if r.again > 0 && j.verified.Good() {
		parts = append(parts, fmt.Sprintf("verified again: %s as on the source", count(r.again, "table")))
	}
	j.message = strings.Join(parts, "; ")
	return nil
}

// did says how many rows were written.
func (r *repair) did() string { return "repaired: " + r.counts() }

func (r *repair) counts() string {
	what := func(n int64, word string) string { return count(int(n), "row") + " " + word }
	return strings.Join([]string{what(r.result.Inserted, "inserted"), what(r.result.Updated, "updated"), what(r.result.Deleted, "deleted")}, ", ")
}

// repairKinds are the copier's words for verification's.
var repairKinds = map[verify.RowKind]copier.RepairKind{
	verify.RowMissing: copier.RepairMissing, verify.RowChanged: copier.RepairChanged, verify.RowExtra: copier.RepairExtra,
}
