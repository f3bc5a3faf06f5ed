package copier

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/verify/digest"
)

// What frames the rows of COPY's binary format (sql-copy, "Binary Format"): a
// signature, flags and the length of an extension, and -1 in place of a further
// row's number of columns. A server sends the first together with its first row, the
// last by itself, and each row in a message of its own. Every batch that is sent is
// a COPY, framed anew.
var (
	binaryHeader = []byte("PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00")
	binaryEnd    = []byte{0xff, 0xff}
)

// formatSQL ends a COPY in which the rows of a transfer travel.
func formatSQL(t *ddlgen.Transfer) string {
	if t.Binary {
		return " (FORMAT binary)"
	}
	return ""
}

// streamCanon is the form in which a transfer's rows are digested on their way.
// Binary ones are their own.
func streamCanon(t *ddlgen.Transfer) (*digest.RowCanon, error) {
	if t.Binary {
		return digest.ForRow(nil)
	}
	return digest.ForRow(canons(t))
}

// tuples is what is known of a stream in the binary format.
type tuples struct {
	columns [2]byte // their number, with which every row begins
	begun   bool    // the header was there
	ended   bool
}

func newTuples(t *ddlgen.Transfer) *tuples {
	var u tuples
	binary.BigEndian.PutUint16(u.columns[:], uint16(len(t.Columns))) //nolint:gosec // 1600 at most
	return &u
}

// is says whether a message is one whole row.
func (u *tuples) is(message []byte) bool {
	return u.begun && !u.ended && len(message) >= 2 && message[0] == u.columns[0] && message[1] == u.columns[1]
}

// row looks at the message of n bytes that comes next, takes the header off it, and
// says how long the row in it is; or that it is none, but the end of them. In text
// (nil) every message is a row.
func (u *tuples) row(in *frames, n int) (length int, isRow bool, err error) {
	if u == nil {
		return n, true, nil
	}
	if !u.begun {
		if n < len(binaryHeader) {
			return 0, false, u.strange()
		}
		if err := in.fill(len(binaryHeader)); err != nil {
			return 0, false, err
		}
		if !bytes.Equal(in.buf[in.lo:in.lo+len(binaryHeader)], binaryHeader) {
			return 0, false, u.strange()
		}
		in.skip(len(binaryHeader))
		n -= len(binaryHeader)
		if u.begun = true; n == 0 {
			return 0, false, nil
		}
	}
	if n < 2 {
		return 0, false, u.strange()
	}
	if err := in.fill(2); err != nil {
		return 0, false, err
	}
	switch head := in.buf[in.lo : in.lo+2]; {
	case u.is(head):
		return n, true, nil
	case n == 2 && bytes.Equal(head, binaryEnd) && !u.ended:
		u.ended = true
		in.skip(2)
		return 0, false, nil
	}
	return 0, false, u.strange()
}

// whole says that the stream came to its end.
func (u *tuples) whole() error {
	if u != nil && (!u.begun || !u.ended) {
		return u.strange()
	}
	return nil
}

func (u *tuples) strange() error {
	return fmt.Errorf("%w: what COPY sends is not its binary format: copy the rows as text (--format text)", errProtocol)
}
