package db9sim

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strconv"
)

// valueError refuses a value or a row.
type valueError struct {
	code    string // SQLSTATE
	message string
}

func (e *valueError) Error() string { return e.message }

func (e *valueError) refusal() *refusal { return refuse(e.code, "%s", e.message) }

func badValue(code, format string, args ...any) *valueError {
	return &valueError{code: code, message: fmt.Sprintf(format, args...)}
}

// A fixer makes of one field of COPY TEXT, still escaped, what DB9 makes of it.
// Where it changes something it appends the new field, escaped, to dst and
// reports true; otherwise dst comes back as it was.
type fixer func(dst, raw []byte) (out []byte, changed bool, err *valueError)

// fixers chooses what to do with the fields of a column by its type's name in
// pg_type, nil for nothing. An array's name begins with an underscore.
func (r copySwitches) fixer(typ string) fixer {
	switch typ {
	case "timestamp", "timestamptz":
		if r.timestampMS || r.specials {
			return r.fixTimestamp
		}
	case "date":
		if r.specials {
			return fixDate
		}
	case "time":
		if r.time {
			return fixTime
		}
	case "interval":
		if r.interval {
			return fixInterval
		}
	case "numeric":
		if r.numeric {
			return fixNumeric
		}
	case "jsonb":
		if r.jsonb {
			return fixJSONB
		}
	case "bytea":
		if r.bytea {
			return fixBytea
		}
	default:
		if typ != "" && typ[0] == '_' && r.arrays {
			guess := guessNone
			switch typ {
			case "_text", "_varchar", "_bpchar", "_name":
				guess = guessAll
			case "_numeric":
				guess = guessNumbers
			}
			return func(dst, raw []byte) ([]byte, bool, *valueError) { return fixArray(dst, raw, guess) }
		}
	}
	return nil
}

// fixTimestamp cuts the seconds to three decimals and knows no infinity, no BC
// and no year above 262,142. The time zone's offset, if any, stays.
func (r copySwitches) fixTimestamp(dst, raw []byte) ([]byte, bool, *valueError) {
	if r.specials {
		if err := specialDate("timestamp", raw); err != nil {
			return dst, false, err
		}
	}
	if !r.timestampMS {
		return dst, false, nil
	}
	colon := bytes.IndexByte(raw, ':')
	if colon < 0 {
		return dst, false, nil
	}
	dot := bytes.IndexByte(raw[colon:], '.')
	if dot < 0 {
		return dst, false, nil
	}
	keep := colon + dot + 1 + 3
	end := colon + dot + 1
	for end < len(raw) && isDigit(raw[end]) {
		end++
	}
	if end <= keep {
		return dst, false, nil
	}
	dst = append(dst, raw[:keep]...)
	return append(dst, raw[end:]...), true, nil
}

func fixDate(dst, raw []byte) ([]byte, bool, *valueError) {
	return dst, false, specialDate("date", raw)
}

// farYear is the first year that is out of range.
const farYear = 262_143

func specialDate(typ string, raw []byte) *valueError {
	if len(raw) == 0 {
		return nil
	}
	last := raw[len(raw)-1]
	digits := 0
	for digits < len(raw) && isDigit(raw[digits]) {
		digits++
	}
	switch {
	case last == 'C' || last == 'c': // BC
	case bytes.Contains(bytes.ToLower(raw[:min(len(raw), 9)]), []byte("inf")):
	case digits > 5 && digits < len(raw) && atoi(raw[:digits]) >= farYear:
	default:
		return nil
	}
	return badValue("22007", "invalid input syntax for type %s: %q", typ, raw)
}

// fixTime refuses 24:00:00, second 60 and any offset.
func fixTime(dst, raw []byte) ([]byte, bool, *valueError) {
	if bytes.HasPrefix(raw, []byte("24:")) || bytes.ContainsAny(raw, "+-zZ") || len(raw) >= 8 && string(raw[6:8]) == "60" {
		return dst, false, badValue("22007", "invalid input syntax for type time: %q", raw)
	}
	return dst, false, nil
}

// digitsMax is how many significant digits a numeric has room for, whatever
// they are: 29 fit below 2^96 only.
const digitsMax = 28

func fixNumeric(dst, raw []byte) ([]byte, bool, *valueError) {
	if len(raw) <= digitsMax && len(raw) > 0 && isDigit(raw[len(raw)-1]) && !bytes.ContainsAny(raw, "eE") {
		return dst, false, nil
	}
	digits, scale, significant, point, exponent := 0, 0, false, false, 0
	for i, b := range raw {
		switch {
		case isDigit(b):
			significant = significant || b != '0'
			if significant {
				digits++
			}
			if point {
				scale++
			}
		case b == '.':
			point = true
		case b == 'e' || b == 'E':
			exponent = atoi(raw[i+1:])
		case b == '-' || b == '+':
		default:
			return dst, false, badValue("22P02", "invalid input syntax for type numeric: %q", raw)
		}
		if exponent != 0 {
			break
		}
	}
	if digits+max(exponent-scale, 0) > digitsMax || scale-exponent > digitsMax {
		return dst, false, badValue("22003", "numeric field overflow: more than %d digits: %q", digitsMax, raw)
	}
	return dst, false, nil
}

// fixInterval keeps months and milliseconds: 24 hours for each day.
func fixInterval(dst, raw []byte) ([]byte, bool, *valueError) {
	months, ms, plain, ok := monthsAndMS(raw)
	if !ok || plain {
		return dst, false, nil
	}
	return appendInterval(dst, months, ms), true, nil
}

func appendInterval(dst []byte, months, ms int64) []byte {
	sign := byte('+')
	if ms < 0 {
		sign, ms = '-', -ms
	}
	dst = append(strconv.AppendInt(dst, months, 10), " mons "...)
	dst = append(dst, sign)
	return fmt.Appendf(dst, "%02d:%02d:%02d.%03d", ms/3_600_000, ms/60_000%60, ms/1000%60, ms%1000)
}

// monthsAndMS reads an interval as PostgreSQL writes it under IntervalStyle
// postgres. Plain reports that it has neither days nor more than milliseconds.
func monthsAndMS(raw []byte) (months, ms int64, plain, ok bool) {
	plain = true
	words := bytes.Fields(raw)
	for i := 0; i < len(words); i++ {
		w := words[i]
		if bytes.IndexByte(w, ':') >= 0 {
			t, cut, valid := clock(w)
			if !valid {
				return 0, 0, false, false
			}
			plain = plain && !cut
			ms += t
			continue
		}
		n, err := strconv.ParseInt(string(w), 10, 64)
		if err != nil || i+1 == len(words) {
			return 0, 0, false, false
		}
		i++
		switch string(bytes.TrimSuffix(words[i], []byte("s"))) {
		case "year":
			months += 12 * n
		case "mon":
			months += n
		case "day":
			ms += n * 86_400_000
			plain = plain && n == 0
		default:
			return 0, 0, false, false
		}
	}
	return months, ms, plain, len(words) > 0
}

// clock reads [-+]hours:minutes:seconds[.fraction] to milliseconds; cut reports
// a fraction that has more.
func clock(w []byte) (ms int64, cut, ok bool) {
	negative := w[0] == '-'
	w = bytes.TrimLeft(w, "+-")
	w, fraction, _ := bytes.Cut(w, []byte("."))
	parts := bytes.Split(w, []byte(":"))
	if len(parts) < 2 || len(parts) > 3 {
		return 0, false, false
	}
	for _, unit := range []int64{3_600_000, 60_000, 1000}[:len(parts)] {
		n, err := strconv.ParseInt(string(parts[0]), 10, 64)
		if err != nil {
			return 0, false, false
		}
		ms += n * unit
		parts = parts[1:]
	}
	for i, unit := range []int64{100, 10, 1} {
		if i < len(fraction) && isDigit(fraction[i]) {
			ms += int64(fraction[i]-'0') * unit
		}
	}
	if negative {
		ms = -ms
	}
	return ms, len(fraction) > 3, true
}

// fixBytea takes `\x` with hexadecimal digits; all else is the value, byte by byte.
func fixBytea(dst, raw []byte) ([]byte, bool, *valueError) {
	if hexed, found := bytes.CutPrefix(raw, []byte(`\\x`)); found && len(hexed)%2 == 0 && isHex(hexed) {
		return dst, false, nil
	}
	literal := unescapeText(nil, raw, true)
	dst = append(dst, `\\x`...)
	return hex.AppendEncode(dst, literal), true, nil
}

// fixJSONB passes numbers through 64-bit integers and floats. It works on the
// escaped field: a backslash of a JSON string is two bytes there.
func fixJSONB(dst, raw []byte) ([]byte, bool, *valueError) {
	start, changed, inString := 0, false, false
	for i := 0; i < len(raw); {
		b := raw[i]
		switch {
		case inString && b == '\\': // an escaped backslash escapes the next character, which may be escaped too
			i += 2
			if i <= len(raw) && i >= 1 && raw[i-1] == '\\' && i < len(raw) {
				if raw[i] == '\\' {
					i++
				}
				i++
			}
		case b == '"':
			inString = !inString
			i++
		case !inString && (b == '-' || isDigit(b)):
			end := i + 1
			for end < len(raw) && (isDigit(raw[end]) || bytes.IndexByte([]byte("+-.eE"), raw[end]) >= 0) {
				end++
			}
			native, same, err := nativeNumber(raw[i:end])
			if err != nil {
				return dst, false, err
			}
			if !same {
				dst = append(append(dst, raw[start:i]...), native...)
				start, changed = end, true
			}
			i = end
		default:
			i++
		}
	}
	if !changed {
		return dst, false, nil
	}
	return append(dst, raw[start:]...), true, nil
}

// nativeNumber is what a JSON number becomes in 64 bits; same spares the text.
func nativeNumber(text []byte) (native []byte, same bool, refused *valueError) {
	if !bytes.ContainsAny(text, ".eE") {
		if len(text) <= 18 {
			return nil, true, nil
		}
		if _, err := strconv.ParseInt(string(text), 10, 64); err == nil {
			return nil, true, nil
		}
		if _, err := strconv.ParseUint(string(text), 10, 64); err == nil {
			return nil, true, nil
		}
	}
	f, err := strconv.ParseFloat(string(text), 64)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return nil, false, badValue("22P02", "invalid input syntax for type json: number out of range: %q", text)
	case errors.Is(err, strconv.ErrSyntax): // the backend refuses it
		native = text
	default:
		native = appendFloat(nil, f)
	}
	return native, bytes.Equal(native, text), nil
}

// appendFloat writes a float as DB9's printer does: 100.0, 1e16.
func appendFloat(dst []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, "NaN"...)
	case math.IsInf(f, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(f, -1):
		return append(dst, "-Infinity"...)
	}
	if a := math.Abs(f); a != 0 && (a < 1e-5 || a >= 1e16) {
		s := strconv.AppendFloat(nil, f, 'e', -1, 64)
		mantissa, exponent, _ := bytes.Cut(s, []byte("e"))
		return fmt.Appendf(dst, "%se%d", mantissa, atoi(exponent))
	}
	from := len(dst)
	dst = strconv.AppendFloat(dst, f, 'f', -1, 64)
	if bytes.IndexByte(dst[from:], '.') < 0 {
		dst = append(dst, ".0"...)
	}
	return dst
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }

func isHex(s []byte) bool {
	for _, b := range s {
		if !isDigit(b) && (b|0x20 < 'a' || b|0x20 > 'f') {
			return false
		}
	}
	return true
}

// atoi reads what must be a small number; anything else is 0.
func atoi(s []byte) int {
	n, err := strconv.Atoi(string(s))
	if err != nil {
		return 0
	}
	return n
}
