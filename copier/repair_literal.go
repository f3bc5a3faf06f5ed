package copier

import (
	"bytes"
	"runtime/debug"
	"strings"

	"github.com/pg2db9/pg2db9/verify/digest"
)

// literalPiece is how many bytes of a value are brought from COPY TEXT into a
// literal at once: a value may be half a gigabyte, and is held once while it is.
const literalPiece = 64 << 10

// hugeRepair is how many bytes of a row or a statement are worth collecting garbage
// for: else what is left of one such row would still be there beside the next.
const hugeRepair = 16 << 20

// makeRoom gives memory back before something of so many bytes is made.
func makeRoom(bytes int64) {
	if bytes > hugeRepair {
		debug.FreeOSMemory()
	}
}

// writeField writes a field of COPY TEXT as a statement has it: as literal does.
func (w *repairWriter) writeField(b *strings.Builder, field []byte) {
	if w.repairer.p.Print != nil || len(field) <= literalPiece {
		b.WriteString(w.literal(plainField(field)))
		return
	}
	writeLongLiteral(b, field)
}

// writeLongLiteral writes what quote.Literal makes of a field without its escapes,
// piece by piece. The field is not NULL.
func writeLongLiteral(b *strings.Builder, field []byte) {
	b.Grow(len(field) + bytes.Count(field, []byte("'")) + literalPiece) // and what may follow, so that it is never copied
	quotes := strings.NewReplacer(`'`, `''`)
	begin := `'`
	if bytes.Contains(field, []byte(`\\`)) { // as COPY TEXT has a backslash, and nothing else
		quotes, begin = strings.NewReplacer(`'`, `''`, `\`, `\\`), ` E'`
	}
	b.WriteString(begin)
	var plain []byte
	for len(field) > 0 {
		n := min(literalPiece, len(field))
		slashes := n - len(bytes.TrimRight(field[:n], `\`))
		if slashes%2 == 1 && n < len(field) { // not between a backslash and what it escapes
			n++
		}
		plain = digest.AppendUnescaped(plain[:0], field[:n])
		_, _ = quotes.WriteString(b, string(plain)) // a builder takes all
		field = field[n:]
	}
	b.WriteString(`'`)
}
