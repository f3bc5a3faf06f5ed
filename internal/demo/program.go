package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// build builds pg2db9 as a user gets it.
func (d *demo) build(ctx context.Context) (string, error) {
	var err error
	if d.dir, err = os.MkdirTemp("", "pg2db9-demo-"); err != nil {
		return "", fmt.Errorf("make a place for it: %w", err)
	}
	d.program = filepath.Join(d.dir, "pg2db9")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", d.program, "github.com/pg2db9/pg2db9/cmd/pg2db9")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, strings.TrimSpace(string(out)))
	}
	return "pg2db9 built", nil
}

// clone runs the program as a user would. It has a process group of its own,
// so that a terminal's Ctrl-C comes to it once: from us.
func (d *demo) clone(ctx context.Context) (code int, err error) {
	if err := d.makeReports(); err != nil {
		return 0, err
	}
	args := []string{"clone"}
	if d.source != nil { // else its variable says it
		args = append(args, "--source", d.source.URL(database))
	}
	args = append(args, "--target", d.targetURL(), "--probe-cache", filepath.Join(d.dir, "probes"),
		"--report", d.reportFile(".md"), "--report", d.reportFile(".json"))
	d.say("\n$ pg2db9 %s\n", shell(args))
	cmd := exec.Command(d.program, args...) //nolint:noctx // a signal ends it as it ends for a user
	cmd.Stdout, cmd.Stderr = d.out, d.stderr
	cmd.Env = d.environment()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("start pg2db9: %w", err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	for {
		select {
		case <-signals: // the first lets it finish its batches, the second does not
			if err := cmd.Process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) {
				return 0, errors.Join(fmt.Errorf("interrupt pg2db9: %w", err), cmd.Process.Kill(), <-done)
			}
		case err := <-done:
			var exit *exec.ExitError
			if err == nil || errors.As(err, &exit) && exit.ExitCode() >= 0 {
				return cmd.ProcessState.ExitCode(), nil
			}
			return 0, fmt.Errorf("run pg2db9: %w", err)
		}
	}
}

// environment is ours without what would change where the program connects to:
// libpq's variables, and PG2DB9_…. Those may complete the source of a rehearsal.
func (d *demo) environment() []string {
	return slices.DeleteFunc(os.Environ(), func(e string) bool {
		if d.rehearse {
			return strings.HasPrefix(e, "PG2DB9_") && !strings.HasPrefix(e, sourceVariable+"=")
		}
		return strings.HasPrefix(e, "PG")
	})
}

// shell writes arguments so that they can be pasted.
func shell(args []string) string {
	quoted := make([]string, len(args))
	for i, a := range args {
		quoted[i] = a
		if strings.ContainsAny(a, "&?*[]{}()<>|;'\"\\$`! ") {
			quoted[i] = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
	}
	return strings.Join(quoted, " ")
}
