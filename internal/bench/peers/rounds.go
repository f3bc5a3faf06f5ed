package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// contend runs the contenders in turn: a warm-up that is not kept, then the
// rounds. Those that stand first start a round on an empty target.
func (b *bench) contend(ctx context.Context, rounds int, contenders ...*contender) error {
	for round := range rounds + 1 {
		for _, c := range contenders {
			u, err := b.once(ctx, c)
			if err != nil {
				return fmt.Errorf("%s: %w", c.Name, err)
			}
			if round == 0 {
				b.logf("warm-up %s: %.2f s", c.Name, u.Wall)
				continue
			}
			b.logf("round %d %s: %.2f s, CPU of client %.2f, source %.2f, target %.2f s, %.0f MiB", round, c.Name, u.Wall, u.CPU, u.SourceCPU, u.TargetCPU, float64(u.RSS)/mib)
			c.Runs = append(c.Runs, u)
		}
	}
	return nil
}

// once runs a contender from where every run starts.
func (b *bench) once(ctx context.Context, c *contender) (usage, error) {
	c.Command = b.public(c.recipe.String())
	ready := b.ready
	if c.keep {
		ready = b.checkpoint
	}
	if err := ready(ctx); err != nil {
		return usage{}, err
	}
	if c.before != nil {
		if err := c.before(ctx); err != nil {
			return usage{}, err
		}
	}
	source, target := serverCPU(b.source.PID()), serverCPU(b.target.PID())
	u, err := c.recipe.run(ctx)
	u.SourceCPU, u.TargetCPU = serverCPU(b.source.PID())-source, serverCPU(b.target.PID())-target
	if err != nil || c.report == "" {
		return u, err
	}
	u.Phases, err = phases(c.report)
	return u, err
}

// ours is a clone by pg2db9 to the target itself.
func (b *bench) ours(name string, args ...string) *contender {
	return b.oursTo(name, b.targetURL(), append([]string{"--profile", "postgres"}, args...)...)
}

// oursTo is a clone by pg2db9 to the target at that URL.
func (b *bench) oursTo(name, target string, args ...string) *contender {
	return b.oursIn(b.dir, name, target, args...)
}

// oursIn is the same with its report in a directory of its own.
func (b *bench) oursIn(dir, name, target string, args ...string) *contender {
	report := filepath.Join(dir, "report.json")
	cmd := command{
		b.opts.pg2db9, "clone", "--source", b.sourceURL(), "--target", target, "--no-progress", "--report", report,
	}
	return &contender{Name: name, recipe: recipe{steps: []pipeline{{append(cmd, args...)}}}, report: report}
}

// phases reads out of a report how long each phase of a clone took.
func phases(file string) ([]phase, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the clone's report: %w", err)
	}
	var r struct{ Phases []phase }
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, fmt.Errorf("read the clone's report: %w", err)
	}
	return r.Phases, nil
}

// psql is one call of psql that executes one statement.
func (b *bench) psql(url, sql string) command {
	return command{b.tool("psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", sql}
}

// compare are the figures of two contenders.
func compare(a, b *contender, limit float64) []figure {
	return []figure{
		atMost("wall, ratio of medians", median(a.walls())/median(b.walls()), "", limit),
		{Name: "wall, median of the rounds' ratios", Value: median(ratios(a.walls(), b.walls()))},
		{Name: "client CPU, ratio of medians", Value: median(a.cpus()) / median(b.cpus())},
	}
}
