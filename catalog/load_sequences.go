package catalog

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/internal/dial/quote"
)

type sequenceRow struct {
	OID         int64  `db:"oid"`
	Schema      string `db:"schema"`
	Name        string `db:"name"`
	Type        string `db:"type"`
	Start       int64  `db:"start"`
	Increment   int64  `db:"increment"`
	Min         int64  `db:"min"`
	Max         int64  `db:"max"`
	Cache       int64  `db:"cache"`
	Cycle       bool   `db:"cycle"`
	Unlogged    bool   `db:"unlogged"`
	Readable    *bool  `db:"readable"` // nil: dropped since
	Owned       string `db:"owned"`
	TableSchema string `db:"table_schema"`
	Table       string `db:"table"`
	Column      string `db:"column"`
}

func (r *reader) sequences(ctx context.Context) error {
	rows, err := collect[sequenceRow](ctx, r.q, "sequences")
	if err != nil {
		return err
	}
	// Of several sequences of one column the identity's comes last, so that it
	// is the column's; the others come by name.
	slices.SortFunc(rows, func(a, b sequenceRow) int {
		return cmp.Or(cmp.Compare(a.Owned, b.Owned), cmp.Compare(b.Schema, a.Schema), cmp.Compare(b.Name, a.Name))
	})
	var readable []Name
	var at []int
	for i, s := range rows {
		n := Name{Schema: r.text(s.Schema), Name: s.Name}
		if s.Readable == nil {
			return &GoneError{Kind: "sequence", Name: n}
		}
		readableNow := *s.Readable && (!s.Unlogged || !r.inRecovery) // a standby has no unlogged relation's contents
		seq := Sequence{
			Name: n, Type: r.text(s.Type), Start: s.Start, Increment: s.Increment, Min: s.Min, Max: s.Max, Cache: s.Cache, Cycle: s.Cycle,
			Unlogged: s.Unlogged, LastValue: s.Start, Unreadable: !readableNow, Identity: s.Owned == "i",
		}
		if s.Owned != "" {
			seq.Owner = &ColumnRef{Table: Name{Schema: r.text(s.TableSchema), Name: s.Table}, Column: r.text(s.Column)}
			r.setColumnSequence(*seq.Owner, n)
		}
		r.db.Sequences = append(r.db.Sequences, seq)
		r.know("pg_class", s.OID, Comment{Kind: "sequence", Name: n})
		if readableNow {
			readable, at = append(readable, n), append(at, i)
		}
	}
	positions, err := sequencePositions(ctx, r.q, readable, true)
	if err != nil {
		return err
	}
	for i, p := range positions {
		r.db.Sequences[at[i]].LastValue, r.db.Sequences[at[i]].IsCalled = p.LastValue, p.IsCalled
	}
	return nil
}

func (r *reader) setColumnSequence(owner ColumnRef, seq Name) {
	if r.tableByName == nil {
		r.tableByName = make(map[Name]int, len(r.db.Tables))
		for i, t := range r.db.Tables {
			r.tableByName[t.Name] = i
		}
	}
	i, ok := r.tableByName[owner.Table]
	if !ok {
		return
	}
	cols := r.db.Tables[i].Columns
	for j := range cols {
		if cols[j].Name == owner.Column {
			cols[j].Sequence = &seq
		}
	}
}

// SequencePosition is where a sequence stands.
type SequencePosition struct {
	LastValue int64
	IsCalled  bool
}

// sequenceBatch is how many sequences one query reads.
const sequenceBatch = 200

// SequencePositions reads where sequences stand now, in the order of names. The
// sequences themselves are read: the view pg_sequences does not say is_called.
//
// A sequence that is read stays locked until the transaction ends, so for many
// sequences the lock table of a server is too small for one transaction: outside
// of one each query gives its locks back by itself.
func SequencePositions(ctx context.Context, q Querier, names []Name) ([]SequencePosition, error) {
	return sequencePositions(ctx, q, names, false)
}

// sequencePositions gives the locks of each batch back by a savepoint, where
// there is a transaction.
func sequencePositions(ctx context.Context, q Querier, names []Name, inTransaction bool) ([]SequencePosition, error) {
	out := make([]SequencePosition, len(names))
	for from := 0; from < len(names); from += sequenceBatch {
		batch := names[from:min(from+sequenceBatch, len(names))]
		if inTransaction {
			if err := exec(ctx, q, "SAVEPOINT pg2db9_sequences"); err != nil {
				return nil, fmt.Errorf("reading sequence positions: %w", err)
			}
		}
		selects := make([]string, len(batch))
		for i, n := range batch {
			selects[i] = fmt.Sprintf("SELECT %d::pg_catalog.int4, last_value, is_called FROM %s", i, quote.Name(n.Schema, n.Name))
		}
		rows, err := q.Query(ctx, strings.Join(selects, " UNION ALL "), pgx.QueryExecModeExec) // no two of these texts are the same
		if err != nil {
			return nil, fmt.Errorf("reading sequence positions from %s on: %w", batch[0], err)
		}
		var i int
		var p SequencePosition
		if _, err := pgx.ForEachRow(rows, []any{&i, &p.LastValue, &p.IsCalled}, func() error { out[from+i] = p; return nil }); err != nil {
			return nil, gone(fmt.Errorf("reading sequence positions from %s on: %w", batch[0], err), "a sequence", Name{})
		}
		if inTransaction { // released alone, a savepoint keeps its locks
			if err := exec(ctx, q, "ROLLBACK TO SAVEPOINT pg2db9_sequences; RELEASE SAVEPOINT pg2db9_sequences"); err != nil {
				return nil, fmt.Errorf("reading sequence positions: %w", err)
			}
		}
	}
	return out, nil
}

// exec runs statements that give no rows.
func exec(ctx context.Context, q Querier, sql string) error {
	rows, err := q.Query(ctx, sql, pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		return err
	}
	rows.Close()
	return rows.Err()
}
