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
// relation, or the whole of it.
type Part struct {
	ID       int64
	Transfer int          // index into Plan.Transfers
	Target   catalog.Name // the transfer's target
	Relation catalog.Name // what is read, with ONLY
	Blocks   bool         // [First, End) of the relation's blocks; else all of it
	First    int64
	End      int64 // 0: to the end, wherever that is by then
	Bytes    int64 // weight: its share of heap + TOAST on the source, in bytes
}

// Range says for people which rows the part holds.
func (p Part) Range() string {
	switch {
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

const (
	maxPartBytes = 1 << 30  // no part is larger, so that a lost one costs minutes
	minPartBytes = 32 << 20 // no relation below twice this is cut: a part costs a round trip or two
	shareOfJob   = 8        // and no part is larger than this share of what one job has to do

	minSlowPart = 1 << 20 // the least part where the target bounds its batches: there a part costs no more than a batch
)

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

// PlanParts cuts the plan's transfers into parts, largest first. It reads sizes
// on conn, which must be inside the snapshot or later.
func PlanParts(ctx context.Context, conn *pgx.Conn, plan *ddlgen.Plan, profile ddlgen.Profile, jobs int) ([]Part, error) {
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
	return cutParts(plan, sizes, profile.BatchBytes, jobs, dial.Major(conn.PgConn())), nil
}

// cutParts is PlanParts without a server.
func cutParts(plan *ddlgen.Plan, sizes []relationSize, batchBytes int64, jobs, major int) []Part {
	c := newCut(sizes, batchBytes, jobs, major)
	var parts []Part
	i := 0
	for ti, t := range plan.Transfers {
		for _, r := range t.Relations {
			p := Part{Transfer: ti, Target: t.Target, Relation: r}
			parts = append(parts, c.relation(p, sizes[i])...)
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

// cut is how relations are cut.
type cut struct {
	largest, smallest int64 // bytes of a part
	shrink            bool  // parts of a relation become smaller towards its end
	major             int   // of the source
}

// newCut chooses the sizes of parts. Over a long link, where the target bounds
// its batches, the time of a part is its bytes by the connection's rate, and
// what the last parts overhang is lost: each round of parts takes half of what
// is left, down to about a batch (factoring: Hummel, Schonberg, Flynn 1992). A
// target near by is bound by its processors, and many parts cost more there
// than they save.
func newCut(sizes []relationSize, batchBytes int64, jobs, major int) cut {
	var total int64
	for _, s := range sizes {
		total += s.Heap + s.Toast
	}
	perJob := total / int64(max(jobs, 1))
	if batchBytes > 0 {
		return cut{largest: min(maxPartBytes, perJob/2), smallest: max(minSlowPart, batchBytes), shrink: true, major: major}
	}
	return cut{largest: min(maxPartBytes, max(minPartBytes, perJob/shareOfJob)), smallest: minPartBytes, major: major}
}

// relation cuts one relation into block ranges by weight. The last one is
// open-ended. Servers before 14 have no TID range scan: there each range would
// read the whole table.
func (c cut) relation(p Part, s relationSize) []Part {
	weight := s.Heap + s.Toast
	blocks := s.Heap / max(s.Block, 1)
	weights := c.weights(weight)
	p.Bytes = weight
	if len(weights) < 2 || blocks < 2 || c.major < 14 || s.Kind != "r" || s.Method != "heap" {
		return []Part{p}
	}
	var parts []Part
	var first, before int64
	for i, w := range weights {
		before += w
		end := int64(float64(blocks) * float64(before) / float64(weight))
		if i == len(weights)-1 {
			end = blocks
		}
		if end <= first {
			continue // TOAST weighs more than there are blocks to share
		}
		next := p
		next.Blocks, next.First, next.End, next.Bytes = true, first, end, w
		parts = append(parts, next)
		first = end
	}
	parts[len(parts)-1].End = 0
	if len(parts) == 1 {
		return []Part{p}
	}
	return parts
}

// weights cuts a relation's weight into those of its parts, in bytes.
func (c cut) weights(weight int64) []int64 {
	if weight < 2*c.smallest {
		return []int64{weight}
	}
	var out []int64
	if !c.shrink {
		n := (weight + c.largest - 1) / c.largest
		for range n {
			out = append(out, weight/n)
		}
		return out
	}
	// Whole batches: the rest of a part is a batch with all its round trips too.
	whole := func(size int64) int64 { return max(size/c.smallest, 1) * c.smallest }
	size := whole(c.largest)
	for rest := weight; rest > 0; size = whole(size / 2) {
		n := (rest/2 + size - 1) / size
		if size == c.smallest {
			n = (rest + size - 1) / size
		}
		for range n {
			w := min(size, rest)
			out = append(out, w)
			rest -= w
		}
	}
	return out
}
