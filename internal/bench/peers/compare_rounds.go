package main

import (
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// orders are random and, by the seed, the same again.
func (b *bench) orders(name string) *rand.Rand {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name)) // never fails
	return rand.New(rand.NewPCG(b.opts.seed, h.Sum64()))
}

// shuffled runs all contenders once a round, in another order each time: whoever
// comes after whom, and what the machine does meanwhile, falls on all of them.
func (b *bench) shuffled(ctx context.Context, name string, contenders []*contender) error {
	random := b.orders(name)
	for range b.opts.rounds {
		for _, i := range random.Perm(len(contenders)) {
			if err := b.single(ctx, contenders[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// sideBySide runs every way as often as there are rounds, in random order, n at a
// time, each to a database of its own. It returns the ways with their runs, in
// which the servers' work is not told apart, and the share of the processors' time
// that all of them and both servers have used.
func (b *bench) sideBySide(ctx context.Context, name string, n int, ways func(database, dir string) []*contender) (all []*contender, busy float64, err error) {
	type lane struct {
		database, dir string
		ways          []*contender
	}
	free := make(chan *lane, n)
	for i := range n {
		l := &lane{database: fmt.Sprintf("%s_%d", database, i), dir: filepath.Join(b.dir, fmt.Sprintf("lane%d", i))}
		if err := os.MkdirAll(l.dir, 0o755); err != nil {
			return nil, 0, fmt.Errorf("make a directory for runs: %w", err)
		}
		l.ways = ways(l.database, l.dir)
		free <- l
	}
	all = ways(database, b.dir)
	for _, c := range all {
		c.Command = b.public(c.recipe.String())
	}
	var runs []int
	for range b.opts.rounds {
		for i := range all {
			runs = append(runs, i)
		}
	}
	b.orders(name).Shuffle(len(runs), func(i, k int) { runs[i], runs[k] = runs[k], runs[i] })
	if err := b.checkpoint(ctx); err != nil {
		return nil, 0, err
	}
	var mu sync.Mutex // one database is made at a time
	started, servers := time.Now(), serverCPU(b.source.PID())+serverCPU(b.target.PID())
	used := 0.0
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(n)
	for _, i := range runs {
		g.Go(func() error {
			l := <-free // there are as many as may run
			defer func() { free <- l }()
			c := l.ways[i]
			mu.Lock()
			err := recreateNamed(gctx, b.target, l.database)
			mu.Unlock()
			if err != nil {
				return err
			}
			if err := os.RemoveAll(filepath.Join(l.dir, "dump")); err != nil {
				return fmt.Errorf("remove the last dump: %w", err)
			}
			if c.before != nil {
				if err := c.before(gctx); err != nil {
					return err
				}
			}
			u, err := c.recipe.run(gctx)
			if err == nil && c.report != "" {
				u.Phases, err = phases(c.report)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", c.Name, err)
			}
			mu.Lock()
			defer mu.Unlock()
			used += u.CPU
			all[i].Runs = append(all[i].Runs, u)
			b.logf("%s: %.2f s, CPU of client %.2f s, %.0f MiB", c.Name, u.Wall, u.CPU, float64(u.RSS)/mib)
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, 0, err
	}
	wall := time.Since(started).Seconds()
	used += serverCPU(b.source.PID()) + serverCPU(b.target.PID()) - servers
	return all, used / (wall * float64(runtime.NumCPU())), nil
}
