package digest

import (
	"bytes"
	"strconv"
	"strings"
)

func appendBool(dst, value []byte) ([]byte, bool) {
	switch string(value) {
	case "t", "true":
		return append(dst, 't'), true
	case "f", "false":
		return append(dst, 'f'), true
	}
	return dst, false
}

// special reads the words of numbers that are none.
func special(value []byte) (string, bool) {
	if len(value) == 0 || len(value) > len("-infinity") {
		return "", false
	}
	switch strings.ToLower(string(value)) {
	case "nan":
		return "NaN", true
	case "infinity", "inf", "+infinity", "+inf":
		return "Infinity", true
	case "-infinity", "-inf":
		return "-Infinity", true
	}
	return "", false
}

// appendFloat8 takes a value that double precision does not hold for what it
// is: another one.
func appendFloat8(dst, value []byte) ([]byte, bool) {
	if !isDecimal(value) {
		word, ok := special(value)
		return append(dst, word...), ok
	}
	f, err := strconv.ParseFloat(string(value), 64)
	if err != nil || f == 0 && bytes.ContainsAny(mantissa(value), "123456789") {
		return dst, false
	}
	return strconv.AppendFloat(dst, f, 'g', -1, 64), true
}

// exponentDigits bounds the exponents that are read: numeric has fewer than
// 132,000 digits before its point, and 16,384 behind.
const exponentDigits = 7

// appendNumeric writes a decimal as its digits without zeros at either end, and
// the power of ten of the last one: 1.50 and 15e-1 are 15e-1.
func appendNumeric(dst, value []byte) ([]byte, bool) {
	rest := value
	negative := false
	if len(rest) > 0 && (rest[0] == '-' || rest[0] == '+') {
		negative = rest[0] == '-'
		rest = rest[1:]
	}
	if len(rest) == 0 || rest[0] != '.' && (rest[0] < '0' || rest[0] > '9') {
		word, ok := special(value)
		return append(dst, word...), ok
	}
	exponent := 0
	if i := bytes.IndexAny(rest, "eE"); i >= 0 {
		e, err := strconv.Atoi(string(rest[i+1:]))
		if err != nil || len(rest)-i-1 > exponentDigits {
			return dst, false
		}
		rest, exponent = rest[:i], e
	}
	whole, fraction, _ := bytes.Cut(rest, []byte("."))
	if len(whole)+len(fraction) == 0 || !digitsOnly(whole) || !digitsOnly(fraction) {
		return dst, false
	}
	exponent -= len(fraction)
	for len(fraction) > 0 && fraction[len(fraction)-1] == '0' {
		fraction = fraction[:len(fraction)-1]
		exponent++
	}
	if len(fraction) == 0 {
		for len(whole) > 0 && whole[len(whole)-1] == '0' {
			whole = whole[:len(whole)-1]
			exponent++
		}
	}
	whole = bytes.TrimLeft(whole, "0")
	if len(whole) == 0 {
		fraction = bytes.TrimLeft(fraction, "0")
	}
	if len(whole)+len(fraction) == 0 {
		return append(dst, '0'), true
	}
	if negative {
		dst = append(dst, '-')
	}
	dst = append(append(dst, whole...), fraction...)
	if exponent != 0 {
		dst = strconv.AppendInt(append(dst, 'e'), int64(exponent), 10)
	}
	return dst, true
}

func digitsOnly(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}
