package scan

import (
	"context"
	_ "embed"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/event"
)

//go:embed queries/relations.sql
var relationsSQL string

// Pieces are short: each is a statement, and what is waited for when the scan is
// cancelled, throttled or refused.
const (
	pieceBytes = 64 << 20
	leastBytes = 1 << 20
	// wholeBytes is the size up to which a table is read whole also in a sample.
	wholeBytes = 4 << 20
	// sampleBytes bounds what a sample reads of one table, however wide its rows.
	sampleBytes = 256 << 20
	// usualRow is the row that is assumed where the statistics know none.
	usualRow = 100
)

// piece is a part of a relation that one statement reads.
type piece struct {
	t          *table
	r          *relation
	blocks     bool  // [first, end) of the relation's blocks; else all, or its sample
	first, end int64 // end 0: to the end, wherever that is
	bytes      int64
	rows       int64 // by the statistics
}

// where is the piece as a condition; empty is the whole relation.
func (p piece) where() string {
	if !p.blocks {
		return ""
	}
	w := fmt.Sprintf("%s.ctid >= '(%d,0)'::pg_catalog.tid", row, p.first)
	if p.end > 0 {
		w += fmt.Sprintf(" AND %s.ctid < '(%d,0)'::pg_catalog.tid", row, p.end)
	}
	return w
}

func (p piece) event(id int64) event.Part {
	e := event.Part{ID: id, Table: p.t.tr.Source.String(), Range: "whole", Bytes: p.bytes}
	if p.r.name != p.t.tr.Source {
		e.Relation = p.r.name.String()
	}
	switch {
	case p.blocks && p.first == 0 && p.end == 0:
	case p.blocks && p.end > 0:
		e.Range = fmt.Sprintf("blocks %d-%d", p.first, p.end-1)
	case p.blocks:
		e.Range = fmt.Sprintf("blocks %d to the end", p.first)
	case p.r.sample > 0:
		e.Range = "sample"
	}
	return e
}

// halves cuts a piece that took too long.
func (p piece) halves() []piece {
	end := p.end
	if end == 0 {
		end = p.r.size.Heap / max(p.r.size.Block, 1)
	}
	if !p.blocks || end-p.first < 2 {
		return nil
	}
	middle := p.first + (end-p.first)/2
	a, b := p, p
	a.end, b.first = middle, middle
	a.bytes, b.bytes = p.bytes/2, p.bytes-p.bytes/2
	a.rows, b.rows = p.rows/2, p.rows-p.rows/2
	return []piece{a, b}
}

// measure reads the sizes of all relations.
func measure(ctx context.Context, conn *pgx.Conn, tables []*table) error {
	var schemas, names []string
	var all []*relation
	for _, t := range tables {
		for _, r := range t.relations {
			schemas, names, all = append(schemas, r.name.Schema), append(names, r.name.Name), append(all, r)
		}
	}
	rows, err := conn.Query(ctx, relationsSQL, schemas, names)
	if err != nil {
		return fmt.Errorf("reading table sizes: %w", err)
	}
	sizes, err := pgx.CollectRows(rows, pgx.RowToStructByPos[size])
	if err != nil {
		return fmt.Errorf("reading table sizes: %w", err)
	}
	for _, s := range sizes {
		r := all[s.Ord-1]
		r.size, r.known = s, s.Readable
	}
	return nil
}

// cut makes pieces of a table and says which rows nobody will see.
func cut(p Params, t *table, major int) []piece {
	var out []piece
	var unread []string
	for _, r := range t.relations {
		if !r.known {
			unread = append(unread, r.name.String())
			t.partial = true
			continue
		}
		out = append(out, cutRelation(p, t, r, major)...)
	}
	if len(unread) > 0 {
		t.why = "no right to SELECT from " + strings.Join(unread, ", ") + ", or it is gone"
	}
	t.left = len(out)
	return out
}

func cutRelation(p Params, t *table, r *relation, major int) []piece {
	weight := r.size.Heap + r.size.Toast
	heap := r.size.Kind == "r" && r.size.Method == "heap"
	blocks := r.size.Heap / max(r.size.Block, 1)
	rows := float64(r.size.Tuples)
	if r.size.Tuples < 0 || r.size.Tuples == 0 && blocks > 0 {
		rows = float64(weight) / usualRow
	}
	if p.Mode == Sample && heap && blocks > 1 {
		share := min(float64(p.SampleRows)/max(rows, 1), sampleBytes/float64(max(weight, 1)))
		if (weight > wholeBytes || rows > float64(p.SampleRows)) && share < 1 {
			r.sample = max(share*100, 0.0001)
			return []piece{{t: t, r: r, bytes: int64(float64(weight) * share), rows: int64(rows * share)}}
		}
	}
	most := int64(pieceBytes)
	if p.Rate.Bytes > 0 {
		most = min(most, max(leastBytes, p.Rate.Bytes/2))
	}
	if p.Rate.Rows > 0 && rows > 0 {
		most = min(most, max(leastBytes, int64(float64(weight)/rows*float64(p.Rate.Rows)/2)))
	}
	if major < 14 || !heap || !r.size.Ranges { // each range would read the whole, or may not be asked for
		return []piece{{t: t, r: r, bytes: weight, rows: int64(rows)}}
	}
	n := max(min((weight+most-1)/most, blocks), 1)
	out := make([]piece, 0, n)
	for i := range n {
		next := piece{t: t, r: r, blocks: true, first: blocks * i / n, end: blocks * (i + 1) / n, bytes: weight / n, rows: int64(rows) / n}
		out = append(out, next)
	}
	// What was written since lies behind, and is not in the snapshot; the last
	// piece is open all the same, so that no size needs to be right.
	out[n-1].end = 0
	return out
}

func major(conn *pgx.Conn) int { return dial.Major(conn.PgConn()) }
