// Command demo shows a whole migration on a machine that has Go and nothing
// else: it gets a PostgreSQL, starts a source and a target, sets the stand-in for
// DB9 before the target, fills the source with the sample order system, has the
// real pg2db9 clone and verify it, asks both servers itself what they hold, and
// removes everything it made but the report.
//
//	go run ./internal/demo [--rules documented|none] [--keep]
//
// With --rehearse the source is the user's own database, which the variable
// PG2DB9_SOURCE names, and the report is printed and not kept:
//
//	PG2DB9_SOURCE=postgres://... go run ./internal/demo --rehearse [--keep]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// interrupted is the exit code of a demo that a signal ended outside of clone.
const interrupted = 130

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// options are the demo's flags.
type options struct {
	rules    string
	rehearse bool
	source   string // of a rehearsal; it may hold a secret
	keep     bool
	scale    float64
	major    int
	reports  string // folder; it and the reports in it stay
}

// sourceVariable names the source of a rehearsal, as it does for pg2db9.
const sourceVariable = "PG2DB9_SOURCE"

// plain are the rules of a demo without a stand-in.
const plain = "none"

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.rules, "rules", "strict", "rules of the stand-in before the target: strict or documented; none leaves it away: the target is a PostgreSQL")
	flags.BoolVar(&o.rehearse, "rehearse", false, "clone the database that "+sourceVariable+" names, instead of the sample")
	flags.BoolVar(&o.keep, "keep", false, "keep the servers until Ctrl-C, and print their URLs")
	flags.Float64Var(&o.scale, "scale", 1, "size of the sample; 1 is about 200,000 rows")
	flags.IntVar(&o.major, "source-major", 0, "major of the source, 13 to 18 (default: the target's)")
	flags.StringVar(&o.reports, "report-dir", "", "folder for the report (default: .cache/demo of the checkout)")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if o.rehearse {
		o.source = os.Getenv(sourceVariable)
	}
	var err error
	switch {
	case flags.NArg() > 0:
		err = fmt.Errorf("unknown argument %q", flags.Arg(0))
	case o.rules != "strict" && o.rules != "documented" && o.rules != plain:
		err = fmt.Errorf("--rules %q is neither strict, documented nor none", o.rules)
	case o.rehearse && o.rules == plain:
		err = errors.New("--rehearse needs a stand-in: --rules strict or documented")
	case o.rehearse && o.source == "":
		err = errors.New("--rehearse needs a source: make rehearse SOURCE=postgres://user@host/database")
	case o.scale <= 0:
		err = errors.New("--scale must be above 0")
	}
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "demo:", err)
	}
	return o, err
}

// run is the demo. It returns clone's exit code if clone was reached.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		return 2
	}
	d := &demo{options: o, out: stdout, stderr: stderr}
	code, err := d.play(ctx)
	if cerr := d.clean(ctx); cerr != nil {
		err = errors.Join(err, cerr)
	}
	switch {
	case err != nil && ctx.Err() != nil:
		_, _ = fmt.Fprintln(stderr, "demo: interrupted; the servers and all files of the demo are removed")
		if code == 0 {
			code = interrupted
		}
	case err != nil:
		_, _ = fmt.Fprintln(stderr, "demo:", err)
		if code == 0 {
			code = 1
		}
	}
	return code
}
