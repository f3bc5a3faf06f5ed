package shape

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"
)

// words are what texts are made of. Some need more bytes than letters, some an
// escape in COPY TEXT.
var words = []string{
	"order", "the", "of", "river", "account", "shipped", "a", "and", "blue", "transfer", "in", "Größe", "naïve", "row", "to", "snapshot",
	"customer", "with", "late", "北京", "invoice", "number", "is", "open", "closed", "for", "paid", "by", "e-mail", "C:\\\\data", "tab\\there", "line\\nend",
}

// appendText appends a text of about n bytes in COPY TEXT form.
func appendText(b []byte, r *rand.Rand, n int) []byte {
	for start := len(b); ; {
		b = append(b, words[r.IntN(len(words))]...)
		if len(b)-start >= n {
			return b
		}
		b = append(b, ' ')
	}
}

// AppendJSON appends an object of about n bytes. It holds nothing that COPY
// TEXT escapes.
func AppendJSON(b []byte, r *rand.Rand, n int) []byte {
	b = append(b, '{')
	for start, i := len(b), 0; ; i++ {
		b = fmt.Appendf(b, `"k%d": `, i)
		switch r.IntN(4) {
		case 0:
			b = strconv.AppendInt(b, r.Int64N(1_000_000), 10)
		case 1:
			b = append(b, []string{"true", "false", "null"}[r.IntN(3)]...)
		case 2:
			b = fmt.Appendf(b, `[%d, %d.%d]`, r.IntN(100), r.IntN(100), 1+r.IntN(9))
		default:
			b = append(b, '"')
			b = strconv.AppendUint(b, r.Uint64(), 36)
			b = append(b, '"')
		}
		if len(b)-start >= n {
			return append(b, '}')
		}
		b = append(b, ", "...)
	}
}

var epoch = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)

// AppendValue appends a value of the column in COPY TEXT form.
func (c Column) AppendValue(b []byte, r *rand.Rand) []byte {
	if c.Nulls > 0 && r.Float64() < c.Nulls {
		return append(b, `\N`...)
	}
	if c.Make != nil {
		return c.Make(b, r)
	}
	moment := func() time.Time { return epoch.Add(time.Duration(r.Int64N(int64(5*365*24*time.Hour)/1000)) * 1000) }
	switch c.Kind {
	case Int:
		return strconv.AppendInt(b, r.Int64N(1+min(or(c.Max, 1_000_000), 1<<31-1)), 10)
	case Bigint:
		return strconv.AppendInt(b, r.Int64N(or(c.Max, 1<<60)), 10)
	case Bool:
		return append(b, "tf"[r.IntN(2)])
	case Numeric:
		return fmt.Appendf(b, "%d.%04d", r.Int64N(100_000_000), r.IntN(10_000))
	case Double:
		return strconv.AppendFloat(b, r.NormFloat64()*1000, 'g', -1, 64)
	case Timestamp:
		return moment().AppendFormat(b, "2006-01-02 15:04:05.000")
	case Timestamptz:
		return moment().AppendFormat(b, "2006-01-02 15:04:05.000+00")
	case Date:
		return moment().AppendFormat(b, "2006-01-02")
	case UUID:
		var u [16]byte
		fill(u[:], r)
		u[6], u[8] = u[6]&0x0f|0x40, u[8]&0x3f|0x80
		return fmt.Appendf(b, "%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
	case Text:
		n := or(c.Bytes, 30)
		if c.Large > 0 && r.Float64() < c.Large {
			n *= 100
		}
		return appendText(b, r, max(1, n/2+r.IntN(n+1)))
	case JSON:
		n := or(c.Bytes, 100)
		return AppendJSON(b, r, n/2+r.IntN(n+1))
	case Bytea:
		raw := make([]byte, or(c.Bytes, 100))
		fill(raw, r)
		return hex.AppendEncode(append(b, `\\x`...), raw)
	case IntArray:
		return appendList(b, "{}", int(or(c.Max, 8)), func(b []byte) []byte { return strconv.AppendInt(b, r.Int64N(100_000), 10) })
	case Vector, Reals:
		ends := map[Kind]string{Vector: "[]", Reals: "{}"}[c.Kind]
		return appendList(b, ends, int(or(c.Max, 384)), func(b []byte) []byte { return strconv.AppendFloat(b, r.NormFloat64(), 'g', 8, 32) })
	}
	return append(b, `\N`...)
}

// appendList appends n elements between two ends.
func appendList(b []byte, ends string, n int, element func([]byte) []byte) []byte {
	b = append(b, ends[0])
	for i := range n {
		if i > 0 {
			b = append(b, ',')
		}
		b = element(b)
	}
	return append(b, ends[1])
}

func fill(p []byte, r *rand.Rand) {
	for i := range p {
		p[i] = byte(r.Uint32()) //nolint:gosec // any byte will do
	}
}

// or is n, or what stands for 0.
func or[T int | int64](n, otherwise T) T {
	if n == 0 {
		return otherwise
	}
	return n
}
