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
)

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
		switch canon {
		case Text:
		case Float4:
			c.fields = append(c.fields, fieldCanon{i, appendFloat4})
		case Float4Array:
			c.fields = append(c.fields, fieldCanon{i, appendFloat4Array})
		default:
			return nil, fmt.Errorf("column %d has the canonical form %q, which this version does not know", i+1, string(canon))
		}
	}
	return c, nil
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
var null = []byte(`\N`)

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
