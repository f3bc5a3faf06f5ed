package digest

import (
	"math/bits"

	"github.com/zeebo/xxh3"
)

// RowHasher hashes one long row that arrives in pieces. The result is the same
// as that of Sum.Add with the whole row.
type RowHasher struct{ h *xxh3.Hasher }

// Write takes the next piece of the row.
func (r *RowHasher) Write(piece []byte) {
	if r.h == nil {
		r.h = xxh3.New()
	}
	_, _ = r.h.Write(piece) // never fails
}

// AddTo adds the finished row to the sum and starts a new row.
func (r *RowHasher) AddTo(s *Sum) {
	if r.h == nil {
		r.h = xxh3.New()
	}
	h := r.h.Sum128()
	r.h.Reset()
	var carry uint64
	s.Lo, carry = bits.Add64(s.Lo, h.Lo, 0)
	s.Hi, _ = bits.Add64(s.Hi, h.Hi, carry)
	s.Rows++
}
