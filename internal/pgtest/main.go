package pgtest

import (
	"context"
	"fmt"
	"os"

	"go.uber.org/goleak"
)

// Runner is what a *testing.M does.
type Runner interface{ Run() int }

// Main is the whole of a TestMain: it runs the tests, stops the clusters, looks
// for goroutines that were left behind, and exits.
func Main(m Runner, opts ...goleak.Option) { os.Exit(Wrap(m, opts...).Run()) }

// Wrap is Main without the exit, for what wants a runner itself, such as
// testscript.Main.
func Wrap(m Runner, opts ...goleak.Option) Runner { return &wrapped{m: m, opts: opts} }

type wrapped struct {
	m    Runner
	opts []goleak.Option
}

func (w *wrapped) Run() int {
	code := w.m.Run()
	if err := stopAll(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "pgtest:", err)
		code = max(code, 1)
	}
	if code == 0 { // a test that failed half-way has its reasons to leave some
		if err := goleak.Find(w.opts...); err != nil {
			fmt.Fprintln(os.Stderr, "pgtest:", err)
			code = 1
		}
	}
	return code
}
