package digest

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// Canon names the canonical form of a column: the text under which the value
// that left the source and the value that the target gives back are equal when
// nothing but the announced loss happened.
type Canon string

// The canonical forms. The empty Canon is the COPY TEXT form itself.
const (
	Text        Canon = ""         // compared byte for byte
	Float4      Canon = "float4"   // rounded to single precision, shortest text
	Float4Array Canon = "float4[]" // each element of an array (or of a vector) as Float4; shape and bounds as they are

	// The forms of a target that prints values in its own way (db9.md section 4).
	Bool        Canon = "bool"        // t or f, also from true and false
	Float8      Canon = "float8"      // shortest text of the double precision value; -0 is not 0
	Numeric     Canon = "numeric"     // by value, whatever the scale: 1.50 is 1.5
	Time        Canon = "time"        // without trailing zeros of the fraction
	Timestamp   Canon = "timestamp"   // without trailing zeros of the fraction
	TimestampTZ Canon = "timestamptz" // as Timestamp, in UTC: the session's zone on both sides
	Interval    Canon = "interval"    // months, and all else as seconds: a day is 24 hours
	// IntervalDays is Interval for a target that keeps days apart: months, days, seconds.
	IntervalDays Canon = "interval-days"
	JSONB        Canon = "jsonb" // keys in order of their bytes, numbers by value, no blanks

	// Array is ArrayOf(Text).
	Array Canon = arraySuffix
)

const arraySuffix = "[]"

// ArrayOf is the form of an array whose elements have this one, all but NULL in
// quotes; shape and bounds stay as they are.
func ArrayOf(element Canon) Canon { return element + arraySuffix }

// forms are the forms of one value. They take the value itself, not its COPY
// TEXT: what they write holds no tab and no line end.
var forms = map[Canon]form{
	Bool: appendBool, Float8: appendFloat8, Numeric: appendNumeric, Time: appendTime, Timestamp: appendTimestamp,
	TimestampTZ: appendTimestampTZ, Interval: appendInterval, IntervalDays: appendIntervalDays,
}

// form appends the canonical text of a value to dst. It is not ok with a text
// that it cannot read, and may then have appended a part.
type form func(dst, value []byte) (out []byte, ok bool)

// RowCanon brings the rows of one table into canonical form, column by column.
// It holds a buffer, so each goroutine needs its own.
type RowCanon struct {
	fields []fieldCanon // the columns that are not Text, by index; empty is the hot path
	buf    []byte
}

type fieldCanon struct {
	index   int
	rewrite func(dst, field []byte) []byte
}

// ForRow returns the canonical form of rows whose columns have these forms, in
// the order in which they stand in the row. A form that this version does not
// know is an error: comparing by another one would call different values equal.
func ForRow(canons []Canon) (*RowCanon, error) {
	c := &RowCanon{}
	for i, canon := range canons {
		if canon == Text {
			continue
		}
		rewrite := rewriter(canon)
		if rewrite == nil {
			return nil, fmt.Errorf("column %d has the canonical form %q, which this version does not know", i+1, string(canon))
		}
		c.fields = append(c.fields, fieldCanon{i, rewrite})
	}
	return c, nil
}

// rewriter returns the function that brings a field of COPY TEXT into a form;
// nil for a form that is not known. The function has buffers of its own.
func rewriter(canon Canon) func(dst, field []byte) []byte {
	if canon == Float4 {
		return appendFloat4
	}
	if canon == Float4Array {
		return appendFloat4Array
	}
	if f := forms[canon]; f != nil {
		return plainField(f)
	}
	if f := nested(canon); f != nil {
		return escapedField(f)
	}
	return nil
}

// nested returns the form of values whose text may hold any character.
func nested(canon Canon) form {
	if canon == JSONB {
		return (&jsonForm{}).append
	}
	element, ok := strings.CutSuffix(string(canon), arraySuffix)
	if !ok {
		return nil
	}
	switch inner := forms[Canon(element)]; {
	case Canon(element) == Text:
		return (&arrayForm{}).append
	case Canon(element) == JSONB:
		return (&arrayForm{element: (&jsonForm{}).append}).append
	case inner != nil:
		return (&arrayForm{element: inner}).append
	}
	return nil
}

// plainField is the rewriter of a form whose texts have nothing that COPY
// escapes: what has is none of them.
func plainField(f form) func(dst, field []byte) []byte {
	return func(dst, field []byte) []byte {
		if bytes.Equal(field, null) {
			return append(dst, field...)
		}
		if out, ok := f(dst, field); ok {
			return out
		}
		return append(dst, field...)
	}
}

// escapedField is the rewriter of a form over any text.
func escapedField(f form) func(dst, field []byte) []byte {
	var value, out []byte
	return func(dst, field []byte) []byte {
		if bytes.Equal(field, null) {
			return append(dst, field...)
		}
		value = AppendUnescaped(value[:0], field)
		var ok bool
		if out, ok = f(out[:0], value); !ok {
			return append(dst, field...)
		}
		return AppendEscaped(dst, out)
	}
}

// Verbatim reports whether rows are their own canonical form.
func (c *RowCanon) Verbatim() bool { return len(c.fields) == 0 }

// Row returns the canonical form of one row in COPY TEXT form, without its
// line end. The result is the row itself when all columns are Text; else it is
// valid until the next call.
func (c *RowCanon) Row(row []byte) []byte {
	if len(c.fields) == 0 { // small enough to be inlined: rows without such columns pay nothing
		return row
	}
	return c.rewrite(row)
}

// rewrite replaces the fields that have a form of their own. A tab inside a
// value travels as \t, so each tab byte ends a field. A field that its form
// cannot read stays as it is: its text then decides, which can only find
// differences, not hide them.
func (c *RowCanon) rewrite(row []byte) []byte {
	dst := c.buf[:0]
	index := 0
	for _, f := range c.fields {
		for ; index < f.index; index++ {
			tab := bytes.IndexByte(row, '\t')
			if tab < 0 { // fewer fields than columns
				dst = append(dst, row...)
				c.buf = dst
				return dst
			}
			dst = append(dst, row[:tab+1]...)
			row = row[tab+1:]
		}
		field := row
		if tab := bytes.IndexByte(row, '\t'); tab >= 0 {
			field = row[:tab]
		}
		dst = f.rewrite(dst, field)
		row = row[len(field):]
	}
	dst = append(dst, row...)
	c.buf = dst
	return dst
}

// appendFloat4 appends the shortest text of the field's value in single
// precision. Decimal text is rounded once, straight to single precision: going
// by way of double precision could round twice.
func appendFloat4(dst, field []byte) []byte {
	switch {
	case bytes.Equal(field, null):
		return append(dst, field...)
	case isDecimal(field):
		f, err := strconv.ParseFloat(string(field), 32)
		// What single precision cannot hold is no rounded value but another one:
		// 1e39 is not Infinity, nor is 1e-60 zero.
		if err != nil || f == 0 && bytes.ContainsAny(mantissa(field), "123456789") {
			return append(dst, field...)
		}
		return strconv.AppendFloat(dst, f, 'g', -1, 32)
	case len(field) > len("-infinity"):
		return append(dst, field...)
	}
	switch word := strings.ToLower(string(field)); word {
	case "nan":
		return append(dst, "NaN"...)
	case "infinity", "inf", "+infinity", "+inf":
		return append(dst, "Infinity"...)
	case "-infinity", "-inf":
		return append(dst, "-Infinity"...)
	}
	return append(dst, field...)
}

// null is NULL in COPY TEXT. The text \N itself travels as \\N.
var null = []byte(Null)

// isDecimal reports whether the field is made of the characters of a decimal
// number. strconv would take more: hexadecimal, underscores, words.
func isDecimal(field []byte) bool {
	for _, b := range field {
		if (b < '0' || b > '9') && b != '.' && b != '-' && b != '+' && b != 'e' && b != 'E' {
			return false
		}
	}
	return len(field) > 0
}

func mantissa(field []byte) []byte {
	if i := bytes.IndexAny(field, "eE"); i >= 0 {
		return field[:i]
	}
	return field
}

// appendFloat4Array appends an array's text ("{1.5,NULL}", "[0:1]={1,2}",
// nested) or a vector's ("[1,2]") with each element as Float4. NULL and the
// bounds are no numbers and stay.
func appendFloat4Array(dst, field []byte) []byte {
	for len(field) > 0 {
		end := bytes.IndexAny(field, "{}[],=")
		if end < 0 {
			end = len(field)
		}
		if end > 0 {
			dst = appendFloat4(dst, field[:end])
		}
		if end < len(field) {
			dst = append(dst, field[end])
			end++
		}
		field = field[end:]
	}
	return dst
}
