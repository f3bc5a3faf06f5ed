// Command peers times pg2db9 beside the tools that do the same work:
//
//	go run ./internal/bench/peers -cases one-stream,tables-505 -json out.json
//
// It starts a source and a target cluster of its own, makes the data by SQL,
// and runs whole commands as child processes in turn: A B A B, after one
// warm-up of each. The target is made anew before every run. Nothing is left
// behind. docs/performance.md tells what the cases are for.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// benchCase is one comparison.
type benchCase struct {
	name  string
	about string
	bytes float64 // COPY TEXT of its data at -size 1
	run   func(ctx context.Context, b *bench) (*result, error)
}

// cases are all that can be named.
func cases() []benchCase { return append(ownCases(), comparedCases()...) }

// ownCases are those that are run where none is named.
func ownCases() []benchCase {
	return []benchCase{
		{"one-stream", "one table, one job, beside psql | psql", oneStreamBytes, oneStream},
		{"tables-505", "505 tables, two jobs, beside pg_dump and pg_restore", mixBytes, tables505},
		{"pgcopydb", "505 tables, two jobs, beside pgcopydb", mixBytes, besidePgcopydb},
		{"binary", "505 tables, two jobs, in COPY's binary format beside text", mixBytes, binary},
		{"one-large", "one table beside 200 small ones, two jobs, beside the same bytes in equal tables", 2 * largeBytes, oneLarge},
		{"memory", "the most memory of a clone with eight jobs, and of one huge row", memoryBytes + hugeRowBytes, memory},
		{"wan", "four tables over a long and narrow link, data phase alone", wanBytes, wan},
		{"far-tables", "500 small tables to a target 100 ms away, beside pg_dump and pg_restore", farBytes, farAway},
		{"many-tables", "assess and schema of 100,000 tables: memory, and time against half as many", manyBytes, manyTablesCase},
		{"verify-speed", "verification by digest, two jobs, beside reading both sides and beside other ways to compare them", mixBytes, verifySpeed},
		{"verify-cost", "what verification adds, beside reading the target once", verifyBytes, verifyCost},
	}
}

// options are the command line.
type options struct {
	cases  []string
	rounds int
	size   float64
	shape  string
	json   string
	pg2db9 string
	record string
	page   string
	seed   uint64

	roundTrip time.Duration // of far
	fsync     bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	interrupted := ctx.Err() != nil
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case interrupted:
		fmt.Fprintln(os.Stderr, "peers: interrupted")
		os.Exit(130)
	case err != nil:
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

func parse(args []string, stderr io.Writer) (options, error) {
	var names, own, about []string
	for _, c := range ownCases() {
		own = append(own, c.name)
	}
	for _, c := range cases() {
		names = append(names, c.name)
		about = append(about, fmt.Sprintf("  %-12s %s", c.name, c.about))
	}
	var o options
	fs := flag.NewFlagSet("peers", flag.ContinueOnError)
	fs.SetOutput(stderr)
	list := fs.String("cases", strings.Join(own, ","), "the cases to run; "+compared+" stands for all beside every tool (a to far):\n"+strings.Join(about, "\n")+"\n")
	fs.IntVar(&o.rounds, "rounds", 5, "timed rounds of each case")
	fs.Float64Var(&o.size, "size", 1, "multiply the amount of data; the documented figures are those of 1")
	fs.StringVar(&o.shape, "shape", "accounts", "the rows of one-stream: "+strings.Join(shapeNames(), ", "))
	fs.StringVar(&o.json, "json", "", "write all runs to this file")
	mb := fs.Float64("mb", 0, "the amount of data as that of the 505 tables, in MB, instead of -size")
	fs.StringVar(&o.record, "record", "", "keep the runs of cases beside every tool in this file, those of other cases left as they are")
	fs.StringVar(&o.page, "page", "", "write the tables of all that -record holds into this page, between its markers")
	fs.Uint64Var(&o.seed, "seed", uint64(time.Now().Unix()), "of the order of the runs")
	fs.BoolVar(&o.fsync, "fsync", true, "have the servers write to the disk, as they do where it counts; without it, to try this program out")
	fs.DurationVar(&o.roundTrip, "round-trip", 100*time.Millisecond, "how far away the target of far is")
	fs.StringVar(&o.pg2db9, "pg2db9", "", "the program to measure (default: built from this checkout)")
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	for _, name := range strings.Split(*list, ",") {
		if name != compared {
			o.cases = append(o.cases, name)
			continue
		}
		for _, c := range comparedCases() {
			o.cases = append(o.cases, c.name)
		}
	}
	if *mb > 0 {
		o.size = *mb * 1e6 / mixBytes
	}
	for _, name := range o.cases {
		if !slices.Contains(names, name) {
			return o, fmt.Errorf("-cases %s: there are %s", name, strings.Join(names, ", "))
		}
	}
	if _, err := shapeNamed(o.shape); err != nil {
		return o, err
	}
	if o.rounds < 1 || o.size <= 0 {
		return o, errors.New("-rounds and -size must be positive")
	}
	if o.page != "" && o.record == "" {
		return o, errors.New("-page needs -record, which holds what it shows")
	}
	return o, nil
}

func run(ctx context.Context, args []string, out, log io.Writer) (err error) {
	opts, err := parse(args, log)
	if err != nil {
		return err
	}
	tools, err := findTools()
	if err != nil {
		return err
	}
	if err := chooseServer(tools); err != nil {
		return err
	}
	if opts.page != "" { // not after half an hour
		if err := checkPage(opts.page); err != nil {
			return err
		}
	}
	dir, err := os.MkdirTemp("/tmp", "pg2db9-peers-") // where the clusters are: the same disk
	if err != nil {
		return fmt.Errorf("create a working directory: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	chosen := slices.DeleteFunc(cases(), func(c benchCase) bool { return !slices.Contains(opts.cases, c.name) })
	if err := checkDisk(dir, chosen, opts.size); err != nil {
		return err
	}
	if opts.pg2db9 == "" {
		opts.pg2db9 = filepath.Join(dir, "pg2db9")
		_, _ = fmt.Fprintln(log, "building pg2db9")
		build := exec.CommandContext(ctx, "go", "build", "-o", opts.pg2db9, "github.com/pg2db9/pg2db9/cmd/pg2db9")
		build.Stderr = log
		if err := build.Run(); err != nil {
			return fmt.Errorf("build pg2db9: %w", err)
		}
	}
	b := &bench{opts: opts, tools: tools, dir: dir, log: log}
	defer func() { err = errors.Join(err, b.close(context.WithoutCancel(ctx))) }()
	if err := b.start(ctx); err != nil {
		return err
	}
	rep, err := b.describe(ctx)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(out, rep.header()); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	for _, c := range chosen {
		r, err := c.run(ctx, b)
		if err != nil {
			return fmt.Errorf("case %s: %w", c.name, err)
		}
		r.Case, r.About = c.name, c.about
		rep.Results = append(rep.Results, r)
		if opts.record != "" && isCompared(c.name) {
			if err := rep.keep(opts.record, opts.page, r); err != nil {
				return err
			}
		}
		if _, err := io.WriteString(out, r.String()); err != nil {
			return fmt.Errorf("print: %w", err)
		}
	}
	if opts.json != "" {
		return rep.write(opts.json)
	}
	return nil
}
