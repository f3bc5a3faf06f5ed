package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/pg2db9/pg2db9/internal/db9sim"
	"github.com/pg2db9/pg2db9/internal/db9sim/link"
)

const (
	wanBytes  = 200e6
	wanJobs   = 8
	farTables = 500
	farBytes  = farTables * 100 * 70
)

// wan times the data phase alone over a long, narrow link: what share of the
// connections' rate the copier reaches with batches in a window, and with each
// answer awaited. The link is the limit, so there is no peer to beat.
func wan(ctx context.Context, b *bench) (*result, error) {
	s, err := shapeNamed("text")
	if err != nil {
		return nil, err
	}
	var tables []table
	for i := range 4 {
		tables = append(tables, sized(fmt.Sprintf("t%d", i), s, wanBytes/4*b.opts.size, true))
	}
	d, err := b.makeData(ctx, tables)
	if err != nil {
		return nil, err
	}
	cfg := link.WAN()
	limit := float64(wanJobs) * float64(cfg.Rate)
	r := &result{Data: fmt.Sprintf("%s; %d jobs, each connection %d ms round trip and %.1f MB/s", d, wanJobs, 2*cfg.Delay.Milliseconds(), float64(cfg.Rate)/1e6)}
	ways := []struct {
		name, profile string
		rules         *db9sim.RuleSet
		least         float64
	}{
		{"pipelined", "await: false\nwindow: 8\n", db9sim.None(), 0.9}, // as a target is of which the probe proves that it may be
		{"awaited", "await: true\n", db9sim.Strict(), 0.75},
	}
	for _, way := range ways {
		file := filepath.Join(b.dir, way.name+".yaml")
		if err := os.WriteFile(file, []byte("name: "+way.name+"\n"+way.profile), 0o600); err != nil {
			return nil, fmt.Errorf("write a profile: %w", err)
		}
		start := db9sim.Config{Backend: b.targetURL(), Rules: way.rules, Link: cfg}
		var sim *db9sim.Sim
		again := func(ctx context.Context) (err error) { // the database is made anew, and what the stand-in keeps there with it
			if sim != nil {
				sim.Close()
				start.Listen = sim.Addr()
			}
			if sim, err = db9sim.Start(ctx, start); err != nil {
				return fmt.Errorf("start the stand-in: %w", err)
			}
			return nil
		}
		if err := recreate(ctx, b.target); err != nil {
			return nil, err
		}
		if err := again(ctx); err != nil {
			return nil, err
		}
		defer func() { sim.Close() }()
		c := b.oursTo(way.name, sim.URL(), "--profile", file, "--jobs", fmt.Sprint(wanJobs), "--skip-verify")
		c.before = again
		r.Contenders = append(r.Contenders, c)
	}
	if err := b.contend(ctx, b.opts.rounds, r.Contenders...); err != nil {
		return nil, err
	}
	for i, c := range r.Contenders {
		rate := float64(d.bytes) / median(column(c.Runs, func(u usage) float64 { return u.phase("data") }))
		r.Figures = append(r.Figures, atLeast("share of the links' rate in the data phase, "+c.Name, rate/limit, "", ways[i].least))
	}
	return r, nil
}

// farAway times many small tables over a link whose round trips are long and
// whose rate is not bounded.
func farAway(ctx context.Context, b *bench) (*result, error) {
	s, err := shapeNamed("small")
	if err != nil {
		return nil, err
	}
	var tables []table
	for i := range farTables {
		tables = append(tables, table{name: fmt.Sprintf("small_%03d", i), shape: s, rows: 100, key: true})
	}
	d, err := b.makeData(ctx, tables)
	if err != nil {
		return nil, err
	}
	far, err := b.far(ctx, link.Config{Delay: 50 * time.Millisecond})
	if err != nil {
		return nil, err
	}
	defer far.close()
	ours := b.oursTo("A pg2db9", far.url, "--profile", "postgres", "--jobs", "2", "--skip-verify")
	peer := &contender{Name: "B pg_dump, pg_restore", recipe: recipe{steps: []pipeline{
		{{b.tool("pg_dump"), "-Fd", "-j2", "-Z0", "-f", b.dumpDir(), b.sourceURL()}},
		{{b.tool("pg_restore"), "-j2", "-d", far.url, b.dumpDir()}},
	}}}
	if err := b.contend(ctx, b.opts.rounds, ours, peer); err != nil {
		return nil, err
	}
	return &result{Data: d.String() + "; the target is 100 ms away", Contenders: []*contender{ours, peer}, Figures: compare(ours, peer, 0.2)}, nil
}

// distant is the target behind a link.
type distant struct {
	url     string
	address string // of the link
	close   func()
}

// far puts a link before the target.
func (b *bench) far(ctx context.Context, cfg link.Config) (*distant, error) {
	_, address := b.target.Addr()
	f, err := link.Forward(ctx, "127.0.0.1:0", address, cfg)
	if err != nil {
		return nil, fmt.Errorf("put a link before the target: %w", err)
	}
	return &distant{url: b.target.URLAt(f.Addr(), database), address: f.Addr(), close: f.Close}, nil
}
