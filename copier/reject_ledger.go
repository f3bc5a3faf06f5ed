package copier

import (
	"context"
	"sort"

	"github.com/jackc/pgx/v5"
)

var (
	rejectSQL  = stripComments(ledgerSQL("reject"))
	rejectsSQL = ledgerSQL("rejects")
)

// rejected reads which rows of a part were refused, by part; of all parts with
// part -1. It holds as many as the run may refuse.
func rejected(ctx context.Context, conn *pgx.Conn, run string, part int64) (map[int64][]rejectedRow, error) {
	rows, err := conn.Query(ctx, rejectsSQL, run, part)
	if err != nil {
		return nil, err
	}
	out := map[int64][]rejectedRow{}
	var of int64
	var r rejectedRow
	_, err = pgx.ForEachRow(rows, []any{&of, &r.row, &r.digest}, func() error {
		out[of] = append(out[of], r)
		return nil
	})
	return out, err
}

// leaveOut tells a span which of its rows were refused: its digest is that of
// the others. all are the part's, in order.
func (s *span) leaveOut(all []rejectedRow) {
	at := func(row int64) int { return sort.Search(len(all), func(i int) bool { return all[i].row >= row }) }
	s.rejected = all[at(s.first):at(s.last)]
	s.sum.Rows -= uint64(len(s.rejected))
}

// refusals counts the refused rows of a run, part by part, so that what is read
// again from the ledger is not counted twice.
type refusals struct {
	most  int64
	parts map[int64]int64
	total int64
}

func (r *refusals) set(part, n int64) {
	r.total += n - r.parts[part]
	r.parts[part] = n
}

// refuse counts the refused rows of a part, those that are not committed too,
// and fails when they are more than the run may have. What an earlier process
// refused for the run is counted with them.
func (c *copyRun) refuse(ctx context.Context, s *partState, why refusal, pending int) error {
	c.tellRefused(s, why)
	c.refusedMu.Lock()
	defer c.refusedMu.Unlock()
	if c.refused == nil {
		own := newLedger(c.Target, c.ledger.settings, c.Run)
		own.patience = c.patience()
		defer own.close(ctx)
		var before map[int64][]rejectedRow
		err := own.do(ctx, "reading the refused rows", func(conn *pgx.Conn) (err error) {
			before, err = rejected(ctx, conn, c.Run, -1)
			return err
		})
		if err != nil {
			return err
		}
		c.refused = &refusals{most: c.MaxRejects, parts: map[int64]int64{}}
		for part, rows := range before {
			c.refused.set(part, int64(len(rows)))
		}
	}
	c.refused.set(s.part.ID, s.rejected+int64(pending))
	if c.refused.total > c.refused.most {
		return &tooManyRejectsError{Most: c.refused.most}
	}
	return nil
}

// forget puts a part's count back to what the ledger holds of it.
func (c *copyRun) forget(s *partState) {
	c.refusedMu.Lock()
	defer c.refusedMu.Unlock()
	if c.refused != nil {
		c.refused.set(s.part.ID, s.rejected)
	}
}
