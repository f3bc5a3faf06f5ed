package verify

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/zeebo/xxh3"
)

// matcher finds the rows of one chunk that differ: it holds the source's, and
// the target's pass by. It gives each difference to found; both rows of a
// changed one, and the number of equal rows that it stands for.
type matcher struct {
	comparison *comparison
	most       int // bytes that may be held whole
	found      func(kind RowKind, source, target *row, copies int64) error

	held   map[uint64]int32 // by hash of the key, without a key of the row: an index into rows
	rows   []heldRow
	size   int
	extras map[[2]uint64]*extraRow // of a table without a key
}

// heldRow is a row of the source.
type heldRow struct {
	row
	next   int32 // in the chain of one hash; -1 is its end
	copies int64 // that have no counterpart yet
	other  *row  // the target's row of this key, if it is not equal
}

// extraRow is a row of the target that has no counterpart, of a table without a key.
type extraRow struct {
	row
	copies int64
}

func newMatcher(c *comparison, most int, found func(kind RowKind, source, target *row, copies int64) error) *matcher {
	return &matcher{comparison: c, most: most, found: found, held: map[uint64]int32{}, extras: map[[2]uint64]*extraRow{}}
}

func (m *matcher) keyed() bool { return len(m.comparison.buckets.keys) > 0 }

// slot is where a row's counterparts are.
func (m *matcher) slot(r *row) uint64 {
	if m.keyed() {
		return xxh3.Hash(r.key)
	}
	return r.lo
}

// chain are the held rows that a row may be equal to or changed from.
func (m *matcher) chain(r *row) func(yield func(*heldRow) bool) {
	at, ok := m.held[m.slot(r)]
	return func(yield func(*heldRow) bool) {
		if !ok {
			return
		}
		for at >= 0 {
			h := &m.rows[at]
			at = h.next
			if m.keyed() && !bytes.Equal(h.key, r.key) || !m.keyed() && (h.hi != r.hi || h.lo != r.lo) {
				continue
			}
			if !yield(h) {
				return
			}
		}
	}
}

// hold takes a row of the source.
func (m *matcher) hold(r *row) {
	for h := range m.chain(r) {
		if h.hi == r.hi && h.lo == r.lo {
			h.copies++
			return
		}
	}
	kept := m.keep(r)
	m.size += kept.size()
	slot := m.slot(r)
	next, ok := m.held[slot]
	if !ok {
		next = -1
	}
	m.held[slot] = int32(len(m.rows)) //nolint:gosec // a chunk has fewer
	m.rows = append(m.rows, heldRow{row: kept, next: next, copies: 1})
}

// keep copies a row, shortened where it is large or where there is no room.
func (m *matcher) keep(r *row) row {
	kept := row{hi: r.hi, lo: r.lo, key: bytes.Clone(r.key), short: slices.Clone(r.short)}
	if r.text == nil {
		return kept
	}
	if len(r.text) <= wholeRow && m.size+len(r.text) <= m.most {
		kept.text = append([]byte{}, r.text...)
		return kept
	}
	kept.text = r.text
	kept.shorten(len(m.comparison.transfer.Columns))
	return kept
}

// pass takes a row of the target.
func (m *matcher) pass(r *row) error {
	var free *heldRow
	for h := range m.chain(r) {
		if h.copies == 0 {
			continue
		}
		if h.hi == r.hi && h.lo == r.lo {
			h.copies--
			if h.copies == 0 && h.other != nil { // it is not the changed one after all
				other := h.other
				h.other = nil
				return m.found(RowExtra, nil, other, 1)
			}
			return nil
		}
		if h.other == nil {
			free = h
		}
	}
	switch {
	case free != nil:
		kept := m.keep(r)
		m.size += kept.size()
		free.other = &kept
		return nil
	case m.keyed():
		return m.found(RowExtra, nil, r, 1)
	}
	if e := m.extras[[2]uint64{r.hi, r.lo}]; e != nil {
		e.copies++
		return nil
	}
	if m.size > m.most { // told one by one
		return m.found(RowExtra, nil, r, 1)
	}
	e := &extraRow{row: m.keep(r), copies: 1}
	m.size += e.size()
	m.extras[[2]uint64{r.hi, r.lo}] = e
	return nil
}

// end tells of what had no counterpart, in an order that does not depend on the
// servers'.
func (m *matcher) end() error {
	slices.SortFunc(m.rows, func(a, b heldRow) int {
		return cmp.Or(compareKeys(a.key, b.key), cmp.Compare(a.hi, b.hi), cmp.Compare(a.lo, b.lo))
	})
	for i := range m.rows {
		h := &m.rows[i]
		if h.copies == 0 {
			continue
		}
		if h.other != nil {
			if err := m.found(RowChanged, &h.row, h.other, 1); err != nil {
				return err
			}
			h.copies--
		}
		if h.copies > 0 {
			if err := m.found(RowMissing, &h.row, nil, h.copies); err != nil {
				return err
			}
		}
	}
	extras := make([]*extraRow, 0, len(m.extras))
	for _, e := range m.extras {
		extras = append(extras, e)
	}
	slices.SortFunc(extras, func(a, b *extraRow) int { return cmp.Or(cmp.Compare(a.hi, b.hi), cmp.Compare(a.lo, b.lo)) })
	for _, e := range extras {
		if err := m.found(RowExtra, nil, &e.row, e.copies); err != nil {
			return err
		}
	}
	return nil
}

// compareKeys orders keys as people do: numbers by value.
func compareKeys(a, b []byte) int {
	if x, ok := integerPosition(a); ok {
		if y, ok := integerPosition(b); ok {
			return cmp.Compare(x, y)
		}
	}
	return bytes.Compare(a, b)
}
