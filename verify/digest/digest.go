// Package digest computes an order-free digest of a set of rows: a count and a
// 128-bit sum of one hash a row. Both the copier (from the stream it sends) and
// verify (from what the target gives back) feed it rows in COPY TEXT form.
package digest

import (
	"encoding/hex"
	"fmt"
	"math/bits"

	"github.com/zeebo/xxh3"
)

// Sum is the order-free digest of a set of rows. Adding rows in any order, or
// merging sums of any partition of the rows, gives the same Sum; a row that
// stands twice is counted twice (a XOR would cancel it). The zero value is the
// digest of no rows.
type Sum struct {
	Rows uint64
	Hi   uint64
	Lo   uint64
}

// Add takes one row in canonical form, without its line end.
func (s *Sum) Add(row []byte) {
	s.AddHash(Hash(row))
}

// Hash is what Add adds for a row in canonical form.
func Hash(row []byte) (hi, lo uint64) {
	h := xxh3.Hash128(row)
	return h.Hi, h.Lo
}

// AddHash adds a row whose Hash is known.
func (s *Sum) AddHash(hi, lo uint64) {
	var carry uint64
	s.Lo, carry = bits.Add64(s.Lo, lo, 0)
	s.Hi, _ = bits.Add64(s.Hi, hi, carry)
	s.Rows++
}

// Merge adds the rows of another sum.
func (s *Sum) Merge(o Sum) {
	var carry uint64
	s.Lo, carry = bits.Add64(s.Lo, o.Lo, 0)
	s.Hi, _ = bits.Add64(s.Hi, o.Hi, carry)
	s.Rows += o.Rows
}

// Less takes the rows of another sum out.
func (s *Sum) Less(o Sum) {
	var borrow uint64
	s.Lo, borrow = bits.Sub64(s.Lo, o.Lo, 0)
	s.Hi, _ = bits.Sub64(s.Hi, o.Hi, borrow)
	s.Rows -= o.Rows
}

// Hex is the 128-bit sum as 32 hexadecimal digits, without the count.
func (s Sum) Hex() string { return fmt.Sprintf("%016x%016x", s.Hi, s.Lo) }

// String gives count and sum.
func (s Sum) String() string { return fmt.Sprintf("%d rows, %s", s.Rows, s.Hex()) }

// Parse reads what Hex wrote, with its row count.
func Parse(rows uint64, hexSum string) (Sum, error) {
	b, err := hex.DecodeString(hexSum)
	if err != nil || len(b) != 16 {
		return Sum{}, fmt.Errorf("digest %q is not 32 hexadecimal digits", hexSum)
	}
	s := Sum{Rows: rows}
	for i := range 8 {
		s.Hi = s.Hi<<8 | uint64(b[i])
		s.Lo = s.Lo<<8 | uint64(b[i+8])
	}
	return s, nil
}
