package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
)

const (
	oneBucket     = 256 << 10 // bytes of heap and TOAST below which a table has no buckets
	sampleBlocks  = 2000      // of a table, whose keys say where borders are
	sampleRows    = 3         // of a block
	densityBlocks = 16        // of which all rows are counted
	mostTuples    = 291       // rows that 8 KiB can hold
	leastRow      = 32        // bytes that a row takes, where no sample says how many there are
	samplesAKnot  = 16
	mostKnots     = 256
	sampleTimeout = 30 * time.Second
)

// chooseAllBuckets decides it for many tables, as many at once as there are jobs:
// each asks the source for some of its keys.
func (v *run) chooseAllBuckets(ctx context.Context, list []*comparison) {
	work := make([]func() error, len(list))
	for i, c := range list {
		work[i] = func() error {
			v.chooseBuckets(ctx, c)
			return nil
		}
	}
	if err := v.atOnce(ctx, work); err != nil { // a context that ended: those that were left have one bucket
		for _, c := range list {
			if c.buckets == nil && v.p.Level.has(LevelRows) {
				c.buckets = &bucketing{count: 1, keys: keyFields(c.transfer)}
				c.differences = newBucketDifference(1)
			}
		}
	}
}

// chooseBuckets decides how the rows of a table are put into buckets.
func (v *run) chooseBuckets(ctx context.Context, c *comparison) {
	if v.p.Level.has(LevelRows) {
		c.buckets = v.bucketsOf(ctx, c.transfer)
		c.differences = newBucketDifference(c.buckets.count)
	}
}

func (v *run) bucketsOf(ctx context.Context, t *ddlgen.Transfer) *bucketing {
	b := &bucketing{count: 1, keys: keyFields(t)}
	bytes := v.sourceBytes(t)
	form, column := v.rangedBy(t, b)
	if form != nil {
		b.first = column
	}
	if bytes < oneBucket {
		b.form = form
		return b
	}
	rows := bytes / leastRow
	s := &keySample{v: v, transfer: t}
	if form != nil {
		s.column, s.form = t.Columns[column].Select, form
	}
	if err := s.read(ctx); err != nil {
		v.p.Log.DebugContext(ctx, "the keys of a table were not sampled", "table", t.Source, "error", err)
		form = nil
	} else if s.rows > 0 {
		rows = s.rows
	}
	b.count = int(min(max(rows/bucketRows, 1), mostBuckets))
	if form == nil || b.count == 1 {
		b.form = form
		return b
	}
	b.stored = s.stored()
	borders := s.borders(b.count)
	if len(borders) < b.count/2 { // a first column of few values: ranges of it would be large
		return b
	}
	b.setRanges(form, column, borders)
	return b
}

// keyFields are the key's places in a row, ascending. None is a table without a
// key, or with one that does not travel.
func keyFields(t *ddlgen.Transfer) []int {
	var fields []int
	for _, name := range t.Key {
		i := slices.IndexFunc(t.Columns, func(c ddlgen.ColumnTransfer) bool { return c.Target == name })
		if i < 0 {
			return nil
		}
		fields = append(fields, i)
	}
	slices.Sort(fields)
	return fields
}

// rangedBy is the form of the key's first column, and its place, where both
// sides have the same order of it and read it as it is.
func (v *run) rangedBy(t *ddlgen.Transfer, b *bucketing) (*keyForm, int) {
	if len(b.keys) == 0 {
		return nil, 0
	}
	i := slices.IndexFunc(t.Columns, func(c ddlgen.ColumnTransfer) bool { return c.Target == t.Key[0] })
	c := t.Columns[i]
	found := v.found[t.Target]
	if c.Select != quote.Ident(c.Source) || c.ReadBack != quote.Ident(c.Target) || c.SourceType == nil || found == nil {
		return nil, 0
	}
	at := found.column(c.Target)
	if at < 0 || c.SourceType.Array || c.SourceType.Kind != catalog.KindBase {
		return nil, 0
	}
	source, target := formOf(c.SourceType.Text), formOf(found.columns[at].Type)
	if source == nil || source != target {
		return nil, 0
	}
	return source, i
}

// keySample is what a look at some rows of the source says of a key.
type keySample struct {
	v        *run
	transfer *ddlgen.Transfer
	column   string   // SQL; empty: the number of rows alone
	form     *keyForm // of it

	rows int64 // estimated
	at   []samplePoint
}

type samplePoint struct {
	at     uint64
	weight float64
}

// read looks at blocks that are evenly spread over the table: whichever way the
// key goes with the order of the rows, its quantiles are in them.
func (s *keySample) read(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, sampleTimeout, errors.New("looking at some keys took too long"))
	defer cancel()
	relations := s.transfer.Relations
	each := max(4, sampleBlocks/max(1, len(relations)))
	for _, r := range relations {
		size := s.v.sourceSizes[r]
		if size.block <= 0 || size.heap < size.block {
			continue
		}
		if err := s.readRelation(ctx, r, size.heap/size.block, each); err != nil {
			return err
		}
	}
	return nil
}

func (s *keySample) readRelation(ctx context.Context, relation catalog.Name, blocks int64, each int) error {
	where := s.transfer.WhereOf(relation)
	counted := spread(blocks, min(each, densityBlocks))
	sql := "SELECT pg_catalog.count(*)" + from(relation, where, tids(counted, mostTuples))
	if s.column != "" {
		sql += ";SELECT " + s.column + from(relation, where, tids(spread(blocks, each), sampleRows))
	}
	session, err := s.v.source.get(ctx)
	if err != nil {
		return err
	}
	results, err := session.conn.PgConn().Exec(ctx, sql).ReadAll()
	if err != nil {
		s.v.source.drop(session)
		return fmt.Errorf("sampling %s: %w", relation, err)
	}
	s.v.source.put(session)
	if len(results) == 0 || len(results[0].Rows) != 1 {
		return fmt.Errorf("%w: a sample of %s", errProtocol, relation)
	}
	rows := int64(max(0, number(results[0].Rows[0][0]))) * blocks / int64(len(counted))
	s.rows += rows
	if len(results) < 2 || len(results[1].Rows) == 0 {
		return nil
	}
	weight := float64(rows) / float64(len(results[1].Rows))
	for _, row := range results[1].Rows {
		value := row[0]
		if strings.HasPrefix(string(value), `\x`) { // as COPY writes it
			value = append([]byte(`\`), value...)
		}
		if at, ok := s.form.position(value); ok {
			s.at = append(s.at, samplePoint{at, weight})
		}
	}
	return nil
}

// storedShare is how many of a sample's neighbours must be in the key's order, of
// those of a table that is stored in it.
const storedShare = 0.9

// stored says whether the rows stand in the order of the key, as far as the
// sample tells: then a range of the key is read from blocks that are together.
func (s *keySample) stored() bool {
	up := 0
	for i := 1; i < len(s.at); i++ {
		if s.at[i-1].at <= s.at[i].at {
			up++
		}
	}
	return float64(up) >= storedShare*float64(len(s.at)-1)
}

func from(relation catalog.Name, where, tids string) string {
	return " FROM ONLY " + quote.Name(relation.Schema, relation.Name) + " WHERE " + both("ctid = ANY ("+tids+")", where)
}

// spread are at most n numbers of blocks, the first and the last among them.
func spread(blocks int64, n int) []int64 {
	count := min(blocks, int64(n))
	list := make([]int64, count)
	for i := range list {
		list[i] = int64(i) * (blocks - 1) / max(1, count-1)
	}
	return list
}

// tids are the first rows of blocks, in SQL.
func tids(blocks []int64, rows int) string {
	var b strings.Builder
	b.WriteString("'{")
	for i, block := range blocks {
		for row := 1; row <= rows; row++ {
			if i > 0 || row > 1 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, `"(%d,%d)"`, block, row)
		}
	}
	b.WriteString("}'::pg_catalog.tid[]")
	return b.String()
}

// borders cut the key into n ranges of about as many rows each: between
// quantiles of the sample by equal widths. They are distinct and ascending, and
// may be fewer.
func (s *keySample) borders(n int) []uint64 {
	if len(s.at) == 0 {
		return nil
	}
	slices.SortFunc(s.at, func(a, b samplePoint) int {
		switch {
		case a.at < b.at:
			return -1
		case a.at > b.at:
			return 1
		}
		return 0
	})
	knots := min(mostKnots, len(s.at)/samplesAKnot+1)
	var total float64
	for _, p := range s.at {
		total += p.weight
	}
	low, begin := s.at[0].at, 0.0 // of the stretch between two knots
	var sum float64
	borders := make([]uint64, 0, n)
	next := 1 // the border that comes next is at next/n of the rows
	for i, p := range s.at {
		sum += p.weight
		if p.at == low || sum-begin < total/float64(knots) && i+1 < len(s.at) {
			continue // where many rows have one value, the stretch grows
		}
		for ; next < n; next++ {
			share := (total*float64(next)/float64(n) - begin) / (sum - begin)
			if share > 1 {
				break
			}
			// Not beyond the end of the stretch, whatever the rounding: a form may have no literal there.
			border := min(low+uint64(share*float64(p.at-low))+1, p.at)
			if len(borders) == 0 || border > borders[len(borders)-1] {
				borders = append(borders, border)
			}
		}
		low, begin = p.at, sum
	}
	return borders
}
