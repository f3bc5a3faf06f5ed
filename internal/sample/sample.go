// Package sample makes the project's own sample database: an order system whose
// tables, types and names are what a migration has to get right.
//
// The rows come from generate_series and expressions of its number alone, so
// that every load on every major gives the same content.
package sample

import (
	"context"
	"embed"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"
)

//go:embed *.sql
var files embed.FS

// Rows is how many rows a load of scale 1 makes, over all tables.
const Rows = 211_599

// Options says how much to load. The zero value is scale 1.
type Options struct {
	Scale float64 // of the large tables; 0 is 1, about 200,000 rows in all
}

// session holds for the load alone: what the text of a value, or the moment
// that one names, would otherwise depend on.
const session = `
SET LOCAL search_path = pg_catalog;
SET LOCAL TimeZone = 'UTC';
SET LOCAL DateStyle = 'ISO, MDY';
SET LOCAL IntervalStyle = 'postgres';
SET LOCAL client_encoding = 'UTF8';
SET LOCAL standard_conforming_strings = on;
SET LOCAL check_function_bodies = on;
SET LOCAL client_min_messages = warning;
`

// Load makes the sample in a database that has none of it yet, in one
// transaction: all of it is there afterwards, or nothing.
func Load(ctx context.Context, conn *pgx.Conn, opts Options) error {
	if opts.Scale == 0 {
		opts.Scale = 1
	}
	if opts.Scale < 0 {
		return fmt.Errorf("load the sample: scale %v is negative", opts.Scale)
	}
	entries, err := files.ReadDir(".")
	if err != nil {
		return fmt.Errorf("load the sample: %w", err)
	}
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		scale := strconv.FormatFloat(opts.Scale, 'f', -1, 64)
		if err := run(ctx, tx, session+"SET LOCAL sample.scale = '"+scale+"';"); err != nil {
			return fmt.Errorf("load the sample: %w", err)
		}
		for _, e := range entries { // sorted by name, which is the order to run them in
			sql, err := files.ReadFile(e.Name())
			if err != nil {
				return fmt.Errorf("load the sample: %w", err)
			}
			if err := run(ctx, tx, string(sql)); err != nil {
				return fmt.Errorf("load the sample: %s: %w", e.Name(), err)
			}
		}
		return nil
	})
}

// run sends a whole file at once.
func run(ctx context.Context, tx pgx.Tx, sql string) error {
	return tx.Conn().PgConn().Exec(ctx, sql).Close()
}
