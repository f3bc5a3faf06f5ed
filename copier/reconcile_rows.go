package copier

import (
	"bytes"

	"github.com/pg2db9/pg2db9/verify/digest"
)

// keyedRow is a row of one side, as far as the merge needs it. It holds until the
// next row of the same side.
type keyedRow struct {
	key    []byte     // compares as the keys do
	values [][]byte   // the key's fields in COPY TEXT form
	sum    digest.Sum // of this row alone, in canonical form
	bytes  int64      // of COPY TEXT, line end included
	line   []byte     // the row itself with its line end; only of the source
	place  []byte     // where it stands on the target (ctid); empty where its key names it
	again  bool       // the row before has the same key
}

// rowTaker makes a keyedRow out of the pieces of a line: keys and digests are
// taken as the bytes pass, so a row of any length needs no memory of its size.
type rowTaker struct {
	keyedRow

	table  *sortKey
	placed bool  // lines begin with the row's place, a field that is not the row's
	wanted []int // by field: which of the key's it is, -1 none; ends with the last of them
	canon  *digest.RowCanon
	hasher *digest.Hasher

	before   []byte // the key of the row before
	started  bool   // there was one
	field    int
	inPlace  bool // the place has not ended yet
	inPieces bool
	open     bool // the row has not ended yet
}

func newRowTaker(key *sortKey, canons []digest.Canon, placed bool) (*rowTaker, error) {
	canon, err := digest.ForRow(canons)
	if err != nil {
		return nil, err
	}
	t := &rowTaker{table: key, placed: placed, canon: canon, hasher: digest.NewHasher(canon)}
	t.values = make([][]byte, len(key.fields))
	for i, f := range key.fields {
		for len(t.wanted) <= f.field {
			t.wanted = append(t.wanted, -1)
		}
		t.wanted[f.field] = i
	}
	return t, nil
}

// begin prepares for the next row.
func (t *rowTaker) begin() {
	if t.open { // of the row before, only a part came
		t.hasher = digest.NewHasher(t.canon)
	}
	t.open = true
	t.field, t.inPlace, t.inPieces = 0, t.placed, false
	t.place, t.sum, t.bytes, t.line = t.place[:0], digest.Sum{}, 0, nil
	for i := range t.values {
		t.values[i] = t.values[i][:0]
	}
}

// whole takes a row that is in memory, without its line end.
func (t *rowTaker) whole(line []byte) {
	line = t.unplaced(line)
	t.pick(line)
	t.bytes += int64(len(line))
	t.sum.Add(t.canon.Row(line))
}

// piece takes the next piece of a row, without its line end.
func (t *rowTaker) piece(p []byte) {
	p = t.unplaced(p)
	t.pick(p)
	t.bytes += int64(len(p))
	t.hasher.Write(p)
	t.inPieces = true
}

// unplaced takes the row's place off the front.
func (t *rowTaker) unplaced(p []byte) []byte {
	if !t.inPlace {
		return p
	}
	place, rest, ended := bytes.Cut(p, []byte("\t"))
	t.place = append(t.place, place...)
	t.inPlace = !ended
	return rest
}

// pick collects the key's fields out of the bytes that pass.
func (t *rowTaker) pick(p []byte) {
	for t.field < len(t.wanted) {
		chunk, rest, ended := bytes.Cut(p, []byte("\t"))
		if i := t.wanted[t.field]; i >= 0 {
			t.values[i] = append(t.values[i], chunk...)
		}
		if !ended {
			return
		}
		t.field++
		p = rest
	}
}

// finish ends the row. Rows must come in the order of their keys: the merge
// would call a row gone that only comes later.
func (t *rowTaker) finish(side string) (*keyedRow, error) {
	if t.inPieces {
		t.hasher.Finish(&t.sum)
	}
	t.open = false
	t.bytes++
	t.before, t.key = t.key, t.before[:0]
	var ok bool
	if t.key, ok = t.table.encode(t.key, t.values); !ok {
		return nil, t.table.refuse("its key holds %.60q on the %s", t.values, side)
	}
	t.again = false
	if t.started {
		switch c := bytes.Compare(t.before, t.key); {
		case c > 0:
			return nil, t.table.refuse("the %s gives %.60q behind a greater key: it orders the key in another way", side, t.values)
		case c == 0:
			t.again = true
		}
	}
	t.started = true
	return &t.keyedRow, nil
}
