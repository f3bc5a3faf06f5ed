package copier

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgerrcode"

	"github.com/pg2db9/pg2db9/internal/dial"
)

// removeCopies deletes as many copies of rows as there are too many, of a table
// without a key: by their places, read in the transaction that deletes them, whose
// snapshot keeps other rows from them.
func (w *repairWriter) removeCopies(ctx context.Context, rows []RepairRow) error {
	if w.repairer.p.Print != nil {
		if err := w.send.step(ctx, "BEGIN ISOLATION LEVEL REPEATABLE READ", 'T'); err != nil {
			return err
		}
		statements, _, err := w.places(ctx, rows)
		if err := errors.Join(err, w.send.step(ctx, "ROLLBACK", 'I')); err != nil {
			return err
		}
		for _, sql := range statements {
			if err := w.repairer.p.Print(w.table.Transfer.Target, sql); err != nil {
				return err
			}
		}
		w.repairer.result.Deleted += countRows(rows)
		return nil
	}
	err := w.transaction(ctx, "BEGIN ISOLATION LEVEL REPEATABLE READ", func() error {
		statements, counts, err := w.places(ctx, rows)
		if err != nil {
			return err
		}
		return w.run(ctx, statements, counts)
	})
	if err == nil {
		w.repairer.result.Deleted += countRows(rows)
		return nil
	}
	why, ok := w.refusal(err)
	if !ok {
		if dial.SQLState(err) == pgerrcode.SerializationFailure {
			return fmt.Errorf("%w: %w", errRepairMoved, err)
		}
		return err
	}
	w.refused = append(w.refused, rows...)
	w.repairer.failed[w.number] = why
	return nil
}

// places reads the table and makes the statements that delete the copies.
func (w *repairWriter) places(ctx context.Context, rows []RepairRow) (statements []string, counts []int, err error) {
	t := w.table.Transfer
	find, err := newRowFinder(t)
	if err != nil {
		return nil, nil, err
	}
	find.want(rows)
	exprs := []string{"tableoid", "ctid"}
	for _, c := range t.Columns {
		exprs = append(exprs, c.ReadBack)
	}
	byTable := map[string][]string{}
	taken := map[string]int64{}
	lines := &lineWriter{take: func(line []byte) error {
		head := bytes.SplitN(bytes.Clone(line), []byte{'\t'}, 3)
		var rest []byte
		if len(head) == 3 {
			rest = head[2]
		}
		name := find.nameOf(find.canon.Row(rest))
		if row, ok := find.wanted[name]; ok && taken[name] < row.Copies {
			taken[name]++
			byTable[string(head[0])] = append(byTable[string(head[0])], `"`+string(head[1])+`"`)
		}
		return nil
	}}
	if _, err := w.send.conn.PgConn().CopyTo(ctx, lines, fmt.Sprintf("COPY (SELECT %s FROM %s) TO STDOUT", strings.Join(exprs, ", "), w.name())); err != nil {
		return nil, nil, err
	}
	for name, row := range find.wanted {
		if taken[name] != row.Copies {
			return nil, nil, errRepairMoved
		}
	}
	for table, places := range byTable {
		if _, err := strconv.ParseUint(table, 10, 32); err != nil {
			return nil, nil, fmt.Errorf("the target names a table %q: %w", table, err)
		}
		for some := range slices.Chunk(places, 5000) {
			statements = append(statements, fmt.Sprintf("DELETE FROM %s WHERE tableoid = %s AND ctid = ANY ('{%s}'::pg_catalog.tid[])", w.name(), table, strings.Join(some, ",")))
			counts = append(counts, len(some))
		}
	}
	return statements, counts, nil
}
