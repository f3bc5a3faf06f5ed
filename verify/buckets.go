package verify

import (
	"bytes"
	"math"
	"math/bits"
	"slices"

	"github.com/zeebo/xxh3"

	"github.com/pg2db9/pg2db9/verify/digest"
)

const (
	bucketRows  = 192    // rows that a bucket has, on average
	mostBuckets = 50_000 // of a table: beyond, buckets have more rows
)

// bucketing says which bucket of its table a row is in: the same on both sides,
// whatever the order in which rows are stored, partitions or collations.
type bucketing struct {
	keys    []int    // the key's fields, ascending; none is a table without a key
	first   int      // the field that ranges are of
	form    *keyForm // nil: buckets of the hash
	borders []uint64 // of ranges: bucket i is below borders[i] and not below the one before; the last is open
	count   int
	stored  bool // the source stores the rows in the order of the key, more or less

	// jump shortens the search for a border: those of positions whose distance
	// from the first, shifted, is i begin at jump[i].
	jump  []int32
	shift int
}

// jumps is how many stretches of equal width the borders are found by.
const jumps = 1 << 14

// setRanges makes the buckets ranges of the key's first column.
func (b *bucketing) setRanges(form *keyForm, first int, borders []uint64) {
	b.form, b.first, b.borders, b.count = form, first, borders, len(borders)+1
	if len(borders) < 2 {
		return
	}
	b.shift = max(0, bits.Len64(borders[len(borders)-1]-borders[0])-bits.Len64(jumps-1))
	b.jump = make([]int32, (borders[len(borders)-1]-borders[0])>>b.shift+2)
	at := 0
	for i := range b.jump {
		for at < len(borders) && int((borders[at]-borders[0])>>b.shift) < i { //nolint:gosec // below jumps
			at++
		}
		b.jump[i] = int32(at)
	}
}

// bucketOf is the number of borders that are not above a position.
func (b *bucketing) bucketOf(at uint64) int {
	n := len(b.borders)
	switch {
	case n == 0 || at < b.borders[0]:
		return 0
	case at >= b.borders[n-1]:
		return n
	}
	i := (at - b.borders[0]) >> b.shift
	low, high := int(b.jump[i]), int(b.jump[i+1])
	for low < high {
		if middle := int(uint(low+high) >> 1); b.borders[middle] <= at {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low
}

// ranged says whether buckets are ranges of the key.
func (b *bucketing) ranged() bool { return b.form != nil }

// bucketSums are what one read saw of each bucket: a sum of half the width of
// the table's, which decides; here it only says where to look.
type bucketSums struct {
	sums []uint64
	rows []uint32
}

func newBucketSums(n int) *bucketSums {
	return &bucketSums{sums: make([]uint64, n), rows: make([]uint32, n)}
}

// bucketTally puts the rows of one read into buckets.
type bucketTally struct {
	*bucketing
	*bucketSums
	at     int           // the bucket of the last row: the next is often in it
	key    []byte        // of a row whose key's fields are apart
	logged bool          // rows may have to be taken out again
	log    []bucketEntry // of those since keep
}

type bucketEntry struct {
	bucket int
	lo     uint64
}

// newBucketTally returns nil where there are no buckets.
func newBucketTally(b *bucketing) *bucketTally {
	if b == nil {
		return nil
	}
	return &bucketTally{bucketing: b, bucketSums: newBucketSums(b.count)}
}

// add takes a row in canonical form and its hash.
func (t *bucketTally) add(row []byte, lo uint64) { t.put(t.find(row, lo), lo) }

func (t *bucketTally) put(i int, lo uint64) {
	t.sums[i] += lo
	t.rows[i]++
	if t.logged {
		t.log = append(t.log, bucketEntry{i, lo})
	}
}

// attach lets a page's rows be counted by bucket; a nil bucketTally does nothing.
func (t *bucketTally) attach(page *tally) { page.into(t) }

// keep keeps the rows that came so far for good.
func (t *bucketTally) keep() error {
	if t != nil {
		t.log = t.log[:0]
	}
	return nil
}

func (t *bucketTally) most() int64 { return math.MaxInt64 }

// undo takes the rows out that came since keep.
func (t *bucketTally) undo() {
	if t == nil {
		return
	}
	for _, e := range t.log {
		t.sums[e.bucket] -= e.lo
		t.rows[e.bucket]--
	}
	t.log = t.log[:0]
}

// find is the bucket of a row in canonical form.
func (t *bucketTally) find(row []byte, lo uint64) int {
	switch {
	case t.count == 1:
		return 0
	case t.form != nil:
		at, ok := t.form.position(field(row, t.first))
		return t.bucketAt(at, ok)
	case len(t.keys) == 0:
		return t.ofHash(lo)
	}
	return t.ofHash(xxh3.Hash(t.keyOf(row)))
}

// bucketAt is the bucket of a position. What has none is in the last.
func (t *bucketTally) bucketAt(at uint64, ok bool) int {
	if !ok {
		return t.count - 1
	}
	if (t.at == len(t.borders) || at < t.borders[t.at]) && (t.at == 0 || at >= t.borders[t.at-1]) {
		return t.at
	}
	t.at = t.bucketOf(at)
	return t.at
}

func (b *bucketing) ofHash(hash uint64) int {
	hi, _ := bits.Mul64(hash, uint64(b.count)) //nolint:gosec // not negative
	return int(hi)                             //nolint:gosec // below count
}

// field is a field of a row in COPY TEXT form.
func field(row []byte, index int) []byte {
	for ; index > 0; index-- {
		tab := bytes.IndexByte(row, '\t')
		if tab < 0 {
			return nil
		}
		row = row[tab+1:]
	}
	if tab := bytes.IndexByte(row, '\t'); tab >= 0 {
		return row[:tab]
	}
	return row
}

// keyOf are the key's fields with tabs between them, valid until the next call.
func (t *bucketTally) keyOf(row []byte) []byte {
	t.key = t.appendKey(t.key[:0], row)
	return t.key
}

// appendKey appends the key's fields of a row in canonical form, with tabs
// between them.
func (b *bucketing) appendKey(dst, row []byte) []byte {
	at := 0
	for i, k := range b.keys {
		for ; at < k; at++ {
			tab := bytes.IndexByte(row, '\t')
			if tab < 0 {
				return dst
			}
			row = row[tab+1:]
		}
		if i > 0 {
			dst = append(dst, '\t')
		}
		end := bytes.IndexByte(row, '\t')
		if end < 0 {
			return append(dst, row...)
		}
		dst = append(dst, row[:end]...)
	}
	return dst
}

// longKey gathers the key of a row that comes in pieces.
type longKey struct {
	bucketing *bucketing
	key       []byte // as appendKey would give it
	first     []byte // the field that ranges are of, its begin
	at        int    // fields of the key begun
	fields    *digest.Fields
}

// mostFirst is how much of a field a position needs.
const mostFirst = 64

func newLongKey(b *bucketing, canon *digest.RowCanon) *longKey {
	k := &longKey{bucketing: b}
	k.fields = digest.NewFields(canon, k.take)
	return k
}

func (k *longKey) take(index int, piece []byte) {
	if k.bucketing.form != nil && index == k.bucketing.first {
		k.first = append(k.first, piece[:min(len(piece), mostFirst-len(k.first))]...)
	}
	at, found := slices.BinarySearch(k.bucketing.keys, index)
	if !found {
		return
	}
	if at >= k.at { // its first piece
		if at > 0 {
			k.key = append(k.key, '\t')
		}
		k.at = at + 1
	}
	k.key = append(k.key, piece...)
}

func (k *longKey) reset() {
	k.key, k.first, k.at = k.key[:0], k.first[:0], 0
}

// addLong is add for a row that came in pieces.
func (t *bucketTally) addLong(k *longKey, lo uint64) {
	k.fields.Finish()
	i := t.findLong(k, lo)
	k.reset()
	t.put(i, lo)
}

func (t *bucketTally) findLong(k *longKey, lo uint64) int {
	switch {
	case t.count == 1:
		return 0
	case t.form != nil:
		at, ok := t.form.position(k.first)
		return t.bucketAt(at, ok)
	case len(t.keys) == 0:
		return t.ofHash(lo)
	}
	return t.ofHash(xxh3.Hash(k.key))
}

// bucketDifference is what both sides have in each bucket.
type bucketDifference struct {
	sums           []uint64 // the source's less the target's
	source, target []uint32 // rows
}

func newBucketDifference(n int) *bucketDifference {
	return &bucketDifference{sums: make([]uint64, n), source: make([]uint32, n), target: make([]uint32, n)}
}

func (d *bucketDifference) add(s *bucketSums, target bool) {
	rows := d.source
	if target {
		rows = d.target
	}
	for i, sum := range s.sums {
		if target {
			d.sums[i] -= sum
		} else {
			d.sums[i] += sum
		}
		rows[i] += s.rows[i]
	}
}

// differ says whether a bucket is not the same on both sides.
func (d *bucketDifference) differ(i int) bool {
	return d.sums[i] != 0 || d.source[i] != d.target[i]
}
