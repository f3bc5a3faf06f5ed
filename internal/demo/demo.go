package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"github.com/pg2db9/pg2db9/internal/db9sim"
	"github.com/pg2db9/pg2db9/internal/pgtest/pgserver"
	"github.com/pg2db9/pg2db9/internal/sample"
)

// database is what source and target are called in their clusters.
const database = "shop"

// demo is one run, and what it has made so far.
type demo struct {
	options
	out, stderr io.Writer

	source, target *pgserver.Cluster // no source in a rehearsal
	sim            *db9sim.Sim       // before the target; nil without rules
	dir            string            // of the built program, and of all that does not stay
	program        string
}

// say prints. A reader who has gone away does not change what is done.
func (d *demo) say(format string, args ...any) { _, _ = fmt.Fprintf(d.out, format, args...) }

// step runs one step and says in a line what it did and how long it took.
func (d *demo) step(ctx context.Context, name string, do func(context.Context) (string, error)) error {
	start := time.Now()
	said, err := do(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	d.say("%6.1f s  %s\n", time.Since(start).Seconds(), said)
	return nil
}

// play runs all steps. The code is clone's.
func (d *demo) play(ctx context.Context) (code int, err error) {
	start := time.Now()
	d.say("%s\n", d.title())
	steps := []struct {
		name string
		do   func(context.Context) (string, error)
		when bool
	}{
		{"get PostgreSQL", d.get, true},
		{"start servers", d.start, true},
		{"start the stand-in", d.standIn, d.rules != plain},
		{"load the sample", d.load, !d.rehearse},
		{"build pg2db9", d.build, true},
	}
	for _, s := range steps {
		if !s.when {
			continue
		}
		if err := d.step(ctx, s.name, s.do); err != nil {
			return 0, err
		}
	}
	if code, err = d.clone(ctx); err != nil {
		return code, err
	}
	if err := ctx.Err(); err != nil {
		return code, err
	}
	if err := d.prove(ctx, code); err != nil {
		return code, err
	}
	if _, err := os.Stat(d.reportFile(".md")); err == nil && d.reportStays() {
		d.say("\nThe report stays: %s\n", d.reportFile(".md"))
	}
	d.say("The %s took %.1f s.\n", d.noun(), time.Since(start).Seconds())
	if d.keep {
		d.wait(ctx)
	}
	return code, nil
}

func (d *demo) title() string {
	switch {
	case d.rehearse:
		return "Your database moves to a throw-away PostgreSQL that behaves as DB9 may, and is verified. The source is only read."
	case d.rules == plain:
		return "A sample order system moves from one throw-away PostgreSQL to another, and is verified."
	}
	return "A sample order system moves from a throw-away PostgreSQL to one that behaves as DB9 may, and is verified."
}

func (d *demo) noun() string {
	if d.rehearse {
		return "rehearsal"
	}
	return "demo"
}

// get finds or downloads a server, in a step of its own for its time's sake.
func (d *demo) get(ctx context.Context) (string, error) {
	bin, err := pgserver.Find(ctx, 0)
	if err != nil {
		return "", err
	}
	said := fmt.Sprintf("PostgreSQL %d of %s", bin.Major, bin.Dir)
	if d.major != 0 && d.major != bin.Major {
		if bin, err = pgserver.Find(ctx, d.major); err != nil {
			return "", err
		}
		said += fmt.Sprintf(", and %d of %s for the source", bin.Major, bin.Dir)
	}
	return said, nil
}

// start starts both clusters on sockets that only their user and root may
// enter, so that they need no password.
func (d *demo) start(ctx context.Context) (string, error) {
	type cluster struct {
		at    **pgserver.Cluster
		major int
	}
	clusters := []cluster{{&d.target, 0}}
	if !d.rehearse {
		clusters = append(clusters, cluster{&d.source, d.major})
	}
	g, ctx := errgroup.WithContext(ctx)
	for _, c := range clusters {
		g.Go(func() error {
			cluster, err := pgserver.New(ctx, pgserver.Options{Major: c.major, OnDisk: d.rehearse})
			if err != nil {
				return err
			}
			*c.at = cluster
			return statement(ctx, cluster.URL("postgres"), "CREATE DATABASE "+database)
		})
	}
	if err := g.Wait(); err != nil {
		return "", err
	}
	if d.rehearse {
		return fmt.Sprintf("target (PostgreSQL %d) started, on a socket", d.target.Major()), nil
	}
	return fmt.Sprintf("source (PostgreSQL %d) and target (PostgreSQL %d) started, each on a socket", d.source.Major(), d.target.Major()), nil
}

// standIn sets the stand-in before the target, with TLS as DB9 has it.
func (d *demo) standIn(ctx context.Context) (string, error) {
	rules, err := db9sim.ParseRules(d.rules)
	if err != nil {
		return "", err
	}
	// It ends with clean, not with a signal: clone finishes its batches first.
	d.sim, err = db9sim.Start(context.WithoutCancel(ctx), db9sim.Config{Backend: d.target.URL(database), Rules: rules, TLS: db9sim.TLSOn})
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("stand-in for DB9 (rules %s) started before the target, at %s", d.rules, d.sim.Addr()), nil
}

// targetURL is what pg2db9 writes to.
func (d *demo) targetURL() string {
	if d.sim != nil {
		return d.sim.URL()
	}
	return d.target.URL(database)
}

func (d *demo) load(ctx context.Context) (string, error) {
	conn, err := pgx.Connect(ctx, d.source.URL(database))
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if err := sample.Load(ctx, conn, sample.Options{Scale: d.scale}); err != nil {
		return "", err
	}
	var size string
	if err := conn.QueryRow(ctx, "SELECT pg_size_pretty(pg_database_size(current_database()))").Scan(&size); err != nil {
		return "", fmt.Errorf("ask for the size: %w", err)
	}
	return "sample loaded into the source: " + size, nil
}

// wait keeps the servers until a signal comes.
func (d *demo) wait(ctx context.Context) {
	d.say("\nThe servers run until Ctrl-C:\n")
	if d.source != nil {
		d.say("  source    %s\n", d.source.URL(database))
	}
	d.say("  target    %s\n", d.target.URL(database))
	if d.sim != nil {
		d.say("  stand-in  %s\n", d.sim.URL())
	}
	d.say("  pg2db9    %s\n", d.program)
	<-ctx.Done()
	d.say("\nAll are removed now.\n")
}

// clean removes what was made, also after a signal.
func (d *demo) clean(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	var errs []error
	if d.sim != nil {
		d.sim.Close()
	}
	for _, c := range []*pgserver.Cluster{d.source, d.target} {
		if c != nil {
			errs = append(errs, c.Close(ctx))
		}
	}
	if d.dir != "" {
		errs = append(errs, os.RemoveAll(d.dir))
	}
	return errors.Join(errs...)
}

// reportStays says whether the report is there afterwards: a rehearsal leaves
// nothing, unless it is told where.
func (d *demo) reportStays() bool { return !strings.HasPrefix(d.reports, d.dir) }

// reportFile is where a report stays: in the cache of the checkout if nothing
// else was asked for, as git does not look there.
func (d *demo) reportFile(ext string) string { return filepath.Join(d.reports, "report"+ext) }

// makeReports makes the folder, and removes what an earlier demo left in it:
// an old report must not be taken for this one's.
func (d *demo) makeReports() error {
	switch {
	case d.reports != "":
	case d.rehearse:
		d.reports = filepath.Join(d.dir, "report")
	default:
		cache, err := pgserver.CacheDir()
		if err != nil {
			return err
		}
		d.reports = filepath.Join(cache, "demo")
	}
	if err := os.MkdirAll(d.reports, 0o755); err != nil {
		return fmt.Errorf("make a folder for the report: %w", err)
	}
	for _, ext := range []string{".md", ".json"} {
		if err := os.Remove(d.reportFile(ext)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove an earlier report: %w", err)
		}
	}
	return nil
}

// statement runs one on a connection of its own.
func statement(ctx context.Context, url, sql string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	_, err = conn.Exec(ctx, sql)
	return err
}
