package main

import (
	"context"
	"fmt"
	"os/exec"
	"runtime"
	"strings"

	"golang.org/x/sync/errgroup"
)

// data is what stands on the source.
type data struct {
	tables []table
	rows   int64
	bytes  int64 // as COPY TEXT
}

func (d *data) String() string {
	return fmt.Sprintf("%d tables, %d rows, %.3f GB of COPY TEXT", len(d.tables), d.rows, float64(d.bytes)/gb)
}

// makeMix makes the source anew with the mix, of so many times its size.
func (b *bench) makeMix(ctx context.Context, factor float64) ([]table, *data, error) {
	tables, err := mix(factor)
	if err != nil {
		return nil, nil, err
	}
	d, err := b.makeData(ctx, tables)
	return tables, d, err
}

// makeData makes the source anew with these tables. It leaves them as a table
// is that was not written to for a while: vacuumed, so that no reader is the
// first and pays for hint bits, and with statistics.
func (b *bench) makeData(ctx context.Context, tables []table) (*data, error) {
	b.logf("making the data: %d tables", len(tables))
	if err := recreate(ctx, b.source); err != nil {
		return nil, err
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.NumCPU())
	for _, t := range tables {
		g.Go(func() error {
			_, err := query(gctx, b.sourceURL(), t.load())
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	if _, err := query(ctx, b.sourceURL(), "VACUUM (FREEZE, ANALYZE)"); err != nil {
		return nil, err
	}
	d := &data{tables: tables}
	for _, t := range tables {
		d.rows += t.rows
	}
	var err error
	if d.bytes, err = copySize(ctx, b.tool("psql"), b.sourceURL(), tables); err != nil {
		return nil, err
	}
	return d, b.checkpoint(ctx)
}

// counter counts what is written to it.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// copySize is what the tables are as COPY TEXT. A child reads them, as a huge
// row would stay in our own memory, which is counted against later children.
func copySize(ctx context.Context, psql, url string, tables []table) (int64, error) {
	var sql strings.Builder
	for _, t := range tables {
		fmt.Fprintf(&sql, "COPY %s TO STDOUT;\n", t.name)
	}
	var size counter
	var stderr strings.Builder
	cmd := exec.CommandContext(ctx, psql, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", url, "-f", "-")
	cmd.Env = environment()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(sql.String()), &size, &stderr
	if err := cmd.Run(); err != nil {
		return 0, fmt.Errorf("measure the data: %w: %s", err, lastLines(stderr.String()))
	}
	return int64(size), nil
}

// rowsRead is how many rows the source gave out of its tables since it was
// made.
func (b *bench) rowsRead(ctx context.Context) (int64, error) {
	out, err := query(ctx, b.sourceURL(), "SELECT coalesce(sum(seq_tup_read + coalesce(idx_tup_fetch, 0)), 0)::bigint FROM pg_stat_user_tables")
	if err != nil {
		return 0, err
	}
	var n int64
	if _, err := fmt.Sscan(out[0], &n); err != nil {
		return 0, fmt.Errorf("read the source's statistics: %w", err)
	}
	return n, nil
}
