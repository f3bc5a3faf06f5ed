package digest

import (
	"bytes"

	"github.com/zeebo/xxh3"
)

// Hasher takes one row in pieces, so that a row of hundreds of megabytes needs
// no memory of its size: only a field with a canonical form of its own is held
// until its end. The zero value is ready for rows that are their own canonical
// form.
type Hasher struct {
	fields []fieldCanon // with forms of their own, by index
	h      xxh3.Hasher
	index  int    // the field that the next byte belongs to
	next   int    // the next of fields to come
	field  []byte // what has come of it, when it is the one at index
	buf    []byte
}

// NewHasher returns a hasher for rows in the canonical form.
func NewHasher(canon *RowCanon) *Hasher { return &Hasher{fields: canon.fields} }

// Write adds a piece of the row. It never fails.
func (h *Hasher) Write(piece []byte) {
	for h.next < len(h.fields) && len(piece) > 0 {
		tab := bytes.IndexByte(piece, '\t')
		chunk := piece
		if tab >= 0 {
			chunk = piece[:tab]
		}
		if h.held() {
			h.field = append(h.field, chunk...)
		} else {
			h.write(chunk)
		}
		if tab < 0 {
			return
		}
		h.endField()
		h.write(piece[tab : tab+1])
		h.index++
		piece = piece[tab+1:]
	}
	h.write(piece)
}

// Finish adds the row to the sum, as Sum.Add of its whole canonical form would,
// and makes the hasher ready for the next row.
func (h *Hasher) Finish(s *Sum) { s.AddHash(h.Sum()) }

// Sum is the row's Hash. It makes the hasher ready for the next row.
func (h *Hasher) Sum() (hi, lo uint64) {
	h.endField()
	sum := h.h.Sum128()
	h.h.Reset()
	h.index, h.next = 0, 0
	return sum.Hi, sum.Lo
}

func (h *Hasher) held() bool {
	return h.next < len(h.fields) && h.fields[h.next].index == h.index
}

func (h *Hasher) endField() {
	if !h.held() {
		return
	}
	h.buf = h.fields[h.next].rewrite(h.buf[:0], h.field)
	h.write(h.buf)
	h.field = h.field[:0]
	h.next++
}

func (h *Hasher) write(b []byte) { _, _ = h.h.Write(b) }
