package copier

import (
	"cmp"
	"context"
	_ "embed"
	"fmt"
	"slices"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/event"
)

// Part is a piece of one table that one worker copies: a range of blocks of one
// relation, a range of its key, or the whole of it.
type Part struct {
	ID       int64
	Transfer int          // index into Plan.Transfers
	Target   catalog.Name // the transfer's target
	Relation catalog.Name // what is read, with ONLY
	Blocks   bool         // [First, End) of the relation's blocks
	First    int64
	End      int64     // 0: to the end, wherever that is by then
	Keys     *KeyRange // a range of the relation's key; nil, and not Blocks: all of it
	Bytes    int64     // weight: its share of heap + TOAST on the source, in bytes

	cuts *cuts // where it can be cut further; nil: nowhere
}

// Range says for people which rows the part holds.
func (p Part) Range() string {
	switch {
	case p.Keys != nil:
		return p.Keys.String()
	case !p.Blocks:
		return "whole"
	case p.End == 0:
		return fmt.Sprintf("blocks %d to the end", p.First)
	default:
		return fmt.Sprintf("blocks %d-%d", p.First, p.End-1)
	}
}

func (p Part) event() event.Part {
	e := event.Part{ID: p.ID, Table: p.Target.String(), Range: p.Range(), Bytes: p.Bytes}
	if p.Relation != p.Target {
		e.Relation = p.Relation.String()
	}
	return e
}

// SplitBy says what tables are cut by.
type SplitBy string

// What tables are cut by.
const (
	SplitAuto   SplitBy = "auto" // blocks where the source can read a range of them, else keys
	SplitBlocks SplitBy = "ctid" // blocks; a table that cannot be read so is read whole
	SplitKeys   SplitBy = "key"  // keys; a table without one is read whole
	SplitNever  SplitBy = "none"
)

// Split says how tables are cut into parts. The zero value is SplitAuto.
type Split struct {
	By SplitBy
	// Guess leaves the source's rows alone: parts are cut evenly, and by blocks
	// only. Their number is about right, their borders are not.
	Guess bool

	largest, smallest int64 // bytes of a part; tests cut small tables by them
}

//go:embed queries/sizes.sql
var sizesSQL string

// relationSize is what planning needs to know of a relation.
type relationSize struct {
	Ord    int64
	Kind   string
	Method string
	Heap   int64
	Toast  int64
	Block  int64
}

// blocks is how many blocks the heap has.
func (s relationSize) blocks() int64 { return s.Heap / max(s.Block, 1) }

// PlanParts cuts the plan's transfers into parts, largest first. It reads sizes
// on conn, which must be inside the snapshot or later, and looks at some rows of
// large tables there.
func PlanParts(ctx context.Context, conn *pgx.Conn, plan *ddlgen.Plan, profile ddlgen.Profile, jobs int, split Split) ([]Part, error) {
	var schemas, names []string
	for _, t := range plan.Transfers {
		for _, r := range t.Relations {
			schemas, names = append(schemas, r.Schema), append(names, r.Name)
		}
	}
	rows, err := conn.Query(ctx, sizesSQL, schemas, names)
	if err != nil {
		return nil, fmt.Errorf("reading table sizes: %w", err)
	}
	sizes, err := pgx.CollectRows(rows, pgx.RowToStructByPos[relationSize])
	if dial.SQLState(err) == pgerrcode.LockNotAvailable {
		return nil, fmt.Errorf("reading table sizes: another session holds a table exclusively, or waits for that; see pg_locks for who, and run the command again when it has ended: %w", err)
	}
	if err != nil {
		return nil, fmt.Errorf("reading table sizes: %w", err)
	}
	if len(sizes) != len(names) {
		return nil, fmt.Errorf("reading table sizes: %d of %d tables are there: the schema changed", len(sizes), len(names))
	}
	c := newCut(sizes, profile.BatchBytes, jobs, dial.Major(conn.PgConn()), split)
	var scales map[int]scale
	if !split.Guess {
		if scales, err = look(ctx, conn, plan, sizes, c); err != nil {
			return nil, err
		}
	}
	return cutParts(plan, sizes, c, scales), nil
}

// cutParts is PlanParts without a server. Scales are by the relation's number;
// a relation that has none is cut evenly by its blocks, if it can be.
func cutParts(plan *ddlgen.Plan, sizes []relationSize, c cut, scales map[int]scale) []Part {
	var parts []Part
	i := 0
	for ti, t := range plan.Transfers {
		for _, r := range t.Relations {
			p := Part{Transfer: ti, Target: t.Target, Relation: r}
			parts = append(parts, c.relation(p, sizes[i], scales[i])...)
			i++
		}
	}
	// Largest first, so that none is left to finish alone; then as planned.
	slices.SortStableFunc(parts, func(a, b Part) int { return cmp.Compare(b.Bytes, a.Bytes) })
	for i := range parts {
		parts[i].ID = int64(i + 1)
	}
	return parts
}
