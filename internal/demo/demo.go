package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"github.com/pg2db9/pg2db9/internal/pgtest/pgserver"
	"github.com/pg2db9/pg2db9/internal/sample"
)

// database is what source and target are called in their clusters.
const database = "shop"

// demo is one run, and what it has made so far.
type demo struct {
	options
	out, stderr io.Writer

	source, target *pgserver.Cluster
	dir            string // of the built program
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
	d.say("A sample order system moves from one throw-away PostgreSQL to another, and is verified.\n")
	steps := []struct {
		name string
		do   func(context.Context) (string, error)
	}{
		{"get PostgreSQL", d.get},
		{"start source and target", d.start},
		{"load the sample", d.load},
		{"build pg2db9", d.build},
	}
	for _, s := range steps {
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
	if _, err := os.Stat(d.reportFile(".md")); err == nil {
		d.say("\nThe report stays: %s\n", d.reportFile(".md"))
	}
	d.say("The demo took %.1f s.\n", time.Since(start).Seconds())
	if d.keep {
		d.wait(ctx)
	}
	return code, nil
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
	g, ctx := errgroup.WithContext(ctx)
	for _, c := range []struct {
		at    **pgserver.Cluster
		major int
	}{{&d.source, d.major}, {&d.target, 0}} {
		g.Go(func() error {
			cluster, err := pgserver.New(ctx, pgserver.Options{Major: c.major})
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
	return fmt.Sprintf("source (PostgreSQL %d) and target (PostgreSQL %d) started, each on a socket", d.source.Major(), d.target.Major()), nil
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
	d.say("\nBoth servers run until Ctrl-C:\n  source  %s\n  target  %s\n  pg2db9  %s\n",
		d.source.URL(database), d.target.URL(database), d.program)
	<-ctx.Done()
	d.say("\nBoth are removed now.\n")
}

// clean removes what was made, also after a signal.
func (d *demo) clean(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	var errs []error
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

// reportFile is where a report stays: in the cache of the checkout if nothing
// else was asked for, as git does not look there.
func (d *demo) reportFile(ext string) string { return filepath.Join(d.reports, "report"+ext) }

// makeReports makes the folder, and removes what an earlier demo left in it:
// an old report must not be taken for this one's.
func (d *demo) makeReports() error {
	if d.reports == "" {
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
