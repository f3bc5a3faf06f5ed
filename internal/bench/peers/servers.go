package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pg2db9/pg2db9/internal/pgtest/pgserver"
)

// database is the name of the only database of either side.
const database = "bench"

// clusterOptions are PostgreSQL's own defaults where pgserver's differ: what
// is measured is a server as it is installed.
func clusterOptions(o options) pgserver.Options {
	fsync := "on"
	if !o.fsync {
		fsync = "off"
	}
	return pgserver.Options{TCP: true, OnDisk: o.fsync, Settings: map[string]string{
		"fsync": fsync, "full_page_writes": "on", "wal_level": "replica", "shared_buffers": "128MB",
		"max_wal_size": "1GB", "max_connections": "100", "max_locks_per_transaction": "64",
		"max_prepared_transactions": "0", "max_wal_senders": "10", "max_replication_slots": "10",
	}}
}

// bench is what the cases work with.
type bench struct {
	opts   options
	tools  string // directory of psql and kin
	dir    string // for dumps
	log    io.Writer
	source *pgserver.Cluster
	target *pgserver.Cluster
}

// start starts both clusters.
func (b *bench) start(ctx context.Context) (err error) {
	if b.source, err = pgserver.New(ctx, clusterOptions(b.opts)); err != nil {
		return fmt.Errorf("start the source: %w", err)
	}
	if b.target, err = pgserver.New(ctx, clusterOptions(b.opts)); err != nil {
		return fmt.Errorf("start the target: %w", err)
	}
	return nil
}

func (b *bench) close(ctx context.Context) error {
	var errs []error
	for _, c := range []*pgserver.Cluster{b.source, b.target} {
		if c != nil {
			errs = append(errs, c.Close(ctx))
		}
	}
	return errors.Join(errs...)
}

func (b *bench) sourceURL() string { return b.source.URL(database) }
func (b *bench) targetURL() string { return b.target.URL(database) }

// tool is the path of a program of PostgreSQL.
func (b *bench) tool(name string) string { return filepath.Join(b.tools, name) }

func (b *bench) logf(format string, args ...any) { _, _ = fmt.Fprintf(b.log, format+"\n", args...) }

// recreate makes a cluster's database anew and empty.
func recreate(ctx context.Context, c *pgserver.Cluster) error {
	return recreateNamed(ctx, c, database)
}

// recreateNamed makes a database of that name anew and empty.
func recreateNamed(ctx context.Context, c *pgserver.Cluster, name string) error {
	for _, sql := range []string{
		"DROP DATABASE IF EXISTS " + name + " WITH (FORCE)",
		"CREATE DATABASE " + name + " TEMPLATE template0",
	} {
		if _, err := query(ctx, c.URL("postgres"), sql); err != nil {
			return fmt.Errorf("make the database anew: %w", err)
		}
	}
	return nil
}

// ready brings both sides to where every timed run starts: the target empty,
// no dirty page on either side, no dump.
func (b *bench) ready(ctx context.Context) error {
	if err := os.RemoveAll(b.dumpDir()); err != nil {
		return fmt.Errorf("remove the last dump: %w", err)
	}
	if err := recreate(ctx, b.target); err != nil {
		return err
	}
	return b.checkpoint(ctx)
}

func (b *bench) checkpoint(ctx context.Context) error {
	for _, c := range []*pgserver.Cluster{b.source, b.target} {
		if _, err := query(ctx, c.URL("postgres"), "CHECKPOINT"); err != nil {
			return fmt.Errorf("checkpoint: %w", err)
		}
	}
	return nil
}

// dumpDir is where pg_dump writes: the disk of the clusters.
func (b *bench) dumpDir() string { return filepath.Join(b.dir, "dump") }

// query runs SQL on a connection of its own and returns the first column of
// all rows.
func query(ctx context.Context, url, sql string) ([]string, error) {
	conn, err := pgconn.Connect(ctx, url)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	results, err := conn.Exec(ctx, sql).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("run %.60q: %w", strings.TrimSpace(sql), err)
	}
	var out []string
	for _, r := range results {
		for _, row := range r.Rows {
			out = append(out, string(row[0]))
		}
	}
	return out, nil
}
