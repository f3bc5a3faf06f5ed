package verify

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/pg2db9/pg2db9/internal/dial/quote"
)

// keyForm is how values of a key's first column become positions: numbers in
// the order in which every server sorts the values, whatever its collation.
type keyForm struct {
	// position reads a field in canonical form. A field that it cannot read, and
	// NULL, has none.
	position func(field []byte) (at uint64, ok bool)
	// literal is the least value at a position, in SQL.
	literal func(at uint64) string
}

// keyForms are those of the types that have such an order, by their names on
// either side.
var keyForms = map[string]*keyForm{
	"smallint": &integerForm, "integer": &integerForm, "bigint": &integerForm,
	"uuid": {position: uuidPosition, literal: uuidLiteral}, "bytea": {position: byteaPosition, literal: byteaLiteral},
	"date":                        {position: momentPosition, literal: dateLiteral},
	"timestamp without time zone": {position: momentPosition, literal: func(at uint64) string { return momentLiteral(at, "2006-01-02 15:04:05.000000") }},
	"timestamp with time zone":    {position: momentPosition, literal: func(at uint64) string { return momentLiteral(at, "2006-01-02 15:04:05.000000+00") }},
}

var integerForm = keyForm{position: integerPosition, literal: integerText}

// formOf is the form of a type; nil where it has none.
func formOf(typ string) *keyForm {
	if name, _, ok := strings.Cut(typ, "("); ok { // timestamp(3) without time zone
		_, after, _ := strings.Cut(typ, ")")
		typ = name + after
	}
	return keyForms[typ]
}

// signBit turns the order of int64 into that of uint64.
const signBit = 1 << 63

func integerPosition(field []byte) (uint64, bool) {
	digits := field
	if len(digits) > 0 && digits[0] == '-' {
		digits = digits[1:]
	}
	if len(digits) == 0 || len(digits) > 19 {
		return 0, false
	}
	var n uint64
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	if len(digits) < len(field) {
		if n > signBit {
			return 0, false
		}
		return signBit - n, true
	}
	return n + signBit, n < signBit
}

func integerText(at uint64) string {
	n := int64(at ^ signBit) //nolint:gosec // the order's way back
	text := strconv.FormatInt(n, 10)
	if at == 0 || n < 0 { // no constant has a sign, and one is too large without it
		return quote.Literal(text)
	}
	return text
}

// uuidPosition is the first eight bytes: more tell no ranges apart.
func uuidPosition(field []byte) (uint64, bool) {
	if len(field) != 36 {
		return 0, false
	}
	var at uint64
	n := 0
	for _, c := range field {
		if n == 16 {
			break
		}
		if c == '-' {
			continue
		}
		d := digitOf(c)
		if d > 15 {
			return 0, false
		}
		at = at<<4 | uint64(d)
		n++
	}
	return at, n == 16
}

func uuidLiteral(at uint64) string {
	s := fmt.Sprintf("%016x", at)
	return quote.Literal(s[:8] + "-" + s[8:12] + "-" + s[12:] + "-0000-000000000000")
}

func digitOf(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10
	}
	return 255
}

// byteaPosition is the first eight bytes, with zeros behind fewer.
func byteaPosition(field []byte) (uint64, bool) {
	const prefix = `\\x` // as COPY TEXT escapes it
	if len(field) < len(prefix) || string(field[:len(prefix)]) != prefix {
		return 0, false
	}
	var at uint64
	field = field[len(prefix):]
	for i := range 16 {
		d := byte(0)
		if i < len(field) {
			if d = digitOf(field[i]); d > 15 {
				return 0, false
			}
		}
		at = at<<4 | uint64(d)
	}
	return at, true
}

// byteaLiteral has no zeros at its end: the values without them are at the same
// position, and less.
func byteaLiteral(at uint64) string {
	b, _ := hex.DecodeString(fmt.Sprintf("%016x", at))
	for len(b) > 0 && b[len(b)-1] == 0 {
		b = b[:len(b)-1]
	}
	return strings.TrimSpace(quote.Literal(`\x` + hex.EncodeToString(b)))
}

// momentPosition is the microsecond from the year 1 on. What is before is at its
// begin, what is after the year 9999 at the last.
func momentPosition(field []byte) (uint64, bool) {
	switch s := string(field); {
	case s == "-infinity", strings.HasSuffix(s, " BC"):
		return 0, true
	case s == "infinity":
		return lastMoment, true
	}
	dash := strings.IndexByte(string(field), '-')
	if dash > 4 && dash < 8 {
		return lastMoment, true // a year of five digits
	}
	if len(field) < 10 || dash != 4 || field[7] != '-' {
		return 0, false
	}
	y, m, d := number(field[:4]), number(field[5:7]), number(field[8:10])
	if y < 1 || m < 1 || m > 12 || d < 1 || d > 31 {
		return 0, false
	}
	micros := uint64(days(y, m, d)) * dayMicros //nolint:gosec // not negative
	if len(field) == 10 {
		return micros, true
	}
	if len(field) < 19 || field[10] != ' ' || field[13] != ':' || field[16] != ':' {
		return 0, false
	}
	h, mi, s := number(field[11:13]), number(field[14:16]), number(field[17:19])
	if h < 0 || mi < 0 || s < 0 {
		return 0, false
	}
	micros += uint64(h*3600+mi*60+s) * 1e6
	rest := field[19:]
	if len(rest) > 0 && rest[0] == '.' {
		rest = rest[1:]
		unit := uint64(100_000)
		for len(rest) > 0 && rest[0] >= '0' && rest[0] <= '9' && unit > 0 {
			micros += uint64(rest[0]-'0') * unit
			unit /= 10
			rest = rest[1:]
		}
	}
	return micros, len(rest) == 0 || string(rest) == "+00"
}

const dayMicros = 86_400_000_000

var lastMoment = uint64(days(10000, 1, 1)) * dayMicros

// number reads digits; -1 is no number.
func number(b []byte) int {
	n := 0
	for _, c := range b {
		if c < '0' || c > '9' {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	return n
}

// days counts the days since 0001-01-01 in the calendar that servers count by.
func days(y, m, d int) int {
	if m <= 2 {
		y--
		m += 12
	}
	return 365*y + y/4 - y/100 + y/400 + (153*(m-3)+2)/5 + d - 307
}

// dateLiteral is the first day that begins at a position or after it.
func dateLiteral(at uint64) string {
	return momentLiteral((min(at, lastMoment)+dayMicros-1)/dayMicros*dayMicros, "2006-01-02")
}

func momentLiteral(at uint64, layout string) string {
	at = min(at, lastMoment)
	t := time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, int(at/dayMicros)) //nolint:gosec // days of 10,000 years
	t = t.Add(time.Duration(at%dayMicros) * time.Microsecond)
	return quote.Literal(t.Format(layout))
}
