package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

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
	far, err := b.far(ctx, cfg)
	if err != nil {
		return nil, err
	}
	defer far.close()
	limit := float64(wanJobs) * float64(cfg.Rate)
	r := &result{Data: fmt.Sprintf("%s; %d jobs, each connection %d ms round trip and %.1f MB/s", d, wanJobs, 2*cfg.Delay.Milliseconds(), float64(cfg.Rate)/1e6)}
	ways := []struct {
		name, profile string
		least         float64
	}{
		{"pipelined", "await: false\nwindow: 8\n", 0.9},
		{"awaited", "await: true\n", 0.75},
	}
	for _, way := range ways {
		file := filepath.Join(b.dir, way.name+".yaml")
		text := "name: " + way.name + "\nstatement_limit_ms: 0\n" + way.profile
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			return nil, fmt.Errorf("write a profile: %w", err)
		}
		c := b.oursTo(way.name, far.url, "--profile", file, "--jobs", fmt.Sprint(wanJobs), "--skip-verify")
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
	url   string
	close func()
}

// far puts a link before the target.
func (b *bench) far(ctx context.Context, cfg link.Config) (*distant, error) {
	_, address := b.target.Addr()
	f, err := link.Forward(ctx, "127.0.0.1:0", address, cfg)
	if err != nil {
		return nil, fmt.Errorf("put a link before the target: %w", err)
	}
	return &distant{url: b.target.URLAt(f.Addr(), database), close: f.Close}, nil
}
