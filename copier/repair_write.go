package copier

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
)

// Bounds of a transaction, where the profile has no smaller ones. One row that is
// larger is one alone.
const (
	repairRows  = 500
	repairBytes = 1 << 20
)

// repairOp is the repair of one row.
type repairOp struct {
	row    RepairRow
	sql    string // UPDATE or DELETE
	values string // of an INSERT
}

// repairWriter writes rows of one kind to one table.
type repairWriter struct {
	repairer *repairer
	number   int // of the table
	table    RepairTable
	send     *mender // for statements that are seen to run, each

	ops     []repairOp
	bytes   int64
	refused []RepairRow

	stepBytes int64 // of statements since a step in order was begun
}

func newRepairWriter(r *repairer, number int) *repairWriter {
	return &repairWriter{repairer: r, number: number, table: r.p.Tables[number], send: &mender{conn: r.target}}
}

// source takes a row as the source has it.
func (w *repairWriter) source(ctx context.Context, row RepairRow, fields [][]byte) error {
	size := int64(len(fields)) // no copy is made of a row to see how large it is
	for _, f := range fields {
		size += int64(len(f))
	}
	if limit := w.repairer.p.Profile.RowBytes; limit > 0 && size > limit {
		return w.putOff(row, fmt.Sprintf("a row has %d bytes, the target takes at most %d", size, limit))
	}
	for _, f := range fields {
		if !utf8.Valid(f) {
			return w.putOff(row, "a row holds bytes that are not UTF-8: mend them on the source")
		}
	}
	op := repairOp{row: row}
	makeRoom(size)
	if row.Kind == RepairMissing {
		op.values = w.values(fields)
	} else {
		op.sql = w.updateSQL(row, fields)
	}
	return w.add(ctx, op)
}

// putOff keeps a row that cannot be written, or not yet.
func (w *repairWriter) putOff(row RepairRow, why string) error {
	w.refused = append(w.refused, row)
	w.repairer.failed[w.number] = why
	return nil
}

// bounds are those of a transaction.
func (w *repairWriter) bounds() (rows, bytes int64) {
	p := w.repairer.p.Profile
	rows, bytes = int64(repairRows), int64(repairBytes)
	if p.BatchRows > 0 {
		rows = min(rows, p.BatchRows)
	}
	if p.BatchBytes > 0 {
		bytes = min(bytes, p.BatchBytes)
	}
	return rows, bytes
}

func (w *repairWriter) add(ctx context.Context, op repairOp) error {
	rows, most := w.bounds()
	size := int64(len(op.sql) + len(op.values))
	if n := int64(len(w.ops)); n > 0 && (n >= rows || w.bytes+size > most) {
		if err := w.flush(ctx); err != nil {
			return err
		}
	}
	w.ops = append(w.ops, op)
	w.bytes += size
	w.stepBytes += size
	return nil
}

// flush sends what is collected.
func (w *repairWriter) flush(ctx context.Context) error {
	ops := w.ops
	w.ops, w.bytes = nil, 0
	if len(ops) == 0 {
		return nil
	}
	if w.repairer.p.Print == nil {
		return w.settle(ctx, ops)
	}
	statements, _ := w.statements(ops)
	for _, sql := range statements {
		if err := w.repairer.p.Print(w.table.Transfer.Target, sql); err != nil {
			return err
		}
	}
	w.count(ops)
	return nil
}

// statements are those of a batch, with how many rows each must change.
func (w *repairWriter) statements(ops []repairOp) (list []string, rows []int) {
	var values []string
	for _, op := range ops {
		if op.sql != "" {
			list, rows = append(list, op.sql), append(rows, 1)
			continue
		}
		if values = append(values, op.values); len(w.table.Transfer.Columns) == 0 {
			list, rows, values = append(list, w.insertSQL(nil)), append(rows, 1), nil
		}
	}
	if len(values) > 0 {
		list, rows = append(list, w.insertSQL(values)), append(rows, len(values))
	}
	return list, rows
}

func (w *repairWriter) count(ops []repairOp) {
	r := &w.repairer.result
	for _, op := range ops {
		switch op.row.Kind {
		case RepairMissing:
			r.Inserted++
		case RepairChanged:
			r.Updated++
		case RepairExtra:
			r.Deleted++
		}
	}
}

// settle sends a batch, in halves where the target refuses it, and puts off what it
// refuses alone.
func (w *repairWriter) settle(ctx context.Context, ops []repairOp) error {
	err := w.transaction(ctx, "BEGIN", func() error {
		statements, rows := w.statements(ops)
		return w.run(ctx, statements, rows)
	})
	if err == nil {
		w.count(ops)
		return nil
	}
	why, ok := w.refusal(err)
	switch {
	case !ok:
		return err
	case len(ops) == 1 && ops[0].row.Kind == RepairExtra && errors.Is(err, errRepairGone):
		return nil // a foreign key's action took it away with another
	case len(ops) == 1:
		return w.putOff(ops[0].row, why)
	}
	half := len(ops) / 2
	if err := w.settle(ctx, ops[:half]); err != nil {
		return err
	}
	return w.settle(ctx, ops[half:])
}

// errRepairMoved is a row of the target that is not as it was compared.
var errRepairMoved = errors.New("somebody else writes to the target: a row is not as it was compared")

// errRepairGone is one that is not there any more.
var errRepairGone = fmt.Errorf("%w, but gone", errRepairMoved)

// refusal says what the target has against a batch that was rolled back.
func (w *repairWriter) refusal(err error) (string, bool) {
	if errors.Is(err, errRepairMoved) {
		return err.Error(), true
	}
	why, ok := refusalOf(err)
	return fmt.Sprintf("the target refuses: %s (%s)", why.message, why.state), ok
}

// transaction runs work in a transaction of the run's, and no other: once somebody
// has taken the table over, the part's epoch is not ours, and nothing is committed.
func (w *repairWriter) transaction(ctx context.Context, begin string, work func() error) (err error) {
	if err := w.send.step(ctx, begin, 'T'); err != nil {
		return err
	}
	defer func() {
		if err != nil && !w.send.conn.IsClosed() {
			_ = w.send.step(context.WithoutCancel(ctx), "ROLLBACK", 'I')
		}
	}()
	r := w.repairer
	tag, err := w.send.tag(ctx, fmt.Sprintf("UPDATE _pg2db9.part SET token = '' WHERE run = %s AND part = %d AND epoch = 1", quote.Literal(r.p.Run), w.part()), 'T')
	if err != nil {
		return &recordError{err}
	}
	if tag != "UPDATE 1" {
		return fmt.Errorf("another run has taken table %s over: nothing more is written to it", w.table.Transfer.Target)
	}
	if r.quiet(w.table.Transfer.Target) {
		if err := w.send.step(ctx, replicaSQL, 'T'); err != nil {
			return err
		}
	}
	if r.p.Profile.FullCatalog {
		if err := w.send.step(ctx, "SET CONSTRAINTS ALL DEFERRED", 'T'); err != nil {
			return err
		}
	}
	if err := work(); err != nil {
		return err
	}
	return w.send.step(ctx, "COMMIT", 'I')
}

// part is the table's in the ledger.
func (w *repairWriter) part() int64 {
	if w.table.Part > 0 {
		return w.table.Part
	}
	return int64(w.number + 1)
}

// run sends statements as one message, and holds what each did against what it
// must do.
func (w *repairWriter) run(ctx context.Context, statements []string, rows []int) error {
	text := strings.Join(statements, ";\n")
	w.repairer.result.Sent += int64(len(text))
	makeRoom(int64(len(text)))
	results, err := w.send.conn.PgConn().Exec(ctx, text).ReadAll()
	if err != nil {
		return err
	}
	if status := w.send.conn.PgConn().TxStatus(); status != 'T' || len(results) != len(statements) {
		return fmt.Errorf("%w: the target answered %d of %d statements (transaction status %q)", dial.ErrLost, len(results), len(statements), status)
	}
	for i, result := range results {
		switch n := result.CommandTag.RowsAffected(); n {
		case int64(rows[i]):
		case 0:
			return errRepairGone
		default:
			return fmt.Errorf("%w (%s, and %d were meant)", errRepairMoved, result.CommandTag, rows[i])
		}
	}
	return nil
}
