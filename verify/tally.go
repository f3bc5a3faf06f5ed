package verify

import (
	"bytes"
	"errors"

	"github.com/pg2db9/pg2db9/verify/digest"
)

// errCutRow is a stream that ended inside a row.
var errCutRow = errors.New("the stream ended inside a row")

// tally counts and digests the rows of one COPY TEXT stream, however the stream
// is cut into messages: PostgreSQL sends one row in each, but nothing promises
// that another server does. A line feed inside a value travels as \n, so each
// line feed byte ends a row.
type tally struct {
	canon   *digest.RowCanon
	hasher  *digest.Hasher // takes a row that comes in pieces
	buckets *bucketTally   // nil: the sum alone
	long    *longKey       // beside hasher, where there are buckets
	also    *rowReader     // takes the rows too; nil is none

	sum   digest.Sum
	bytes int64 // of the stream, line ends included
	open  bool  // inside a row whose begin is in hasher
}

// newTally counts rows whose columns have these forms.
func newTally(canons []digest.Canon) (*tally, error) {
	canon, err := digest.ForRow(canons)
	if err != nil {
		return nil, err
	}
	return &tally{canon: canon, hasher: digest.NewHasher(canon)}, nil
}

// into lets the rows be counted by bucket too, where b is not nil.
func (t *tally) into(b *bucketTally) {
	if b != nil {
		t.buckets, t.long = b, newLongKey(b.bucketing, t.canon)
	}
}

// row adds a whole row in COPY TEXT form, without its line end.
func (t *tally) row(row []byte) error {
	if t.also != nil {
		if err := t.also.row(row); err != nil {
			return err
		}
	}
	row = t.canon.Row(row)
	if t.buckets == nil {
		t.sum.Add(row)
		return nil
	}
	hi, lo := digest.Hash(row)
	t.sum.AddHash(hi, lo)
	t.buckets.add(row, lo)
	return nil
}

// piece adds a piece of a row.
func (t *tally) piece(piece []byte) {
	t.hasher.Write(piece)
	if t.buckets != nil {
		t.long.fields.Write(piece)
	}
	if t.also != nil {
		t.also.piece(piece)
	}
}

// endRow ends a row that came in pieces.
func (t *tally) endRow() error {
	hi, lo := t.hasher.Sum()
	t.sum.AddHash(hi, lo)
	if t.buckets != nil {
		t.buckets.addLong(t.long, lo)
	}
	if t.also != nil {
		return t.also.endRow()
	}
	return nil
}

// take adds a piece of the stream.
func (t *tally) take(piece []byte) {
	t.bytes += int64(len(piece))
	for len(piece) > 0 {
		end := bytes.IndexByte(piece, '\n')
		switch {
		case end < 0:
			t.piece(piece)
			t.open = true
			return
		case t.open:
			t.piece(piece[:end])
			_ = t.endRow() // nothing but what takes the rows too can fail
			t.open = false
		default:
			_ = t.row(piece[:end])
		}
		piece = piece[end+1:]
	}
}

// close says whether the stream ended where a row does.
func (t *tally) close() error {
	if t.open {
		return errCutRow
	}
	return nil
}
