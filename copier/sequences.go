package copier

import (
	"context"
	"fmt"
	"math/big"
	"strings"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
	"github.com/pg2db9/pg2db9/internal/event"
)

// sequenceBatch is how many sequences one statement reads or sets.
const sequenceBatch = 200

// SequenceParams is what SetSequences needs.
type SequenceParams struct {
	Source   *dial.Endpoint // read again, so that the target is not behind a source in use; nil takes the plan's values
	Target   *dial.Endpoint
	Settings dial.Settings // of the target's session, as ControlSettings gives them
	Values   []ddlgen.SequenceValue
	Run      string // that sets them, in the ledger; "" is none
	Margin   int64  // values that each sequence leaves out beyond the source's position; bounds end it
	Bus      *event.Bus
}

// SequenceResult is a sequence as it was set on the target.
type SequenceResult struct {
	Source    catalog.Name
	Target    catalog.Name
	LastValue int64
	IsCalled  bool
	Err       error
}

// SetSequences gives the target's sequences the source's present positions.
// Sequences are outside of transactions: a source in use goes on, so what was
// set is returned for verify to hold the target against.
func SetSequences(ctx context.Context, p SequenceParams) ([]SequenceResult, error) {
	out := make([]SequenceResult, len(p.Values))
	for i, v := range p.Values {
		out[i] = SequenceResult{Source: v.Source, Target: v.Target, LastValue: v.LastValue, IsCalled: v.IsCalled}
	}
	if len(out) == 0 {
		return out, nil
	}
	if p.Source != nil {
		if err := readSequences(ctx, p.Source, out); err != nil {
			return nil, err
		}
	}
	for i := range out {
		out[i].notBefore(&p.Values[i])
		out[i].LastValue = further(out[i].LastValue, p.Margin, &p.Values[i])
	}
	var conn *pgx.Conn
	defer func() {
		if conn != nil {
			_ = conn.Close(context.WithoutCancel(ctx))
		}
	}()
	for from := 0; from < len(out); from += sequenceBatch {
		batch := out[from:min(from+sequenceBatch, len(out))]
		// setval may be repeated: it sets, it does not count.
		err := retry(ctx, "setting sequences", defaultPatience, func() (err error) {
			if conn == nil || conn.IsClosed() {
				if conn, err = p.Target.Connect(ctx, p.Settings); err != nil {
					return err
				}
			}
			return setSequences(ctx, conn, batch)
		})
		if ctx.Err() != nil {
			return out, fmt.Errorf("setting sequences on the target: %w", context.Cause(ctx))
		}
		if err != nil {
			setOneByOne(ctx, p, batch)
		}
		p.record(ctx, conn, batch)
	}
	return out, nil
}

// record puts into the ledger where sequences were set. A target without one has
// nothing to keep it in; and that it is not kept costs a later verification what
// the source's sequences have gone on since, no more.
func (p *SequenceParams) record(ctx context.Context, conn *pgx.Conn, batch []SequenceResult) {
	rows := make([]string, 0, len(batch))
	for _, s := range batch {
		if s.Err == nil {
			rows = append(rows, fmt.Sprintf("(%s, %d, %t)", literals(s.Target.Schema, s.Target.Name, p.Run), s.LastValue, s.IsCalled))
		}
	}
	if len(rows) == 0 || conn == nil {
		return
	}
	_, err := conn.Exec(ctx, strings.Replace(setSQL, ":rows", strings.Join(rows, ", "), 1), pgx.QueryExecModeSimpleProtocol)
	if err != nil && !gone(err) {
		p.Bus.Emit(event.Note{Text: fmt.Sprintf("where sequences were set is not in the ledger: %v", err)})
	}
}

// notBefore keeps the snapshot's position where the source has since gone back
// (TRUNCATE ... RESTART IDENTITY, setval): the rows that were copied are the
// snapshot's, and have its numbers. One that cycles goes back by itself.
func (r *SequenceResult) notBefore(v *ddlgen.SequenceValue) {
	if v.Increment == 0 || v.Cycle {
		return
	}
	back := r.LastValue < v.LastValue
	if v.Increment < 0 {
		back = r.LastValue > v.LastValue
	}
	if back || r.LastValue == v.LastValue && v.IsCalled {
		r.LastValue, r.IsCalled = v.LastValue, v.IsCalled
	}
}

// further is a position a number of values further, the last one before the
// bound where they go beyond it.
func further(last, margin int64, v *ddlgen.SequenceValue) int64 {
	if margin <= 0 || v.Increment == 0 {
		return last
	}
	bound := v.Max
	if v.Increment < 0 {
		bound = v.Min
	}
	room := new(big.Int).Sub(big.NewInt(bound), big.NewInt(last))
	steps := room.Quo(room, big.NewInt(v.Increment)) // of one sign: not negative
	if steps.Sign() <= 0 {
		return last
	}
	if most := big.NewInt(margin); steps.Cmp(most) > 0 {
		steps = most
	}
	return steps.Mul(steps, big.NewInt(v.Increment)).Add(steps, big.NewInt(last)).Int64()
}

func setSequences(ctx context.Context, conn *pgx.Conn, batch []SequenceResult) error {
	calls := make([]string, len(batch))
	for i, s := range batch {
		calls[i] = fmt.Sprintf("pg_catalog.setval(%s, %d, %t)", quote.Literal(quote.Name(s.Target.Schema, s.Target.Name)), s.LastValue, s.IsCalled)
	}
	_, err := conn.Exec(ctx, "SELECT "+strings.Join(calls, ", "))
	return err
}

// setOneByOne finds out which sequence of a batch cannot be set.
func setOneByOne(ctx context.Context, p SequenceParams, batch []SequenceResult) {
	conn, err := p.Target.Connect(ctx, p.Settings)
	for i := range batch {
		if err == nil {
			batch[i].Err = setSequences(ctx, conn, batch[i:i+1])
		} else {
			batch[i].Err = err
		}
		if batch[i].Err != nil {
			batch[i].Err = fmt.Errorf("setting sequence %s: %w", batch[i].Target, batch[i].Err)
		}
	}
	if conn != nil {
		_ = conn.Close(context.WithoutCancel(ctx))
	}
}

// readSequences reads the source's present positions. One that cannot be read
// by now (dropped, or its rights taken away) keeps what the plan says.
func readSequences(ctx context.Context, source *dial.Endpoint, seqs []SequenceResult) error {
	var conn *pgx.Conn
	defer func() {
		if conn != nil {
			_ = conn.Close(context.WithoutCancel(ctx))
		}
	}()
	read := func(batch []SequenceResult) error {
		return retry(ctx, "reading sequences", defaultPatience, func() (err error) {
			if conn == nil || conn.IsClosed() {
				if conn, err = source.Connect(ctx, dial.Reader()); err != nil {
					return err
				}
			}
			return readPositions(ctx, conn, batch)
		})
	}
	for from := 0; from < len(seqs); from += sequenceBatch {
		batch := seqs[from:min(from+sequenceBatch, len(seqs))]
		err := read(batch)
		if gone(err) {
			for i := range batch {
				if err = read(batch[i : i+1]); err != nil && !gone(err) {
					break
				}
				err = nil
			}
		}
		if err != nil {
			return fmt.Errorf("reading sequence positions on the source: %w", err)
		}
	}
	return nil
}

// gone says that a sequence is not there any more, or not for us.
func gone(err error) bool {
	switch dial.SQLState(err) {
	case pgerrcode.UndefinedTable, pgerrcode.InvalidSchemaName, pgerrcode.InsufficientPrivilege:
		return true
	}
	return false
}

func readPositions(ctx context.Context, conn *pgx.Conn, batch []SequenceResult) error {
	names := make([]catalog.Name, len(batch))
	for i, s := range batch {
		names[i] = s.Source
	}
	positions, err := catalog.SequencePositions(ctx, conn, names)
	for i, p := range positions {
		batch[i].LastValue, batch[i].IsCalled = p.LastValue, p.IsCalled
	}
	return err
}
