package verify

import (
	"context"
	_ "embed" // queries
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
)

//go:embed queries/sizes.sql
var sizesSQL string

const (
	leastPart    = 16 << 20 // bytes of heap and TOAST below which a table is not split
	mostPart     = 1 << 30  // bytes that one read takes at most
	partsPerJob  = 8        // so that jobs end together
	tidScanSince = 14       // the major that reads a range of blocks without reading the others
)

// size is what a table takes on a server, in bytes.
type size struct {
	heap, toast, block int64
}

type sizeRow struct {
	Schema string `db:"schema_name"`
	Table  string `db:"table_name"`
	Heap   int64  `db:"heap_bytes"`
	Toast  int64  `db:"toast_bytes"`
	Block  int64  `db:"block_bytes"`
}

// readSizes reads the sizes of the schemas' heaps, with one query.
func readSizes(ctx context.Context, conn *pgx.Conn, schemas []string) (map[catalog.Name]size, error) {
	rows, err := conn.Query(ctx, sizesSQL, pgx.QueryExecModeSimpleProtocol, schemas)
	if err != nil {
		return nil, fmt.Errorf("reading the sizes of tables: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[sizeRow])
	if err != nil {
		return nil, fmt.Errorf("reading the sizes of tables: %w", err)
	}
	sizes := make(map[catalog.Name]size, len(list))
	for _, r := range list {
		sizes[catalog.Name{Schema: r.Schema, Name: r.Table}] = size{r.Heap, r.Toast, r.Block}
	}
	return sizes, nil
}

// part is one read of a table: the whole, or a range of its blocks.
type part struct {
	where string // SQL condition; empty is the whole
	label string // "whole", "blocks 0-8191"
	bytes int64  // estimated
}

// partBytes is how large a part may be, when total bytes are read by so many jobs.
func partBytes(total int64, jobs int) int64 {
	return min(max(total/int64(jobs*partsPerJob), leastPart), mostPart)
}

// cut splits a table into ranges of blocks of about limit bytes each. The last
// range is open: blocks that were added since the size was read are in it.
func cut(s size, major int, limit int64) []part {
	total := s.heap + s.toast
	whole := []part{{label: "whole", bytes: total}}
	if major < tidScanSince || s.block <= 0 {
		return whole
	}
	blocks := s.heap / s.block
	n := min((total+limit-1)/limit, blocks)
	if n < 2 {
		return whole
	}
	step := (blocks + n - 1) / n
	var parts []part
	for first := int64(0); first < blocks; first += step {
		p := part{bytes: total / n}
		switch end := first + step; {
		case end >= blocks:
			p.where = fmt.Sprintf("ctid >= '(%d,0)'::pg_catalog.tid", first)
			p.label = fmt.Sprintf("blocks from %d", first)
		default:
			p.where = fmt.Sprintf("ctid >= '(%d,0)'::pg_catalog.tid AND ctid < '(%d,0)'::pg_catalog.tid", first, end)
			p.label = fmt.Sprintf("blocks %d-%d", first, end-1)
		}
		parts = append(parts, p)
	}
	return parts
}

// both joins two conditions, each of which may be empty.
func both(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + " AND " + b
}

// copySQL is the statement that reads expressions from a table. Without
// expressions each row is an empty line: a table without columns has rows too.
func copySQL(exprs []string, table catalog.Name, only bool, where string) string {
	var b strings.Builder
	b.WriteString("COPY (SELECT ")
	b.WriteString(strings.Join(exprs, ", "))
	b.WriteString(" FROM ")
	if only {
		b.WriteString("ONLY ")
	}
	b.WriteString(quote.Name(table.Schema, table.Name))
	if where != "" {
		b.WriteString(" WHERE ")
		b.WriteString(where)
	}
	b.WriteString(") TO STDOUT")
	return b.String()
}
