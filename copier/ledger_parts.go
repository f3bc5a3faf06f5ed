package copier

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/internal/dial/quote"
)

// rangeColumns are the columns of _pg2db9.part that say which rows a part holds.
const rangeColumns = "first_block, end_block, lower_key, upper_key"

// ledgerRange is the part's range as SQL literals, in the order of rangeColumns.
func (p Part) ledgerRange() [4]string {
	out := [4]string{"NULL", "NULL", "NULL", "NULL"}
	if p.Blocks {
		out[0] = strconv.FormatInt(p.First, 10)
		if p.End > 0 {
			out[1] = strconv.FormatInt(p.End, 10)
		}
	}
	if p.Keys != nil {
		if text, ok := boundText(p.Keys.Columns, p.Keys.Lower); ok {
			out[2] = quote.Literal(text)
		}
		if text, ok := boundText(p.Keys.Columns, p.Keys.Upper); ok {
			out[3] = quote.Literal(text)
		}
	}
	return out
}

// partRows is the statement that records parts.
func (l *ledger) partRows(parts []Part, taken string) string {
	var b strings.Builder
	b.WriteString("INSERT INTO _pg2db9.part (run, part, target_schema, target_name, relation_schema, relation_name, " + rangeColumns + ", bytes, taken, epoch, token) VALUES ")
	for i, p := range parts {
		if i > 0 {
			b.WriteString(", ")
		}
		r := p.ledgerRange()
		fmt.Fprintf(&b, "(%s, %d, %s, %s, %s, %s, %s, %d, %s, %d, '')", quote.Literal(l.run), p.ID,
			quote.Literal(p.Target.Schema), quote.Literal(p.Target.Name),
			quote.Literal(p.Relation.Schema), quote.Literal(p.Relation.Name), strings.Join(r[:], ", "), p.Bytes, quote.Literal(taken), firstEpoch)
	}
	b.WriteString(" ON CONFLICT DO NOTHING")
	return b.String()
}

// scanPart reads one row of parts.sql. The ledger knows a part by its target's
// name; the number of its transfer is not set.
func scanPart(row pgx.CollectableRow) (r recordedPart, err error) {
	p := &r.part
	var first, end *int64
	var lower, upper *string
	if err := row.Scan(&p.ID, &p.Target.Schema, &p.Target.Name, &p.Relation.Schema, &p.Relation.Name,
		&first, &end, &lower, &upper, &p.Bytes, &r.taken, &r.epoch, &r.failed); err != nil {
		return r, err
	}
	if first != nil {
		p.Blocks, p.First = true, *first
		if end != nil {
			p.End = *end
			p.cuts = &cuts{scale: evenBlocks{first: p.First, end: p.End}, from: p.First, to: p.End, high: 1}
		}
	}
	p.Keys, err = readRange(lower, upper)
	return r, err
}

// errPartTaken is a part that cannot be cut any more.
var errPartTaken = errors.New("a part that was not begun has another owner, or rows already: another process works on this run; let that one finish it")

// recut records, in one transaction, that parts which nobody has begun were cut
// further: each old one is narrowed to its first piece, the others are new parts.
// Whoever reads the ledger sees all of it or nothing. It may be repeated.
func (l *ledger) recut(ctx context.Context, narrowed []Part, claims []claim, added []Part, taken string) error {
	return l.do(ctx, "recording that parts were cut further", func(conn *pgx.Conn) error {
		if err := simple(ctx, conn, "BEGIN", "BEGIN", 'T'); err != nil {
			return err
		}
		for i, p := range narrowed {
			r := p.ledgerRange()
			tag, err := conn.Exec(ctx, fmt.Sprintf(`UPDATE _pg2db9.part SET first_block = %s, end_block = %s, lower_key = %s, upper_key = %s, bytes = %d
				WHERE run = $1 AND part = $2 AND epoch = $3
				  AND NOT EXISTS (SELECT 1 FROM _pg2db9.span s WHERE s.run = $1 AND s.part = $2)`, r[0], r[1], r[2], r[3], p.Bytes),
				l.run, p.ID, claims[i].epoch)
			if err == nil && tag.RowsAffected() != 1 {
				err = errPartTaken
			}
			if err != nil {
				_ = conn.Close(context.WithoutCancel(ctx)) // its transaction is open
				return err
			}
		}
		for i := 0; i < len(added); i += manyParts {
			if err := simple(ctx, conn, l.partRows(added[i:min(i+manyParts, len(added))], taken), "INSERT", 'T'); err != nil {
				return err
			}
		}
		return simple(ctx, conn, "COMMIT", "COMMIT", 'I')
	})
}

// manyParts is how many parts one statement records.
const manyParts = 500
