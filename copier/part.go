package copier

import (
	"cmp"
	"context"
	_ "embed"
	"fmt"
	"slices"

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
func PlanParts(ctx context.Context, conn *pgx.Conn, plan *ddlgen.Plan, jobs int) ([]Part, error) {
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
	if err != nil {
		return nil, fmt.Errorf("reading table sizes: %w", err)
	}
	if len(sizes) != len(names) {
		return nil, fmt.Errorf("reading table sizes: %d of %d tables are there: the schema changed", len(sizes), len(names))
	}
	return cutParts(plan, sizes, jobs, dial.Major(conn.PgConn())), nil
}

// cutParts is PlanParts without a server.
func cutParts(plan *ddlgen.Plan, sizes []relationSize, jobs, major int) []Part {
	var total int64
	for _, s := range sizes {
		total += s.Heap + s.Toast
	}
	limit := min(maxPartBytes, max(minPartBytes, total/int64(max(jobs, 1)*shareOfJob)))
	var parts []Part
	i := 0
	for ti, t := range plan.Transfers {
		for _, r := range t.Relations {
			p := Part{Transfer: ti, Target: t.Target, Relation: r}
			parts = append(parts, cutRelation(p, sizes[i], limit, major)...)
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

// cutRelation cuts one relation into block ranges of about equal weight. The
// last one is open-ended. Servers before 14 have no TID range scan: there each
// range would read the whole table.
func cutRelation(p Part, s relationSize, limit int64, major int) []Part {
	weight := s.Heap + s.Toast
	blocks := s.Heap / max(s.Block, 1)
	n := min((weight+limit-1)/limit, blocks)
	if n < 2 || major < 14 || s.Kind != "r" || s.Method != "heap" || weight < 2*minPartBytes {
		p.Bytes = weight
		return []Part{p}
	}
	parts := make([]Part, n)
	for i := range parts {
		k := int64(i)
		parts[i] = p
		parts[i].Blocks = true
		parts[i].First = blocks * k / n
		parts[i].End = blocks * (k + 1) / n
		parts[i].Bytes = weight / n
	}
	parts[n-1].End = 0
	return parts
}
