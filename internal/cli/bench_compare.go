package cli

import (
	"context"
	"fmt"
	"io"
	"strconv"

	"github.com/jackc/pgx/v5"

	benchresult "github.com/pg2db9/pg2db9/internal/bench/result"
	benchrun "github.com/pg2db9/pg2db9/internal/bench/run"
	"github.com/pg2db9/pg2db9/internal/config"
	"github.com/pg2db9/pg2db9/internal/ui"
)

func benchCompareCommand() command {
	return command{
		name: cmdBenchCompare, usage: "say whether the second of two results is faster, slower or the same", files: "A.json B.json",
		about: "Holds the runs under the same settings against each other, at 99 %: by their ranks (Mann and Whitney's test) and, from 10\n" +
			"rounds on, by the ranks of the differences in each round too (Wilcoxon's). It needs at least 7 runs of each, made in turn\n" +
			"(bench --append, one program after the other; 15 find a tenth where runs differ by 5 %), and says that it cannot tell\n" +
			"where it has not: then it ends with 1. It ends with 3 where the second is slower by more than --threshold percent.",
		options: []string{"threshold", "json"},
		run:     runBenchCompare,
	}
}

func runBenchCompare(_ context.Context, p *program, cfg *config.Config) (Code, error) {
	percent, err := strconv.ParseFloat(cfg.Threshold, 64)
	if err != nil || percent < 0 || percent >= 100 {
		return OK, usagef(cmdBenchCompare, "%s: must be a number of percent from 0 to 100, not %q", cfg.Where("threshold"), cfg.Threshold)
	}
	if len(cfg.Files) != 2 {
		return OK, usagef(cmdBenchCompare, "two results are compared: bench compare A.json B.json")
	}
	var both [2]*benchresult.Result
	for i, path := range cfg.Files {
		if both[i], err = benchresult.Read(path); err != nil {
			return OK, usagef(cmdBenchCompare, "%v", err)
		}
	}
	c := benchresult.Compare(both[0], both[1])
	slower, unknown := c.Regressed(percent/100), c.Unknown()
	code, message := OK, "no regression"
	switch {
	case len(slower) > 0:
		code, message = Differences, fmt.Sprintf("slower by more than %g %% under %s", percent, count(len(slower), "choice")+" of settings")
	case len(c.Rows) == 0:
		code, message = Failed, "cannot tell: there is nothing to compare"
	case len(unknown) > 0:
		code, message = Failed, "cannot tell: "+unknown[0].Why
	}
	if p.json {
		p.lines.Write("compare", ui.Object{{Key: "comparison", Value: c}})
		p.exitObject(code, message, nil)
		return code, nil
	}
	_, _ = io.WriteString(p.streams.Out, printableLines(c.Text()+message+"\n"))
	return code, nil
}

func benchCleanCommand() command {
	return command{
		name: cmdBenchClean, usage: "remove what a measurement that was killed has left on the target",
		about: "Removes schema " + benchrun.Schema + ", where a measurement has marked it as its own, and the measurements' runs in the ledger; the\n" +
			"ledger itself where it came with a measurement and holds nothing else. Nothing is removed while the measurement is at\n" +
			"work, and nothing that is another's.",
		options: optionNames(targetOptions, []string{"json"}),
		run:     runBenchClean,
	}
}

func runBenchClean(ctx context.Context, p *program, cfg *config.Config) (Code, error) {
	return p.askTarget(ctx, cmdBenchClean, cfg, func(ctx context.Context, conn *pgx.Conn) error {
		c, err := benchrun.Clean(ctx, conn)
		if err != nil {
			return err
		}
		message := "nothing was left"
		if c.Schema || len(c.Runs) > 0 {
			message = fmt.Sprintf("removed: %s of the ledger", count(len(c.Runs), "run"))
			if c.Schema {
				message += ", schema " + benchrun.Schema
			}
			if c.Ledger {
				message += ", and the ledger that came with it"
			}
		}
		if p.json {
			p.lines.Write("clean", ui.Object{{Key: "removed", Value: c}})
			p.exitObject(OK, message, nil)
			return nil
		}
		_, _ = fmt.Fprintln(p.streams.Out, message)
		return nil
	})
}
