package verify

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
)

// countRows compares the numbers of rows alone, as many tables at once as there
// are jobs.
func (v *run) countRows(ctx context.Context, comparisons []*comparison) error {
	v.p.Progress.Plan(len(comparisons), 0)
	var g errgroup.Group
	g.SetLimit(v.p.Jobs)
	for _, c := range comparisons {
		if ctx.Err() != nil {
			break
		}
		g.Go(func() error {
			started := time.Now()
			d := c.table.Data
			err := v.countBoth(ctx, c)
			d.Elapsed = time.Since(started)
			switch {
			case err != nil:
				d.Verdict, d.Err = Errored, err.Error()
			case c.excused != nil && d.Read-d.Counted == int64(len(c.excused.rows)):
				c.excused.used = int64(len(c.excused.rows))
				d.Excused = c.excused.list()
				d.Verdict = Match
			case d.Read == d.Counted:
				d.Verdict = Match
			default:
				d.Verdict = Mismatch
			}
			v.finish(c.table)
			return nil
		})
	}
	_ = g.Wait() // each table has its own error
	return context.Cause(ctx)
}

func (v *run) countBoth(ctx context.Context, c *comparison) error {
	d, t := c.table.Data, c.transfer
	if d.Obtained != Certified {
		d.Obtained = RowsCounted
	}
	var read int64
	if a, ok := v.accounts[t.Target]; ok {
		read = a.Read
	}
	for _, relation := range t.Relations {
		n, err := v.count(ctx, v.source, relation, true, t.WhereOf(relation))
		if err != nil {
			return fmt.Errorf("counting the rows of %s on the %s: %w", relation, dial.Source, err)
		}
		read += n
	}
	n, err := v.count(ctx, v.target, t.Target, v.only(t), "")
	if err != nil {
		return fmt.Errorf("counting the rows of %s on the %s: %w", t.Target, dial.Target, err)
	}
	d.Read, d.Counted = read, n
	return nil
}

// count asks for a number of rows, once more when the connection breaks.
func (v *run) count(ctx context.Context, p *pool, table catalog.Name, only bool, where string) (n int64, err error) {
	sql := "SELECT pg_catalog.count(*) FROM "
	if only {
		sql += "ONLY "
	}
	sql += quote.Name(table.Schema, table.Name)
	if where != "" {
		sql += " WHERE " + where
	}
	for attempt := 1; ; attempt++ {
		n, err = askCount(ctx, p, sql)
		if err == nil || attempt == attempts || ctx.Err() != nil {
			return n, err
		}
		if class := dial.Classify(err); class != dial.Lost && class != dial.Retry {
			return n, err
		}
	}
}

func askCount(ctx context.Context, p *pool, sql string) (int64, error) {
	s, err := p.get(ctx)
	if err != nil {
		return 0, err
	}
	results, err := s.conn.PgConn().Exec(ctx, sql).ReadAll()
	if err == nil && (len(results) != 1 || len(results[0].Rows) != 1 || len(results[0].Rows[0]) != 1) {
		err = fmt.Errorf("%w: a number of rows", errProtocol)
	}
	if err != nil {
		p.drop(s)
		return 0, err
	}
	p.put(s)
	n := number(results[0].Rows[0][0])
	if n < 0 {
		return 0, fmt.Errorf("%w: %q is no number of rows", errProtocol, results[0].Rows[0][0])
	}
	return int64(n), nil
}
