package copier

import (
	"context"
	"fmt"
)

// repairStep is how many rows a transaction begins with where rows are written in
// order: how large they are is not known yet.
const repairStep = 16

// inOrder writes rows of all kinds in the order given, step by step; those that the
// target refuses stay in left. A step is one transaction, unless its rows are larger
// than those of the steps before, so that they do not fit into one.
func (r *repairer) inOrder(ctx context.Context, i int, left *[]RepairRow) error {
	w := newRepairWriter(r, i)
	rows, step := *left, repairStep
	for len(rows) > 0 {
		n := min(step, len(rows))
		if err := w.step(ctx, rows[:n]); err != nil {
			return fmt.Errorf("repairing %s: %w", w.table.Transfer.Target, err)
		}
		rows = rows[n:]
		most, bytes := w.bounds()
		switch {
		case w.stepBytes > bytes/2:
			step = max(1, step/2)
		case w.stepBytes < bytes/8:
			step = int(min(most, int64(step)*2))
		}
	}
	*left = w.refused
	return nil
}

// step writes some rows: what goes first, since what comes may need its place.
func (w *repairWriter) step(ctx context.Context, rows []RepairRow) error {
	w.stepBytes = 0
	var come []RepairRow
	for _, row := range rows {
		if row.Kind != RepairExtra {
			come = append(come, row)
			continue
		}
		if err := w.add(ctx, repairOp{row: row, sql: w.deleteSQL(row)}); err != nil {
			return err
		}
	}
	if len(come) > 0 {
		if err := w.repairer.readRows(ctx, w.table.Transfer, come, func(row RepairRow, fields [][]byte) error { return w.source(ctx, row, fields) }); err != nil {
			return err
		}
	}
	return w.flush(ctx)
}
