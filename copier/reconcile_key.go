package copier

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
	"github.com/pg2db9/pg2db9/verify/digest"
)

// NotByKeyError is a table whose rows cannot be reconciled by key: it has none,
// or one that the two servers may order differently. It is loaded anew instead.
type NotByKeyError struct {
	Table catalog.Name
	Why   string
}

// Error implements error.
func (e *NotByKeyError) Error() string {
	return fmt.Sprintf("table %s cannot be reconciled by key (%s): load it anew", e.Table, e.Why)
}

// keyOrder is how the values of a key column are ordered, on both servers and
// here.
type keyOrder int

const (
	orderInteger keyOrder = iota + 1
	orderNumeric
	orderText   // by the bytes of UTF-8
	orderPadded // as orderText, blanks at the end do not count
	orderPlain  // the text of the value sorts as the value does
	orderDate
	orderMoment
)

// keyType is a type of the target that keys may have.
type keyType struct {
	order keyOrder
	canon digest.Canon // under which texts of equal values are equal
	from  []string     // types of the source, by pg_type.typname, whose order is the same
}

var (
	integerTypes = []string{"int2", "int4", "int8"}
	textTypes    = []string{"text", "varchar", "bpchar", "name"}
	// printedTypes are those whose cast to text gives what COPY gives, texts among them.
	printedTypes = append(slices.Concat(textTypes, integerTypes), "numeric", "uuid", "bytea", "date", "time", "timestamp", "timestamptz")
)

// keyTypes are the types of keys, by format_type's text without modifier. What
// is missing has an order that servers need not share (floats with their NaN,
// enums, collations of their own), or another equality than that of its text.
var keyTypes = map[string]keyType{
	"smallint": {order: orderInteger, from: integerTypes}, "integer": {order: orderInteger, from: integerTypes}, "bigint": {order: orderInteger, from: integerTypes},
	"numeric": {order: orderNumeric, canon: digest.Numeric, from: []string{"numeric"}},
	"text":    {order: orderText, from: printedTypes}, "character varying": {order: orderText, from: printedTypes}, "name": {order: orderText, from: textTypes},
	"character":                   {order: orderPadded, from: textTypes},
	"uuid":                        {order: orderPlain, from: []string{"uuid"}},
	"boolean":                     {order: orderPlain, canon: digest.Bool, from: []string{"bool"}},
	"bytea":                       {order: orderPlain, from: []string{"bytea"}}, // hexadecimal
	"time without time zone":      {order: orderPlain, canon: digest.Time, from: []string{"time"}},
	"date":                        {order: orderDate, from: []string{"date"}},
	"timestamp without time zone": {order: orderMoment, canon: digest.Timestamp, from: []string{"timestamp"}},
	"timestamp with time zone":    {order: orderMoment, canon: digest.TimestampTZ, from: []string{"timestamptz"}},
}

// keyField is a column of a table's key.
type keyField struct {
	name  string // on the target
	field int    // its place among the transfer's columns
	order keyOrder
	canon *digest.RowCanon
}

// sortKey turns the keys of rows into bytes that sort as the keys do. It holds
// buffers, so each goroutine needs its own.
type sortKey struct {
	table  catalog.Name
	fields []keyField
	value  []byte
}

// sortKeyOf returns the key of a transfer, or a NotByKeyError.
func sortKeyOf(t *ddlgen.Transfer) (*sortKey, error) {
	k := &sortKey{table: t.Target}
	if len(t.Key) == 0 {
		return nil, k.refuse("it has no primary key, and no unique key whose columns are NOT NULL")
	}
	for _, name := range t.Key {
		i := slices.IndexFunc(t.Columns, func(c ddlgen.ColumnTransfer) bool { return c.Target == name })
		if i < 0 {
			return nil, k.refuse("column %s of its key is not copied", name)
		}
		c := &t.Columns[i]
		typ, known := keyTypes[withoutModifier(c.TargetType)]
		if !known {
			return nil, k.refuse("column %s of its key is of type %s", name, c.TargetType)
		}
		// A cast in Select gives the target's type; a domain has the order of what is
		// under it, and that is what the target has.
		if s := c.SourceType; s != nil && c.Select == quote.Ident(c.Source) && s.Kind != catalog.KindDomain &&
			(s.Array || !slices.Contains(typ.from, s.Name.Name)) {
			return nil, k.refuse("column %s of its key is %s on the source and %s on the target", name, s.Text, c.TargetType)
		}
		if c.ReadBack != quote.Ident(name) {
			return nil, k.refuse("column %s of its key is read back as %s", name, c.ReadBack)
		}
		canon, err := digest.ForRow([]digest.Canon{typ.canon})
		if err != nil {
			return nil, err
		}
		k.fields = append(k.fields, keyField{name: name, field: i, order: typ.order, canon: canon})
	}
	return k, nil
}

func (k *sortKey) refuse(why string, args ...any) error {
	return &NotByKeyError{Table: k.table, Why: fmt.Sprintf(why, args...)}
}

// withoutModifier is a type's text without what stands in parentheses.
func withoutModifier(typ string) string {
	open, end := strings.IndexByte(typ, '('), strings.IndexByte(typ, ')')
	if open < 0 || end < open {
		return typ
	}
	return typ[:open] + typ[end+1:]
}

// orderBy lists the key for ORDER BY, each column's expression given by expr. A
// database in another encoding than UTF-8 is asked for the bytes that arrive.
func (k *sortKey) orderBy(encoding string, expr func(f keyField) string) string {
	list := make([]string, len(k.fields))
	for i, f := range k.fields {
		switch list[i] = expr(f); {
		case f.order != orderText && f.order != orderPadded:
		case encoding == "UTF8" || encoding == "SQL_ASCII":
			list[i] += `::pg_catalog.text COLLATE "C"`
		default:
			list[i] = fmt.Sprintf("pg_catalog.convert_to(%s::pg_catalog.text, 'UTF8')", list[i])
		}
	}
	return strings.Join(list, ", ")
}

// encode appends the key of a row, given by its fields in COPY TEXT form, as
// bytes that compare as the keys do. It is not ok with a value that it cannot
// read, NULL above all.
func (k *sortKey) encode(dst []byte, values [][]byte) (_ []byte, ok bool) {
	for i, f := range k.fields {
		if string(values[i]) == digest.Null {
			return dst, false
		}
		k.value = digest.AppendUnescaped(k.value[:0], f.canon.Row(values[i]))
		if dst, ok = f.order.encode(dst, k.value); !ok {
			return dst, false
		}
	}
	return dst, true
}

// end stands behind a value of no fixed length: below every byte that can follow
// in a longer one, so that a beginning sorts first.
const end = 0

func (order keyOrder) encode(dst, value []byte) ([]byte, bool) {
	switch order {
	case orderInteger:
		n, err := strconv.ParseInt(string(value), 10, 64)
		return appendOrdered(dst, n), err == nil
	case orderNumeric:
		return encodeNumeric(dst, value)
	case orderPadded:
		value = bytes.TrimRight(value, " ")
	case orderDate:
		return encodeMoment(dst, value)
	case orderMoment:
		return encodeMoment(dst, value)
	case orderText, orderPlain:
	}
	return append(append(dst, value...), end), true
}

// appendOrdered appends a number of fixed length, negative ones first.
func appendOrdered(dst []byte, n int64) []byte {
	return binary.BigEndian.AppendUint64(dst, uint64(n)^1<<63) //nolint:gosec // its bits
}

// The classes of numeric, in order.
const (
	numericMinusInfinity byte = iota + 1
	numericNegative
	numericZero
	numericPositive
	numericInfinity
	numericNaN
)

// encodeNumeric takes digest.Numeric's form: digits without zeros at either
// end, and the power of ten of the last one.
func encodeNumeric(dst, value []byte) ([]byte, bool) {
	switch string(value) {
	case "NaN":
		return append(dst, numericNaN), true
	case "Infinity":
		return append(dst, numericInfinity), true
	case "-Infinity":
		return append(dst, numericMinusInfinity), true
	case "0":
		return append(dst, numericZero), true
	}
	digits, negative := bytes.CutPrefix(value, []byte("-"))
	digits, power, scaled := bytes.Cut(digits, []byte("e"))
	exponent := 0
	if scaled {
		var err error
		if exponent, err = strconv.Atoi(string(power)); err != nil {
			return dst, false
		}
	}
	if len(digits) == 0 || bytes.ContainsFunc(digits, func(r rune) bool { return r < '0' || r > '9' }) {
		return dst, false
	}
	class := numericPositive
	if negative {
		class = numericNegative
	}
	dst = append(dst, class)
	from := len(dst)
	dst = appendOrdered(dst, int64(len(digits)+exponent))
	dst = append(append(dst, digits...), end)
	if negative { // the larger its size, the smaller it is
		for i := from; i < len(dst); i++ {
			dst[i] ^= math.MaxUint8
		}
	}
	return dst, true
}

// The classes of dates and timestamps, in order.
const (
	momentMinusInfinity byte = iota + 1
	momentFinite
	momentInfinity
)

// encodeMoment takes a date or a timestamp in ISO form, in UTC: what stands
// behind the year has a fixed form, but for the fraction at its end.
func encodeMoment(dst, value []byte) ([]byte, bool) {
	switch string(value) {
	case "-infinity":
		return append(dst, momentMinusInfinity), true
	case "infinity":
		return append(dst, momentInfinity), true
	}
	rest, before := bytes.CutSuffix(value, []byte(" BC"))
	rest = bytes.TrimSuffix(rest, []byte("+00"))
	digits, rest, ok := bytes.Cut(rest, []byte("-"))
	year, err := strconv.ParseInt(string(digits), 10, 64)
	if !ok || err != nil {
		return dst, false
	}
	if before {
		year = 1 - year
	}
	dst = appendOrdered(append(dst, momentFinite), year)
	return append(append(dst, rest...), end), true
}
