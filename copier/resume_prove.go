package copier

import (
	"context"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/pg2db9/pg2db9/verify/digest"
)

// prove reads complete tables under the snapshot, as many at once as there are
// jobs, and says which of them show exactly the rows that the ledger holds.
func (t *taking) prove(ctx context.Context, transfers []int) (map[int]bool, error) {
	same := make(map[int]bool, len(transfers))
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(max(t.Jobs, 1))
	for _, i := range transfers {
		g.Go(func() error {
			sum, err := t.readTable(ctx, i)
			if err != nil {
				return fmt.Errorf("reading %s again, to see whether it changed since its rows were copied: %w", t.Plan.Transfers[i].Source, err)
			}
			mu.Lock()
			defer mu.Unlock()
			same[i] = sum == t.sumOf(t.Plan.Transfers[i].Target)
			return nil
		})
	}
	return same, g.Wait()
}

// readTable is the digest of all rows of a transfer under the snapshot.
func (t *taking) readTable(ctx context.Context, transfer int) (sum digest.Sum, err error) {
	x := &t.Plan.Transfers[transfer]
	if t.byTarget[x.Target][0].part.Relation == wholeTable { // it was reconciled, by text
		text := *x
		text.Binary, x = false, &text
	}
	err = retry(ctx, "reading "+x.Source.String(), t.patience(), func() error {
		sum = digest.Sum{}
		from, err := openSource(ctx, t.Source, t.reader, t.Snapshot)
		if err != nil {
			return err
		}
		defer from.close()
		defer from.wire.watch(ctx)()
		canon, err := streamCanon(x)
		if err != nil {
			return fmt.Errorf("table %s: %w", x.Target, err)
		}
		for _, relation := range x.Relations {
			if err := t.Snapshot.ensure(ctx, from, relation, false); err != nil {
				return cause(ctx, err)
			}
			r := &relay{from: from, table: x, part: Part{Target: x.Target, Relation: relation}, canon: canon, huge: t.huge, rein: t.newRein(nil)}
			if err := r.sum(ctx, &sum); err != nil {
				return cause(ctx, err)
			}
		}
		return nil
	})
	return sum, err
}

// sum reads a part to its end and adds its rows up; none is sent.
func (r *relay) sum(ctx context.Context, sum *digest.Sum) error {
	if err := r.from.open(r.table, r.part); err != nil {
		return r.reading(err)
	}
	for {
		n, tag, end, err := r.from.row()
		if err != nil {
			return r.reading(err)
		}
		if end {
			if tag != r.framed {
				return fmt.Errorf("the source says that it sent %d rows, but %d arrived", tag, r.framed)
			}
			return nil
		}
		if err := r.digest(ctx, n, sum, nil); err != nil {
			return err
		}
		r.framed++
	}
}
