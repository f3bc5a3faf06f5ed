// Command demo shows a whole migration on a machine that has Go and nothing
// else: it gets a PostgreSQL, starts a source and a target, fills the source
// with the sample order system, has the real pg2db9 clone and verify it, asks
// both servers itself what they hold, and removes everything it made but the
// report.
//
//	go run ./internal/demo [--profile db9] [--keep]
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
	profile string
	keep    bool
	scale   float64
	major   int
	reports string // folder; it and the reports in it stay
}

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.profile, "profile", "", "what the target is taken for: db9 or postgres (default: what it is, postgres)")
	flags.BoolVar(&o.keep, "keep", false, "keep both servers until Ctrl-C, and print their URLs")
	flags.Float64Var(&o.scale, "scale", 1, "size of the sample; 1 is about 200,000 rows")
	flags.IntVar(&o.major, "source-major", 0, "major of the source, 13 to 18 (default: the target's)")
	flags.StringVar(&o.reports, "report-dir", "", "folder for the report (default: .cache/demo of the checkout)")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	var err error
	switch {
	case flags.NArg() > 0:
		err = fmt.Errorf("unknown argument %q", flags.Arg(0))
	case o.profile != "" && o.profile != "db9" && o.profile != "postgres":
		err = fmt.Errorf("--profile %q is neither db9 nor postgres", o.profile)
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
		_, _ = fmt.Fprintln(stderr, "demo: interrupted; both servers and all files of the demo are removed")
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
