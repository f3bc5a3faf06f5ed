package digest

import "bytes"

// Fields takes one row in pieces and hands its fields on in canonical form,
// piece by piece: of a row of hundreds of megabytes only a field with a form of
// its own is held until its end.
type Fields struct {
	fields []fieldCanon // with forms of their own, by index
	take   func(index int, piece []byte)
	index  int    // the field that the next byte belongs to
	next   int    // the next of fields to come
	field  []byte // what has come of it, when it is the one at index
	buf    []byte
}

// NewFields returns a reader of rows; take gets the index of a field and a piece
// of it, and at least one piece of each, which may be empty.
func NewFields(canon *RowCanon, take func(index int, piece []byte)) *Fields {
	return &Fields{fields: canon.fields, take: take}
}

// Write adds a piece of the row.
func (f *Fields) Write(piece []byte) {
	for {
		tab := bytes.IndexByte(piece, '\t')
		chunk := piece
		if tab >= 0 {
			chunk = piece[:tab]
		}
		if f.held() {
			f.field = append(f.field, chunk...)
		} else {
			f.take(f.index, chunk)
		}
		if tab < 0 {
			return
		}
		f.endField()
		f.index++
		piece = piece[tab+1:]
	}
}

// Finish ends the row: the next piece begins another.
func (f *Fields) Finish() {
	f.endField()
	f.index, f.next = 0, 0
}

func (f *Fields) held() bool { return f.next < len(f.fields) && f.fields[f.next].index == f.index }

func (f *Fields) endField() {
	if !f.held() {
		return
	}
	f.buf = f.fields[f.next].rewrite(f.buf[:0], f.field)
	f.take(f.index, f.buf)
	if cap(f.field) > heldField {
		f.field, f.buf = nil, nil
	}
	f.field = f.field[:0]
	f.next++
}

// heldField is what is kept of the buffer of a large field for the next row.
const heldField = 1 << 20
