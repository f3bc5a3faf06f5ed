package copier

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
)

const (
	blocksPerPart = 64     // blocks of a sample for each part
	blocksOfTOAST = 256    // and where TOAST is most of a table: few blocks may hold most of it
	mostBlocks    = 32_768 // of a sample: 256 MB
	mostForKeys   = 8192   // of a sample whose rows are sorted
	keysPerPart   = 16     // values that a part is cut at, the first time or later
	rowWeight     = 64     // bytes: what a row costs, however short it is
)

// sample is the look at some rows of one relation.
type sample struct {
	transfer *ddlgen.Transfer
	relation catalog.Name
	size     relationSize
	number   int // of the relation in the plan
	parts    int // that it is to be cut into
	key      *uniqueKey
}

func (s *sample) table() string { return quote.Name(s.relation.Schema, s.relation.Name) }

// weight is an SQL expression of what a row weighs, in bytes as they are stored.
// Values in TOAST are not fetched for it.
func (s *sample) weight() string {
	w := fmt.Sprint(rowWeight)
	for _, c := range s.transfer.Columns {
		if c.Source != "" && !c.Computed {
			w += " + coalesce(pg_catalog.pg_column_size(" + quote.Ident(c.Source) + "), 0)"
		}
	}
	return w
}

// blocksSQL weighs every so manieth block: evenly spread ones tell more than
// chosen ones where weight lies in lumps.
func (s *sample) blocksSQL(blocks, step int64) string {
	rows := ""
	if w := s.transfer.WhereOf(s.relation); w != "" {
		rows = " AND " + w
	}
	return fmt.Sprintf(`SELECT pg2db9_at.pg2db9_block, coalesce(pg2db9_row.weight, 0)::double precision
  FROM pg_catalog.generate_series(0, %d::bigint, %d) AS pg2db9_at(pg2db9_block)
 CROSS JOIN LATERAL (SELECT pg_catalog.sum(%s) AS weight FROM ONLY %s
  WHERE ctid >= ('(' || pg2db9_at.pg2db9_block || ',0)')::pg_catalog.tid AND ctid < ('(' || pg2db9_at.pg2db9_block + 1 || ',0)')::pg_catalog.tid%s) AS pg2db9_row
 ORDER BY 1`, blocks-1, step, s.weight(), s.table(), rows)
}

// weighBlocks finds out how the weight lies in a relation's blocks; nil where
// that cannot be known.
func (s *sample) weighBlocks(ctx context.Context, conn *pgx.Conn) (scale, error) {
	blocks := s.size.blocks()
	per := int64(blocksPerPart)
	if s.size.Toast > s.size.Heap {
		per = blocksOfTOAST
	}
	step := max(1, blocks/min(per*int64(s.parts), mostBlocks))
	along := &sampledBlocks{evenBlocks: evenBlocks{end: blocks, open: true}}
	known, err := aside(ctx, conn, func() error {
		rows, err := conn.Query(ctx, s.blocksSQL(blocks, step))
		if err != nil {
			return err
		}
		var block int64
		var weight, total float64
		_, err = pgx.ForEachRow(rows, []any{&block, &weight}, func() error {
			total += weight
			along.blocks, along.upto = append(along.blocks, block), append(along.upto, total)
			return nil
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("looking at the rows of %s: %w", s.relation, err)
	}
	if !known || len(along.upto) == 0 || along.upto[len(along.upto)-1] == 0 {
		return nil, nil //nolint:nilnil // blocks are taken to weigh the same
	}
	return along, nil
}

// rowsSQL gives keys of rows with their weights, out of randomly chosen blocks.
func (s *sample) rowsSQL() string {
	columns := make([]string, len(s.key.columns))
	for i, c := range s.key.columns {
		columns[i] = fmt.Sprintf("%s AS k%d", keyColumn(s.relation.Name, c), i)
	}
	want := min(blocksPerPart*int64(s.parts), mostForKeys)
	percent := min(100, 100*float64(want)/float64(max(s.size.blocks(), 1)))
	where := ""
	if w := s.transfer.WhereOf(s.relation); w != "" {
		where = " WHERE " + w
	}
	return fmt.Sprintf("SELECT %s, (%s)::bigint AS w FROM ONLY %s TABLESAMPLE SYSTEM (%g) REPEATABLE (1)%s",
		strings.Join(columns, ", "), s.weight(), s.table(), percent, where)
}

// statsSQL gives values of the key's first column by what the last ANALYZE saw,
// for relations that cannot be sampled.
func (s *sample) statsSQL() string {
	value := func(v string) string { return "(" + v + ")::" + s.key.types[0] + collate(s.key.collations[0]) }
	return fmt.Sprintf(`SELECT %s AS k0, v.w::bigint AS w
  FROM pg_catalog.pg_stats st
 CROSS JOIN LATERAL (
       SELECT m.v, 1000000 * m.f AS w FROM ROWS FROM (pg_catalog.unnest(st.most_common_vals::text::text[]), pg_catalog.unnest(st.most_common_freqs)) AS m(v, f)
       UNION ALL
       SELECT h.v, 1000000.0 * greatest(0, 1 - coalesce((SELECT pg_catalog.sum(f) FROM pg_catalog.unnest(st.most_common_freqs) f), 0)) / pg_catalog.array_length(st.histogram_bounds::text::text[], 1)
         FROM pg_catalog.unnest(st.histogram_bounds::text::text[]) AS h(v)) v
 WHERE st.schemaname = %s AND st.tablename = %s AND st.attname = %s AND NOT st.inherited`,
		value("v.v"), quote.Literal(s.relation.Schema), quote.Literal(s.relation.Name), quote.Literal(s.key.columns[0]))
}

func collate(collation string) string {
	if collation == "" {
		return ""
	}
	return " COLLATE " + collation
}

// bordersSQL takes the keys of so many rows, of whatever query gives them, that
// cut their weight into equal pieces. The server orders them: it alone knows how.
func (s *sample) bordersSQL(rows string, columns int) string {
	keys, texts := make([]string, columns), make([]string, columns)
	for i := range keys {
		keys[i] = fmt.Sprintf("k%d", i)
		texts[i] = keys[i] + "::text"
	}
	k := strings.Join(keys, ", ")
	pieces := max(keysPerPart*s.parts, 2)
	return fmt.Sprintf(`WITH s AS (%[1]s),
     c AS (SELECT %[2]s, pg_catalog.sum(w) OVER (ORDER BY %[2]s) - w AS below, pg_catalog.sum(w) OVER () AS total FROM s),
     b AS (SELECT %[2]s, pg_catalog.floor(below * %[3]d / greatest(total, 1)) AS piece FROM c)
SELECT DISTINCT ON (b.piece) (b.piece / %[3]d)::double precision, ARRAY[%[4]s]
  FROM b
 ORDER BY b.piece, %[2]s`, rows, k, pieces, strings.Join(texts, ", "))
}

// weighKeys finds values that a relation's key can be cut at; nil where there are
// none. What is sampled is tried first, then what the last ANALYZE saw.
func (s *sample) weighKeys(ctx context.Context, conn *pgx.Conn) (scale, error) {
	for _, from := range []struct {
		rows    string
		columns int
	}{{s.rowsSQL(), len(s.key.columns)}, {s.statsSQL(), 1}} {
		along := &sampledKeys{key: s.key}
		known, err := aside(ctx, conn, func() error {
			rows, err := conn.Query(ctx, s.bordersSQL(from.rows, from.columns))
			if err != nil {
				return err
			}
			var share float64
			var values []string
			if _, err = pgx.ForEachRow(rows, []any{&share, &values}, func() error {
				along.add(share, values)
				return nil
			}); err != nil {
				return err
			}
			return along.prove(ctx, conn)
		})
		if err != nil {
			return nil, fmt.Errorf("looking at the keys of %s: %w", s.relation, err)
		}
		if known && len(along.values) > 0 {
			return along, nil
		}
	}
	return nil, nil //nolint:nilnil // it is read whole
}

// add takes a value of the key. One that is not UTF-8 (of a SQL_ASCII database)
// cannot be kept in the ledger.
func (s *sampledKeys) add(share float64, values []string) {
	for _, v := range values {
		if !utf8.ValidString(v) {
			return
		}
	}
	s.values, s.shares = append(s.values, append([]string(nil), values...)), append(s.shares, share)
}

// prove keeps only values that the source itself calls greater than the one
// before, compared as the ranges are: between borders in any other order, rows
// would be read twice or not at all.
func (s *sampledKeys) prove(ctx context.Context, conn *pgx.Conn) error {
	for again := true; again; {
		again = false
		kept := &sampledKeys{key: s.key}
		for from := 0; from < len(s.values); from += pairsAtOnce {
			to := min(from+pairsAtOnce, len(s.values)-1)
			greater := []bool{}
			if to > from {
				if err := conn.QueryRow(ctx, s.ascendSQL(from, to)).Scan(&greater); err != nil {
					return err
				}
			}
			if from == 0 {
				kept.add(s.shares[0], s.values[0])
			}
			for i, ok := range greater {
				if again = again || !ok; ok {
					kept.add(s.shares[from+i+1], s.values[from+i+1])
				}
			}
		}
		*s = *kept
	}
	return nil
}

// pairsAtOnce is how many pairs of values one statement compares.
const pairsAtOnce = 500

// ascendSQL says of each value from one position to another whether the next is
// greater.
func (s *sampledKeys) ascendSQL(from, to int) string {
	row := func(values []string) string {
		typed := make([]string, len(values))
		for i, v := range values {
			typed[i] = strings.TrimSpace(quote.Literal(v)) + "::" + s.key.types[i] + collate(s.key.collations[i])
		}
		return "ROW(" + strings.Join(typed, ", ") + ")"
	}
	pairs := make([]string, 0, to-from)
	for i := from; i < to; i++ {
		pairs = append(pairs, row(s.values[i])+" < "+row(s.values[i+1]))
	}
	return "SELECT ARRAY[" + strings.Join(pairs, ", ") + "]"
}
