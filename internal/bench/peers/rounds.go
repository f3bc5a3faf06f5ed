package main

import (
	"context"
	"fmt"
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
			b.logf("round %d %s: %.2f s, client CPU %.2f s, %.0f MiB", round, c.Name, u.Wall, u.CPU, float64(u.RSS)/mib)
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
	return c.recipe.run(ctx)
}

// ours is a clone by pg2db9.
func (b *bench) ours(name string, args ...string) *contender {
	cmd := append(command{b.opts.pg2db9, "clone", "--source", b.sourceURL(), "--target", b.targetURL(), "--profile", "postgres", "--no-progress"}, args...)
	return &contender{Name: name, recipe: recipe{steps: []pipeline{{cmd}}}}
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
