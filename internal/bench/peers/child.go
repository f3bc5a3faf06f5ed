package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// command is a program with its arguments.
type command []string

// pipeline is commands joined by pipes. The last one's output is thrown away.
type pipeline []command

// recipe is the whole of what is timed as one: pipelines, width at a time.
type recipe struct {
	steps []pipeline
	width int // 0 is 1: one after the other
}

// usage is what a recipe took.
type usage struct {
	Wall float64 `json:"wall_seconds"`
	CPU  float64 `json:"client_cpu_seconds"` // user and system, all processes
	RSS  int64   `json:"max_rss_bytes"`      // of the largest process

	SourceCPU float64 `json:"source_cpu_seconds"` // of all of the server's processes
	TargetCPU float64 `json:"target_cpu_seconds"`

	Phases []phase `json:"phases,omitempty"` // of a clone, by its own report
}

// phase is a part of a clone.
type phase struct {
	Name    string  `json:"name"`
	Seconds float64 `json:"seconds"`
}

// phase is how long the phase of that name took.
func (u usage) phase(name string) float64 {
	for _, p := range u.Phases {
		if p.Name == name {
			return p.Seconds
		}
	}
	return 0
}

// run runs a recipe and says what it took.
func (r recipe) run(ctx context.Context) (usage, error) {
	var (
		mu  sync.Mutex
		sum usage
	)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(max(1, r.width))
	start := time.Now()
	for _, p := range r.steps {
		g.Go(func() error {
			u, err := p.run(ctx)
			mu.Lock()
			defer mu.Unlock()
			sum.CPU += u.CPU
			sum.RSS = max(sum.RSS, u.RSS)
			return err
		})
	}
	err := g.Wait()
	sum.Wall = time.Since(start).Seconds()
	return sum, err
}

// run runs a pipeline to its end.
func (p pipeline) run(ctx context.Context) (usage, error) {
	if ctx.Err() != nil { // a step before this one failed
		return usage{}, context.Cause(ctx)
	}
	cmds := make([]*exec.Cmd, len(p))
	errOut := make([]bytes.Buffer, len(p))
	var ends []*os.File // our ends of the pipes: the children have their own
	closeEnds := func() {
		for _, f := range ends {
			_ = f.Close()
		}
		ends = nil
	}
	defer closeEnds()
	for i, c := range p {
		cmds[i] = exec.CommandContext(ctx, c[0], c[1:]...)
		cmds[i].Env = environment()
		cmds[i].Stderr = &errOut[i]
		if i > 0 {
			r, w, err := os.Pipe()
			if err != nil {
				return usage{}, fmt.Errorf("open a pipe: %w", err)
			}
			ends = append(ends, r, w)
			cmds[i-1].Stdout, cmds[i].Stdin = w, r
		}
	}
	var errs []error
	started := 0
	for _, cmd := range cmds {
		if err := cmd.Start(); err != nil {
			errs = append(errs, fmt.Errorf("start %s: %w", cmd.Path, err))
			break
		}
		started++
	}
	closeEnds()
	var u usage
	for i, cmd := range cmds[:started] {
		if err := cmd.Wait(); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w: %s", p[i].String(), err, lastLines(errOut[i].String())))
		}
		u.add(cmd.ProcessState)
	}
	return u, errors.Join(errs...)
}

// add counts an ended process in. The most memory of a child is never below
// what this program itself had when it started it, as the kernel counts the
// moment between fork and exec: this program must stay small.
func (u *usage) add(ps *os.ProcessState) {
	u.CPU += (ps.UserTime() + ps.SystemTime()).Seconds()
	u.RSS = max(u.RSS, maxRSS(ps))
}

// environment is ours without what would change what the programs do.
func environment() []string {
	env := slices.DeleteFunc(os.Environ(), func(kv string) bool {
		return strings.HasPrefix(kv, "PG") || strings.HasPrefix(kv, "GOMEMLIMIT=") || strings.HasPrefix(kv, "GOGC=") ||
			strings.HasPrefix(kv, "GODEBUG=") || strings.HasPrefix(kv, "GOMAXPROCS=")
	})
	return append(env, "PGAPPNAME=peers")
}

// String is the command as a shell takes it.
func (c command) String() string {
	words := make([]string, len(c))
	for i, w := range c {
		if w == "" || strings.ContainsAny(w, " \t\n'\"$&|;()<>*?\\`") {
			w = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
		words[i] = w
	}
	return strings.Join(words, " ")
}

// String is the recipe as a shell takes it.
func (r recipe) String() string {
	var lines []string
	for _, p := range r.steps {
		var parts []string
		for _, c := range p {
			parts = append(parts, c.String())
		}
		lines = append(lines, strings.Join(parts, " | "))
	}
	if r.width > 1 {
		return fmt.Sprintf("%d at a time: %s", r.width, strings.Join(lines, "; "))
	}
	return strings.Join(lines, " && ")
}

func lastLines(s string) string {
	const most = 10
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-most):], "\n")
}
