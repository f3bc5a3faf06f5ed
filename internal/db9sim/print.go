package db9sim

import (
	"bytes"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/jackc/pgx/v5/pgtype"
)

// A printer appends a value as DB9 prints it, from what PostgreSQL prints.
type printer func(dst, value []byte) []byte

// printerOf chooses the printer of a type, by its name in pg_type, nil for
// PostgreSQL's own. In COPY a timestamptz has no offset.
func (s *session) printerOf(typ string, inCopy bool) printer {
	on := s.sim.rules.On
	switch typ {
	case "timestamp":
		if on("timestamp-output") {
			return sixDigits
		}
	case "timestamptz":
		switch {
		case inCopy && on("timestamptz-output"):
			return withoutOffset
		case on("timestamp-output"):
			return sixDigits
		}
	case "float8", "float4":
		if on("float-output") {
			return printFloat
		}
	case "interval":
		if on("interval-output") {
			return printInterval
		}
	case "_text", "_varchar":
		if on("array-output") {
			return printArray
		}
	case "jsonb":
		if on("jsonb-output") {
			return printJSONB
		}
	}
	return nil
}

var printedTypes = map[uint32]string{
	pgtype.TimestampOID: "timestamp", pgtype.TimestamptzOID: "timestamptz", pgtype.Float8OID: "float8", pgtype.Float4OID: "float4",
	pgtype.IntervalOID: "interval", pgtype.TextArrayOID: "_text", pgtype.VarcharArrayOID: "_varchar", pgtype.JSONBOID: "jsonb",
}

// print turns the text values of a row into DB9's.
func (s *session) print(desc *pgproto3.RowDescription, row *pgproto3.DataRow) {
	if desc == nil || len(desc.Fields) != len(row.Values) {
		return
	}
	for i := range desc.Fields {
		f := &desc.Fields[i]
		typ, known := printedTypes[f.DataTypeOID]
		if !known || f.Format != 0 || row.Values[i] == nil {
			continue
		}
		if p := s.printerOf(typ, false); p != nil {
			row.Values[i] = p(nil, row.Values[i])
		}
	}
}

// linePrinter turns lines of COPY TO into DB9's.
type linePrinter struct {
	printers []printer
	out      []byte
	value    []byte
	printed  []byte
}

// linePrinter is the one for the columns of a COPY TO, nil where all are
// printed as PostgreSQL does.
func (s *session) newLinePrinter(columns []copyColumn) *linePrinter {
	p := &linePrinter{printers: make([]printer, len(columns))}
	some := false
	for i, c := range columns {
		p.printers[i] = s.printerOf(c.typ, true)
		some = some || p.printers[i] != nil
	}
	if !some {
		return nil
	}
	return p
}

// line prints one line again. What it returns is good until the next one.
func (p *linePrinter) line(line []byte) []byte {
	line, end := bytes.CutSuffix(line, []byte{'\n'})
	p.out = p.out[:0]
	for i := 0; ; i++ {
		field, rest, more := bytes.Cut(line, []byte{'\t'})
		if i < len(p.printers) && p.printers[i] != nil && string(field) != `\N` {
			p.value = unescapeText(p.value[:0], field, true)
			p.printed = p.printers[i](p.printed[:0], p.value)
			p.out = escapeText(p.out, p.printed)
		} else {
			p.out = append(p.out, field...)
		}
		if !more {
			break
		}
		p.out = append(p.out, '\t')
		line = rest
	}
	if end {
		p.out = append(p.out, '\n')
	}
	return p.out
}

// sixDigits gives the seconds of a timestamp six decimals.
func sixDigits(dst, value []byte) []byte {
	colon := bytes.LastIndexByte(value[:min(len(value), bytes.IndexByte(value, ' ')+9)], ':')
	if colon < 0 || colon+3 > len(value) {
		return append(dst, value...)
	}
	seconds := colon + 3
	digits := 0
	dst = append(dst, value[:seconds]...)
	rest := value[seconds:]
	if len(rest) > 0 && rest[0] == '.' {
		for digits+1 < len(rest) && isDigit(rest[digits+1]) {
			digits++
		}
		dst = append(dst, rest[:digits+1]...)
		rest = rest[digits+1:]
	} else {
		dst = append(dst, '.')
	}
	dst = append(dst, "000000"[digits:]...)
	return append(dst, rest...)
}

// withoutOffset prints a timestamptz in UTC, as if it had no zone.
func withoutOffset(dst, value []byte) []byte {
	for _, layout := range []string{"2006-01-02 15:04:05.999999-07", "2006-01-02 15:04:05.999999-07:00", "2006-01-02 15:04:05.999999-07:00:00"} {
		if t, err := time.Parse(layout, string(value)); err == nil {
			return t.UTC().AppendFormat(dst, "2006-01-02 15:04:05.000000")
		}
	}
	return append(dst, value...)
}

func printFloat(dst, value []byte) []byte {
	f, err := strconv.ParseFloat(string(value), 64)
	if err != nil {
		return append(dst, value...)
	}
	return appendFloat(dst, f)
}

// printInterval folds days into hours.
func printInterval(dst, value []byte) []byte {
	months, ms, _, ok := monthsAndMS(value)
	if !ok {
		return append(dst, value...)
	}
	return appendInterval(dst, months, ms)
}

// printArray puts every element in quotes, but NULL.
func printArray(dst, value []byte) []byte {
	if len(value) < 2 || value[0] != '{' || bytes.IndexByte(value[1:], '{') == 0 {
		return append(dst, value...)
	}
	dst = append(dst, '{')
	for body := value[1 : len(value)-1]; len(body) > 0; {
		var element []byte
		var quoted, more bool
		element, quoted, body, more = nextElement(body)
		if !quoted && string(element) == "NULL" {
			dst = append(dst, "NULL"...)
		} else {
			dst = appendQuoted(dst, element)
		}
		if more {
			dst = append(dst, ',')
		}
	}
	return append(dst, '}')
}

// printJSONB sorts the keys of objects by their bytes; PostgreSQL has the
// shorter ones first.
func printJSONB(dst, value []byte) []byte {
	p := jsonPrinter{text: value}
	out, ok := p.value(dst)
	if !ok {
		return append(dst, value...)
	}
	return out
}

type jsonPrinter struct {
	text []byte
	at   int
}

func (p *jsonPrinter) space() {
	for p.at < len(p.text) && (p.text[p.at] == ' ' || p.text[p.at] == ':' || p.text[p.at] == ',') {
		p.at++
	}
}

func (p *jsonPrinter) value(dst []byte) ([]byte, bool) {
	p.space()
	if p.at >= len(p.text) {
		return dst, false
	}
	switch p.text[p.at] {
	case '{':
		return p.object(dst)
	case '[':
		return p.array(dst)
	case '"':
		return append(dst, p.quoted()...), true
	}
	from := p.at
	for p.at < len(p.text) && bytes.IndexByte([]byte(",]} "), p.text[p.at]) < 0 {
		p.at++
	}
	return append(dst, p.text[from:p.at]...), p.at > from
}

// quoted is the string that begins here, as it is written.
func (p *jsonPrinter) quoted() []byte {
	from := p.at
	for p.at++; p.at < len(p.text) && p.text[p.at] != '"'; p.at++ {
		if p.text[p.at] == '\\' {
			p.at++
		}
	}
	p.at = min(p.at+1, len(p.text))
	return p.text[from:p.at]
}

func (p *jsonPrinter) array(dst []byte) ([]byte, bool) {
	dst = append(dst, '[')
	p.at++
	for first := true; ; first = false {
		p.space()
		if p.at >= len(p.text) {
			return dst, false
		}
		if p.text[p.at] == ']' {
			p.at++
			return append(dst, ']'), true
		}
		if !first {
			dst = append(dst, ", "...)
		}
		var ok bool
		if dst, ok = p.value(dst); !ok {
			return dst, false
		}
	}
}

func (p *jsonPrinter) object(dst []byte) ([]byte, bool) {
	var members [][]byte // "key": value
	p.at++
	for {
		p.space()
		if p.at >= len(p.text) {
			return dst, false
		}
		if p.text[p.at] == '}' {
			p.at++
			break
		}
		member := append(slices.Clone(p.quoted()), ": "...)
		member, ok := p.value(member)
		if !ok {
			return dst, false
		}
		members = append(members, member)
	}
	slices.SortFunc(members, func(a, b []byte) int { return bytes.Compare(a[1:], b[1:]) })
	dst = append(dst, '{')
	for i, m := range members {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = append(dst, m...)
	}
	return append(dst, '}'), true
}
