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
	canon  *digest.RowCanon
	hasher *digest.Hasher // takes a row that comes in pieces

	sum   digest.Sum
	bytes int64 // of the stream, line ends included
	open  bool  // inside a row whose begin is in hasher
}

func newTally(canons []digest.Canon) (*tally, error) {
	canon, err := digest.ForRow(canons)
	if err != nil {
		return nil, err
	}
	return &tally{canon: canon, hasher: digest.NewHasher(canon)}, nil
}

// take adds a piece of the stream.
func (t *tally) take(piece []byte) {
	t.bytes += int64(len(piece))
	for len(piece) > 0 {
		end := bytes.IndexByte(piece, '\n')
		switch {
		case end < 0:
			t.hasher.Write(piece)
			t.open = true
			return
		case t.open:
			t.hasher.Write(piece[:end])
			t.hasher.Finish(&t.sum)
			t.open = false
		default:
			t.sum.Add(t.canon.Row(piece[:end]))
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
