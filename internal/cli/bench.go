package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/pg2db9/pg2db9/ddlgen"
	benchresult "github.com/pg2db9/pg2db9/internal/bench/result"
	benchrun "github.com/pg2db9/pg2db9/internal/bench/run"
	"github.com/pg2db9/pg2db9/internal/config"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/preflight"
	"github.com/pg2db9/pg2db9/internal/ui"
)

const (
	cmdBench         = "bench"
	cmdBenchCompare  = "bench compare"
	cmdBenchEstimate = "bench estimate"
	cmdBenchClean    = "bench clean"
)

func benchCommand() command {
	return command{
		name: cmdBench, usage: "measure how fast rows are read, written, or both",
		about: "With --target alone made rows are written to it, with --source alone its rows are read and thrown away, with both they\n" +
			"go from one to the other, and with neither pg2db9 measures itself. With --like-table the source only tells what made rows\n" +
			"look like. Lists (--jobs 1,4,8) are measured every value with every other, several runs of each, in turn; a setting that\n" +
			"is not named has the value of the profile. It says what limited, and recommends settings with the reason.\n\n" +
			"Writes to a schema of its own, " + benchrun.Schema + ", which is dropped at the end, whatever happens, and to pg2db9's ledger, which is\n" +
			"left as it was; bench clean removes what is left of one that was killed. It does not begin where that schema is there,\n" +
			"and asks before it writes more than 10 GB. docs/bench.md has the form of the result.",
		options: optionNames(serverOptions, []string{
			"include-table", "exclude-table", "include-schema", "exclude-schema", "profile",
			"jobs@bench", "batch-rows", "batch-bytes", "pipeline", "primary-key@bench", "order", "shape", "like-table",
			"size", "duration", "warmup", "repeat", "seed", "search", "result", "append", "apply-to", "yes",
		}, outputOptions),
		run: runBench,
	}
}

// Program is how results name this program.
func benchProgram() string { return "pg2db9 " + version() }

func runBench(ctx context.Context, p *program, cfg *config.Config) (Code, error) {
	g, err := readGrid(cfg)
	if err != nil {
		return OK, err
	}
	opts, err := newOptions(ctx, cmdBench, cfg, needs{})
	if err != nil {
		return OK, err
	}
	defer opts.source.Close()
	defer opts.target.Close()
	if err := checkLikeTable(cfg, opts); err != nil {
		return OK, err
	}
	into, err := g.earlier(cfg)
	if err != nil {
		return OK, err
	}
	if err := checkApplyTo(cfg); err != nil {
		return OK, err
	}
	ctx, done := p.untilInterrupt(ctx)
	defer done()
	params, err := p.benchParams(ctx, opts, g)
	if err == nil {
		var res *benchresult.Result
		if res, err = benchrun.Run(ctx, params); len(res.Cells) > 0 {
			err = errors.Join(err, p.benchTell(cfg, params.Profile, res, into))
		}
	}
	if cause := context.Cause(ctx); cause != nil && err != nil {
		return OK, fmt.Errorf("%w: %w", cause, err)
	}
	if err == nil && p.json {
		p.exitObject(OK, "measured", nil)
	}
	return OK, err
}

// benchParams fills in what nobody named from the profile.
func (p *program) benchParams(ctx context.Context, opts *options, g *grid) (benchrun.Params, error) {
	params := benchrun.Params{
		Source: opts.source, Target: opts.target, Filter: opts.filter, Search: opts.Search,
		Size: g.size, Duration: g.duration, WarmUp: g.warmUp, Repeat: opts.Repeat, Seed: uint64(opts.Seed), //nolint:gosec // checked
		Program: benchProgram(),
		Ask:     func(bytes int64) error { return p.allowWrite(opts, bytes) },
	}
	if !opts.NoProgress && !p.json {
		params.Say = func(text string) { _, _ = fmt.Fprintln(p.streams.Err, ui.Printable(text)) }
	}
	var err error
	params.Profile, params.Simulated, err = benchProfile(ctx, opts)
	if err != nil {
		return params, err
	}
	params.Grid = g.fill(params.Profile, opts.Search)
	return params, likeTable(ctx, opts, &params)
}

// benchProfile is the user's profile, or the one that the target asks for.
func benchProfile(ctx context.Context, opts *options) (ddlgen.Profile, bool, error) {
	var who preflight.About
	if opts.target != nil {
		conn, err := opts.target.Connect(ctx, dial.Asker())
		if err != nil {
			return ddlgen.Profile{}, false, err
		}
		defer closeConns(ctx, conn)
		if who, err = preflight.Ask(ctx, conn); err != nil {
			return ddlgen.Profile{}, false, fmt.Errorf("asking the target who it is: %w", err)
		}
	}
	var profile ddlgen.Profile
	switch {
	case opts.profile != nil:
		profile = *opts.profile
	case opts.target == nil || who.DB9:
		profile = ddlgen.DB9()
	default:
		profile = ddlgen.Postgres()
	}
	return profile, profile.Map && opts.target != nil && (!who.DB9 || who.StandIn), nil
}

// allowWrite asks before much is written.
func (p *program) allowWrite(opts *options, bytes int64) error {
	much := humanize.Bytes(uint64(max(bytes, 0)))
	if opts.Yes || p.confirm(fmt.Sprintf("About %s or more will be written to %s, and removed again.", much, opts.target)) {
		return nil
	}
	return fmt.Errorf("the measurement would write about %s or more to %s: give --yes to let it, or measure less (--size, --duration, fewer settings)", much, opts.target)
}

// benchTell prints the result and writes its files.
func (p *program) benchTell(cfg *config.Config, profile ddlgen.Profile, res, into *benchresult.Result) error {
	whole := res
	if into != nil {
		if err := into.Add(res); err != nil {
			return fmt.Errorf("adding to the result: %w", err)
		}
		whole = into
	}
	if p.json {
		p.lines.Write("bench", ui.Object{{Key: "result", Value: res}})
	} else {
		_, _ = io.WriteString(p.streams.Out, printableLines(res.Text()))
	}
	var errs []error
	for _, path := range cfg.Results {
		errs = append(errs, whole.WriteFile(path))
	}
	if cfg.ApplyTo != "" && whole.Best != nil {
		errs = append(errs, applyTo(cfg.ApplyTo, profile, whole.Best))
	}
	return errors.Join(errs...)
}

// printableLines makes lines that may hold other people's texts printable.
func printableLines(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(ui.Printable(strings.TrimSuffix(line, "\n")) + "\n")
	}
	return b.String()
}

// earlier is the result that runs are added to, where there is one; and it checks
// that all results can be written.
func (g *grid) earlier(cfg *config.Config) (*benchresult.Result, error) {
	var into *benchresult.Result
	for _, path := range cfg.Results {
		if err := benchresult.CheckPath(path); err != nil {
			return nil, usagef(cmdBench, "%s: %v", cfg.Where("result"), err)
		}
		if !cfg.Append || !strings.EqualFold(filepath.Ext(path), ".json") {
			continue
		}
		if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
			continue
		}
		if into != nil {
			return nil, usagef(cmdBench, "%s: name one JSON file to add to", cfg.Where("append"))
		}
		var err error
		if into, err = benchresult.Read(path); err != nil {
			return nil, usagef(cmdBench, "%s: %v", cfg.Where("append"), err)
		}
	}
	if cfg.Append && len(cfg.Results) == 0 {
		return nil, usagef(cmdBench, "%s: there is no --result FILE.json to add to", cfg.Where("append"))
	}
	return into, nil
}
