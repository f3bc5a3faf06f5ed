package copier

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
)

// RepairKind says what is wrong with a row of the target.
type RepairKind int

// What is wrong with a row.
const (
	RepairMissing RepairKind = iota + 1 // it is inserted
	RepairChanged                       // its columns that differ are updated
	RepairExtra                         // it is deleted, where that was asked for
)

// RepairRow names a row that differs.
type RepairRow struct {
	Kind    RepairKind
	Key     []*string // the key's values in the order of Transfer.Key, canonical, without COPY's escapes; nil is NULL. A table without a key has none
	Columns []string  // target columns that differ, of a changed row
	Hash    [2]uint64 // of the row in canonical form: what tells the rows of a table without a key apart
	Copies  int64     // of a table without a key; else 1
}

// RepairTable is a table with rows that differ.
type RepairTable struct {
	Transfer *ddlgen.Transfer
	Always   []string // identity columns that are GENERATED ALWAYS
	Rows     []RepairRow
	Part     int64 // that ClaimTable recorded; 0: its place among RepairParams.Tables, from 1, as ClaimRepair records it
}

// RepairParams is what Repair needs.
type RepairParams struct {
	Source   *dial.Endpoint // read in the snapshot, by sessions that cannot write
	Snapshot *Snapshot
	Target   *dial.Endpoint
	Profile  ddlgen.Profile
	Run      string        // that holds the tables; see ClaimRepair
	Tables   []RepairTable // those that others refer to first
	Delete   bool          // extra rows are deleted

	Allow     []catalog.Name // tables whose triggers may act
	Triggered []catalog.Name // tables that have triggers, where the target does not tell
	Whole     []catalog.Name // all tables that are compared: a foreign key's action may write to no other

	// InOrder has rows of a table with a key written in the order in which they are
	// given, whatever is wrong with them: at each moment the target shows what comes of
	// the first of them. Rows that the target refuses then, and those whose deletion
	// would change others by a foreign key, follow in the order of kinds.
	InOrder bool

	// Print, where it is not nil, gets each statement, with long values shortened,
	// and nothing is written.
	Print func(table catalog.Name, sql string) error
}

// RepairResult is what was done.
type RepairResult struct {
	Inserted, Updated, Deleted int64
	Sent                       int64 // bytes of the statements that wrote these
	Kept                       int64 // extra rows that were left, as nobody asked to delete them
	Refused                    []RepairRefusal
	Beyond                     bool // triggers or foreign keys may have written other rows, of other tables too
}

// RepairRefusal is a table of which not everything was written, and why.
type RepairRefusal struct {
	Table catalog.Name
	Rows  int64
	Why   string
}

// repairer mends rows of the target, table by table.
type repairer struct {
	p      RepairParams
	facts  repairFacts
	source *pgx.Conn
	target *pgx.Conn
	result RepairResult
	failed map[int]string // by table: what the target said of the last row that it refused
}

// Repair writes to the target what rows that differ have at the source, and
// nothing else. What it writes are the source's values, read again by key in the
// snapshot. Each batch is one transaction, which nobody commits once another run
// has taken the table. Rows that the target refuses are tried again after the
// others, as long as that helps: a foreign key or a unique value may be in the way.
func Repair(ctx context.Context, p RepairParams) (RepairResult, error) {
	r := &repairer{p: p, failed: map[int]string{}}
	defer r.close(ctx)
	if err := r.open(ctx); err != nil {
		return r.result, err
	}
	left := make([][]RepairRow, len(p.Tables))
	for i, t := range p.Tables {
		if why := r.refuse(t); why != "" {
			r.result.Refused = append(r.result.Refused, RepairRefusal{t.Transfer.Target, countRows(t.Rows), why})
			continue
		}
		r.result.Beyond = r.result.Beyond || r.beyond(t)
		for _, row := range t.Rows {
			if row.Kind == RepairExtra && !p.Delete {
				r.result.Kept += row.Copies
				continue
			}
			left[i] = append(left[i], row)
		}
	}
	for i := range p.Tables {
		if p.InOrder && len(p.Tables[i].Transfer.Key) > 0 && len(r.facts.deletes[p.Tables[i].Transfer.Target]) == 0 {
			if err := r.inOrder(ctx, i, &left[i]); err != nil {
				return r.result, err
			}
		}
	}
	for before := int64(-1); ; {
		now := int64(0)
		for i := range p.Tables {
			for _, kind := range []RepairKind{RepairMissing, RepairChanged} {
				if err := r.mend(ctx, i, &left[i], kind); err != nil {
					return r.result, err
				}
			}
		}
		for i, t := range slices.Backward(p.Tables) { // those that refer to others first
			if waits := r.waits(t.Transfer.Target, left); waits != "" && len(left[i]) > 0 {
				r.failed[i] = "a foreign key of " + waits + " would change rows there that are not repaired"
				continue
			}
			if err := r.mend(ctx, i, &left[i], RepairExtra); err != nil {
				return r.result, err
			}
		}
		for _, rows := range left {
			now += countRows(rows)
		}
		if now == 0 || now == before {
			break
		}
		before = now
	}
	for i, rows := range left {
		if len(rows) > 0 {
			r.result.Refused = append(r.result.Refused, RepairRefusal{p.Tables[i].Transfer.Target, countRows(rows), r.failed[i]})
		}
	}
	return r.result, nil
}

func countRows(rows []RepairRow) (n int64) {
	for _, r := range rows {
		n += r.Copies
	}
	return n
}

// open connects both sides, and asks the target what acts on its rows.
func (r *repairer) open(ctx context.Context) (err error) {
	if r.target, err = r.p.Target.Connect(ctx, MenderSettings(r.p.Profile)); err != nil {
		return err
	}
	if r.facts, err = readRepairFacts(ctx, r.target, r.p.Profile); err != nil {
		return err
	}
	if r.source, err = r.p.Source.Connect(ctx, ReaderSettings(r.p.Profile)); err != nil {
		return err
	}
	return dial.BeginSnapshot(ctx, r.source, r.p.Snapshot.ID)
}

func (r *repairer) close(ctx context.Context) {
	for _, c := range []*pgx.Conn{r.source, r.target} {
		if c != nil {
			_ = c.Close(context.WithoutCancel(ctx))
		}
	}
}

// mend writes the rows of one kind; those that the target refuses stay in left.
func (r *repairer) mend(ctx context.Context, i int, left *[]RepairRow, kind RepairKind) error {
	var rows, others []RepairRow
	for _, row := range *left {
		if row.Kind == kind {
			rows = append(rows, row)
		} else {
			others = append(others, row)
		}
	}
	if len(rows) == 0 {
		return nil
	}
	w := newRepairWriter(r, i)
	var err error
	switch {
	case kind == RepairExtra && len(r.p.Tables[i].Transfer.Key) == 0:
		err = w.removeCopies(ctx, rows)
	case kind == RepairExtra:
		for _, row := range rows {
			if err = w.add(ctx, repairOp{row: row, sql: w.deleteSQL(row)}); err != nil {
				break
			}
		}
	default:
		err = r.readRows(ctx, w.table.Transfer, rows, func(row RepairRow, fields [][]byte) error {
			return w.source(ctx, row, fields)
		})
	}
	if err == nil {
		err = w.flush(ctx)
	}
	if err != nil {
		return fmt.Errorf("repairing %s: %w", w.table.Transfer.Target, err)
	}
	*left = slices.Concat(others, w.refused)
	return nil
}
