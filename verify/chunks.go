package verify

import (
	"cmp"
	"slices"
	"strings"

	"github.com/pg2db9/pg2db9/internal/dial/quote"
)

const (
	heldBytes   = 24 << 20 // of the source's rows that all jobs hold together, where Params.Hold does not say
	leastHeld   = 2 << 20  // that one chunk may hold
	heldRowCost = 256      // bytes that a held row takes beside its text
	mostRanges  = 64       // of one statement
	mostPasses  = 8        // how often one table, or one range, is read for rows that do not fit at once
)

// keyRange is a range of a key's first column, [low, high); nil is open.
type keyRange struct{ low, high *uint64 }

// chunk is what is read of both sides at once for the rows that differ in it.
type chunk struct {
	comparison *comparison
	number     int // among the table's
	ranges     []keyRange
	buckets    []bool // of the whole table's: those whose rows are looked at; nil is all that is read
	part, of   uint64 // of the keys' hashes: those that are part modulo of; of 0 is all
	rows       int64  // expected of one side

	keys  map[string]bool          // those of the rows that are looked at; nil is all
	byKey [][]byte                 // the same: they are asked for, and nothing else
	then  func(*chunkResult) error // takes what was found; nil is the table's
}

// wants says whether a row is looked at.
func (k *chunk) wants(bucket int, slot uint64) bool {
	if k.buckets != nil && !k.buckets[bucket] {
		return false
	}
	return k.of == 0 || slot%k.of == k.part
}

// planChunks cuts the buckets of a table that differ, with deep all of them, into
// chunks that fit into memory. unread are the rows in those that differ and would
// take too many reads, summed those in others: of them only the sums are compared.
func planChunks(c *comparison, deep bool, budget int64) (chunks []*chunk, unread, summed int64) {
	d := c.differences
	rowCost := heldRowCost + c.bytes/max(1, int64(c.source.Rows+c.target.Rows)) //nolint:gosec // rows of a table
	fit := max(1, budget/min(rowCost, wholeRow))
	var wanted []int
	for i := range d.sums {
		if (deep || d.differ(i)) && d.source[i]+d.target[i] > 0 {
			wanted = append(wanted, i)
		}
	}
	if !c.buckets.ranged() { // which are not next to each other anyway: those that differ first
		slices.SortStableFunc(wanted, func(a, b int) int { return order(d.differ(b), d.differ(a)) })
	}
	rowsOf := func(i int) int64 { return int64(max(d.source[i], d.target[i])) }
	add := func(k *chunk) {
		k.comparison, k.number = c, len(chunks)
		chunks = append(chunks, k)
	}
	for at := 0; at < len(wanted); {
		k := &chunk{}
		if !c.buckets.ranged() {
			k.buckets = make([]bool, c.buckets.count)
		}
		last := k.buckets != nil && len(chunks) >= mostPasses
		for first := at; at < len(wanted); at++ {
			i := wanted[at]
			switch {
			case last && d.differ(i):
				unread += rowsOf(i)
				continue
			case last:
				summed += rowsOf(i)
				continue
			}
			if at > first && (k.rows+rowsOf(i) > fit || len(k.ranges) >= mostRanges && !follows(k, c, i)) {
				break
			}
			k.rows += rowsOf(i)
			k.take(c, i)
		}
		if last {
			break
		}
		// A bucket of hashes has more rows than others only where they are equal.
		if k.rows <= fit || k.buckets != nil {
			add(k)
			continue
		}
		passes := uint64((k.rows + fit - 1) / fit) //nolint:gosec // positive
		for part := range min(passes, mostPasses) {
			piece := *k
			piece.part, piece.of, piece.rows = part, passes, k.rows/int64(passes) //nolint:gosec // few
			add(&piece)
		}
		if passes > mostPasses {
			unread += k.rows / int64(passes) * int64(passes-mostPasses) //nolint:gosec // few
		}
	}
	return chunks, unread, summed
}

func order(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// follows says whether a bucket is next to the chunk's last range.
func follows(k *chunk, c *comparison, bucket int) bool {
	last := k.ranges[len(k.ranges)-1]
	return bucket > 0 && last.high != nil && *last.high == c.buckets.borders[bucket-1]
}

// take adds a bucket.
func (k *chunk) take(c *comparison, bucket int) {
	b := c.buckets
	if k.buckets != nil {
		k.buckets[bucket] = true
		return
	}
	var r keyRange
	if bucket > 0 {
		r.low = &b.borders[bucket-1]
	}
	if bucket < len(b.borders) {
		r.high = &b.borders[bucket]
	}
	if len(k.ranges) > 0 && follows(k, c, bucket) {
		k.ranges[len(k.ranges)-1].high = r.high
		return
	}
	k.ranges = append(k.ranges, r)
}

// whole says whether the chunk's ranges are all that there is.
func (k *chunk) whole() bool {
	if len(k.byKey) > 0 {
		return false
	}
	return len(k.ranges) == 0 || slices.ContainsFunc(k.ranges, func(r keyRange) bool { return r.low == nil && r.high == nil })
}

// condition is the condition for the chunk's rows on a side; empty is all.
func (k *chunk) condition(target bool) string {
	switch {
	case k.whole():
		return ""
	case len(k.byKey) > 0:
		return k.keyCondition(target)
	case target:
		return k.where(k.comparison.targetColumn())
	}
	return k.where(k.comparison.sourceColumn())
}

// where is the condition for the chunk's ranges on a column. The last range has
// the rows that break the key's NOT NULL, too.
func (k *chunk) where(column string) string {
	if k.whole() {
		return ""
	}
	parts := make([]string, len(k.ranges))
	for i, r := range k.ranges {
		parts[i] = r.where(k.comparison.buckets.form, column)
	}
	return "(" + strings.Join(parts, " OR ") + ")"
}

func (r keyRange) where(form *keyForm, column string) string {
	switch {
	case r.low == nil:
		return column + " < " + strings.TrimSpace(form.literal(*r.high))
	case r.high == nil:
		return "(" + column + " >= " + strings.TrimSpace(form.literal(*r.low)) + " OR " + column + " IS NULL)"
	}
	return "(" + column + " >= " + strings.TrimSpace(form.literal(*r.low)) + " AND " + column + " < " + strings.TrimSpace(form.literal(*r.high)) + ")"
}

// sourceColumn and targetColumn are the column that ranges are of, quoted.
func (c *comparison) sourceColumn() string {
	return quote.Ident(c.transfer.Columns[c.buckets.first].Source)
}

func (c *comparison) targetColumn() string {
	return quote.Ident(c.transfer.Columns[c.buckets.first].Target)
}

// budget is how many bytes of rows one of the run's jobs may hold.
func (v *run) budget() int64 { return max(cmp.Or(v.p.Hold, heldBytes)/int64(v.p.Jobs), leastHeld) }
