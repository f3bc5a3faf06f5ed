package verify

import (
	"bytes"

	"github.com/zeebo/xxh3"

	"github.com/pg2db9/pg2db9/verify/digest"
)

const (
	wholeRow   = 64 << 10 // bytes of a row above which its fields are held shortened
	fieldShort = 256      // bytes of a field that are held then
)

// row is a row in canonical form, held while it waits for its counterpart.
type row struct {
	hi, lo uint64 // its hash
	key    []byte // its key's fields with tabs between them
	text   []byte // the row itself; nil of one that is held shortened
	short  []shortField
}

// shortField is a field that is not held whole.
type shortField struct {
	begin  []byte
	length int64
	hi, lo uint64 // of the field
}

// size is what the row takes in memory, in bytes.
func (r *row) size() int {
	n := 160 + len(r.key) + len(r.text)
	for i := range r.short {
		n += 64 + len(r.short[i].begin)
	}
	return n
}

// cell is one field of a row.
type cell struct {
	text   []byte // in COPY TEXT form; of a field that is not held whole its begin
	length int64  // in bytes of COPY TEXT
	whole  bool
	hi, lo uint64 // of a field that is not held whole
}

func (c cell) null() bool { return c.whole && string(c.text) == digest.Null }

// equal compares two fields, whichever way they are held.
func (c cell) equal(o cell) bool {
	if c.whole && o.whole {
		return bytes.Equal(c.text, o.text)
	}
	a, b := c.hash(), o.hash()
	return c.length == o.length && a == b
}

func (c cell) hash() xxh3.Uint128 {
	if c.whole {
		return xxh3.Hash128(c.text)
	}
	return xxh3.Uint128{Hi: c.hi, Lo: c.lo}
}

// cells are the row's fields; n is how many columns its table has.
func (r *row) cells(n int) []cell {
	list := make([]cell, 0, n)
	if r.text == nil && r.short != nil {
		for _, f := range r.short {
			list = append(list, cell{text: f.begin, length: f.length, whole: int64(len(f.begin)) == f.length, hi: f.hi, lo: f.lo})
		}
		return list
	}
	rest := r.text
	for range n {
		end := bytes.IndexByte(rest, '\t')
		if end < 0 {
			end = len(rest)
		}
		list = append(list, cell{text: rest[:end], length: int64(end), whole: true})
		rest = rest[min(end+1, len(rest)):]
	}
	return list
}

// shorten holds the row's fields shortened.
func (r *row) shorten(n int) {
	for _, c := range r.cells(n) {
		h := c.hash()
		r.short = append(r.short, shortField{bytes.Clone(c.text[:min(len(c.text), fieldShort)]), c.length, h.Hi, h.Lo})
	}
	r.text = nil
}

// rowReader makes rows of a stream in COPY TEXT form, however it is cut into
// pieces, and hands each on. A row is valid until take returns.
type rowReader struct {
	canon   *digest.RowCanon
	buckets *bucketTally // for keys and, where only some are wanted, buckets
	take    func(r *row, bucket int) error

	sum   digest.Sum
	bytes int64

	hasher *digest.Hasher
	long   *longKey
	shorts *digest.Fields
	short  []shortField
	hash   *xxh3.Hasher // of the field under way
	open   bool
	now    row
}

func newRowReader(c *comparison, take func(r *row, bucket int) error) (*rowReader, error) {
	canon, err := digest.ForRow(c.canons)
	if err != nil {
		return nil, err
	}
	again, err := digest.ForRow(c.canons) // a canon has a buffer of its own
	if err != nil {
		return nil, err
	}
	r := &rowReader{canon: canon, buckets: &bucketTally{bucketing: c.buckets}, take: take, hasher: digest.NewHasher(canon), hash: xxh3.New()}
	r.long = newLongKey(c.buckets, again)
	r.shorts = digest.NewFields(canon, r.shortPiece)
	return r, nil
}

// write adds a piece of a stream of lines.
func (r *rowReader) write(piece []byte) error {
	r.bytes += int64(len(piece))
	for len(piece) > 0 {
		end := bytes.IndexByte(piece, '\n')
		if end < 0 {
			r.piece(piece)
			r.open = true
			return nil
		}
		var err error
		if r.open {
			r.piece(piece[:end])
			err = r.endRow()
		} else {
			err = r.row(piece[:end])
		}
		if err != nil {
			return err
		}
		piece = piece[end+1:]
	}
	return nil
}

// row takes a whole row, without its line end.
func (r *rowReader) row(line []byte) error {
	line = r.canon.Row(line)
	hi, lo := digest.Hash(line)
	r.sum.AddHash(hi, lo)
	r.now = row{hi: hi, lo: lo, key: r.buckets.keyOf(line), text: line}
	return r.take(&r.now, r.buckets.find(line, lo))
}

// piece takes a piece of a row that comes in several.
func (r *rowReader) piece(piece []byte) {
	r.hasher.Write(piece)
	r.long.fields.Write(piece)
	r.shorts.Write(piece)
}

func (r *rowReader) shortPiece(index int, piece []byte) {
	for len(r.short) <= index {
		r.endShort()
		r.short = append(r.short, shortField{})
		r.hash.Reset()
	}
	f := &r.short[index]
	f.begin = append(f.begin, piece[:min(len(piece), fieldShort-len(f.begin))]...)
	f.length += int64(len(piece))
	_, _ = r.hash.Write(piece)
}

func (r *rowReader) endShort() {
	if n := len(r.short); n > 0 {
		h := r.hash.Sum128()
		r.short[n-1].hi, r.short[n-1].lo = h.Hi, h.Lo
	}
}

// endRow ends a row that came in pieces.
func (r *rowReader) endRow() error {
	r.open = false
	hi, lo := r.hasher.Sum()
	r.sum.AddHash(hi, lo)
	r.long.fields.Finish()
	r.shorts.Finish()
	r.endShort()
	r.now = row{hi: hi, lo: lo, key: r.long.key, short: r.short}
	bucket := r.buckets.findLong(r.long, lo)
	err := r.take(&r.now, bucket)
	r.long.reset()
	r.short = nil
	return err
}

// close says whether the stream ended where a row does.
func (r *rowReader) close() error {
	if r.open {
		return errCutRow
	}
	return nil
}

// forget drops a row that came in part.
func (r *rowReader) forget() {
	_, _ = r.hasher.Sum()
	r.long.fields.Finish()
	r.long.reset()
	r.shorts.Finish()
	r.short, r.open = nil, false
}
