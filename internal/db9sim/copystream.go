package db9sim

import (
	"bytes"
	"unicode/utf8"
)

// copySwitches is which rules a COPY runs under.
type copySwitches struct {
	hold, rotate, byRow                       bool
	skipRows, emptyLine, lyingTag, nullIsNone bool
	utf8, hexEscape, csvLines, csvUnescape    bool
	timestampMS, specials, time, interval     bool
	numeric, jsonb, bytea, arrays             bool
	rowLimit, keyLimit, lineLimit, txLimit    bool
}

func newCopySwitches(on func(string) bool) copySwitches {
	return copySwitches{
		hold: on("copy-held"), rotate: on("copy-rotation"), byRow: on("copy-by-row"),
		skipRows: on("copy-field-count"), emptyLine: on("copy-empty-line"), lyingTag: on("copy-tag"), nullIsNone: on("copy-null-default"),
		utf8: on("copy-invalid-utf8"), hexEscape: on("copy-hex-escape"), csvLines: on("copy-csv-lines"), csvUnescape: on("copy-csv-unescape"),
		timestampMS: on("timestamp-cut"), specials: on("timestamp-specials"), time: on("time-strict"), interval: on("interval-ms"),
		numeric: on("numeric-28"), jsonb: on("jsonb-numbers"), bytea: on("bytea-literal"), arrays: on("array-guess"),
		rowLimit: on("row-limit"), keyLimit: on("key-limit"), lineLimit: on("line-limit"), txLimit: on("transaction-limit"),
	}
}

// any reports whether a COPY is anything but PostgreSQL's.
func (r copySwitches) any() bool { return r != copySwitches{} }

// copyColumn is a column that a COPY fills.
type copyColumn struct {
	name       string
	typ        string // as pg_type has it, a domain's base type
	hasDefault bool   // or is an identity
	fix        fixer
}

// copyStream makes of the bytes that a client sends rows in COPY TEXT that the
// backend is sent, in segments that are committed one by one.
type copyStream struct {
	rules   copySwitches
	sizes   sizes
	format  copyFormat
	columns []copyColumn
	keys    [][]int // columns of each index, counted from 0
	rotate  int     // rows a segment, 0 is all in one
	txBytes int     // that the transaction wrote before

	touch    bool // a column has something to be looked at
	pending  []byte
	crlf     bool
	ended    bool // by \.
	lines    int64
	dropped  int64 // lines that became no row, in silence
	rows     int64
	bytes    int // of all segments
	segments []*segment
	full     int // segments at the front that take no more rows

	bounds  []int
	scratch []byte
	omit    []int
}

// segment is what is committed at once.
type segment struct {
	firstLine int64
	rows      int64
	groups    []*group
}

// group is the rows of a segment that leave the same columns to their defaults.
type group struct {
	omit []int
	rows int64
	data []byte
}

func newCopyStream(rules copySwitches, sizes sizes, format copyFormat, columns []copyColumn, keys [][]int) *copyStream {
	c := &copyStream{rules: rules, sizes: sizes, format: format, columns: columns, keys: keys}
	for i := range columns {
		columns[i].fix = rules.fixer(columns[i].typ)
		if columns[i].fix != nil || rules.nullIsNone && columns[i].hasDefault {
			c.touch = true
		}
	}
	return c
}

// write takes the next bytes of the client's.
func (c *copyStream) write(data []byte) *valueError {
	for len(data) > 0 && !c.ended {
		i := bytes.IndexByte(data, '\n')
		if i < 0 {
			c.pending = append(c.pending, data...)
			return c.lineSize(c.pending)
		}
		line := data[:i]
		data = data[i+1:]
		if len(c.pending) > 0 {
			c.pending = append(c.pending, line...)
			line = c.pending
		}
		if c.continues(line) {
			if len(c.pending) == 0 {
				c.pending = append(c.pending, line...)
			}
			c.pending = append(c.pending, '\n')
			continue
		}
		if err := c.line(line); err != nil {
			return err
		}
		c.pending = c.pending[:0]
	}
	return nil
}

// finish takes a last line without an end.
func (c *copyStream) finish() *valueError {
	if len(c.pending) == 0 || c.ended {
		return nil
	}
	return c.line(c.pending)
}

// continues reports whether a line goes on behind its end: the end is escaped,
// or stands in quotes.
func (c *copyStream) continues(line []byte) bool {
	if c.format.csv {
		return !c.rules.csvLines && c.format.openQuotes(line)
	}
	n := 0
	for n < len(line) && line[len(line)-1-n] == '\\' {
		n++
	}
	return n%2 == 1
}

func (c *copyStream) lineSize(line []byte) *valueError {
	if c.rules.lineLimit && len(line) > c.sizes.line {
		return badValue("54000", "COPY line %d exceeds the limit of %d bytes", c.lines+1, c.sizes.line)
	}
	return nil
}

// line takes one line without its end.
func (c *copyStream) line(line []byte) *valueError {
	if err := c.lineSize(line); err != nil {
		return err
	}
	c.lines++
	if last := len(line) - 1; last >= 0 && line[last] == '\r' && (c.crlf || c.lines == 1) {
		c.crlf = true
		line = line[:last]
	}
	switch {
	case c.lines == 1 && c.format.header:
		return nil
	case len(line) == 2 && line[0] == '\\' && line[1] == '.':
		c.ended = true
		return nil
	case len(line) == 0 && c.rules.emptyLine && len(c.columns) == 1:
		c.dropped++
		return nil
	}
	if c.rules.utf8 && !utf8.Valid(line) {
		line = replaceInvalid(line)
	}
	if !c.format.plain() {
		var err *valueError
		if line, err = c.plainLine(line); err != nil {
			return err
		}
	}
	if !c.format.csv && c.rules.hexEscape {
		line = dropHexEscapes(line)
	}
	if c.rules.skipRows && c.count(line) != max(len(c.columns), 1) {
		c.dropped++
		return nil
	}
	return c.row(line)
}

// replaceInvalid puts U+FFFD in the place of each byte that is not UTF-8.
func replaceInvalid(line []byte) []byte {
	out := make([]byte, 0, len(line)+8)
	for len(line) > 0 {
		r, n := utf8.DecodeRune(line)
		if r == utf8.RuneError && n == 1 {
			out = append(out, "\uFFFD"...)
		} else {
			out = append(out, line[:n]...)
		}
		line = line[n:]
	}
	return out
}

// count is how many fields a line has. A tab behind a backslash is part of one.
func (c *copyStream) count(line []byte) int {
	if bytes.IndexByte(line, '\\') < 0 {
		return bytes.Count(line, []byte{'\t'}) + 1
	}
	return c.split(line)
}

// split notes where the fields of a line end, and how many they are.
func (c *copyStream) split(line []byte) int {
	c.bounds = c.bounds[:0]
	if bytes.IndexByte(line, '\\') < 0 {
		for from := 0; ; {
			i := bytes.IndexByte(line[from:], '\t')
			if i < 0 {
				break
			}
			c.bounds = append(c.bounds, from+i)
			from += i + 1
		}
	} else {
		for i := 0; i < len(line); i++ {
			switch line[i] {
			case '\\':
				i++
			case '\t':
				c.bounds = append(c.bounds, i)
			}
		}
	}
	c.bounds = append(c.bounds, len(line))
	return len(c.bounds)
}

// row adds a line in COPY TEXT to the segment that is open.
func (c *copyStream) row(line []byte) *valueError {
	seg := c.open()
	size := len(line) - len(c.columns) + 1
	touched := c.touch || len(c.keys) > 0 && size > c.sizes.key && c.rules.keyLimit || size > c.sizes.row && c.rules.rowLimit
	if !touched || c.split(line) != len(c.columns) { // the backend says what it thinks of a wrong count
		g := seg.plain()
		g.data = append(append(g.data, line...), '\n')
		return c.added(seg, g, size)
	}
	c.omit = c.omit[:0]
	if c.rules.nullIsNone {
		for i := range c.columns {
			if c.columns[i].hasDefault && string(c.field(line, i)) == `\N` {
				c.omit = append(c.omit, i)
			}
		}
	}
	if err := c.measure(line, &size); err != nil {
		return err
	}
	g := seg.group(c.omit)
	if err := c.emit(g, line); err != nil {
		return err
	}
	return c.added(seg, g, size)
}

// field is one of the fields that split found.
func (c *copyStream) field(line []byte, i int) []byte {
	from := 0
	if i > 0 {
		from = c.bounds[i-1] + 1
	}
	return line[from:c.bounds[i]]
}

// emit appends the row as DB9 would store it, without the columns omitted.
func (c *copyStream) emit(g *group, line []byte) *valueError {
	mark := len(g.data)
	start, sep := 0, false // of what is not yet copied
	for i := range c.columns {
		from := 0
		if i > 0 {
			from = c.bounds[i-1] + 1
		}
		to := c.bounds[i]
		if len(g.omit) > 0 {
			if contains(g.omit, i) {
				continue
			}
			if sep {
				g.data = append(g.data, '\t')
			}
			sep, start = true, from
		}
		field := line[from:to]
		if fix := c.columns[i].fix; fix != nil && string(field) != `\N` {
			g.data = append(g.data, line[start:from]...)
			out, changed, err := fix(g.data, field)
			g.data, start = out, from
			if err != nil {
				g.data = g.data[:mark]
				return err
			}
			if changed {
				start = to
			}
		}
		if len(g.omit) > 0 {
			g.data = append(g.data, line[start:to]...)
		}
	}
	if len(g.omit) == 0 {
		g.data = append(g.data, line[start:]...)
	}
	if sep || len(g.omit) == 0 {
		g.data = append(g.data, '\n')
	}
	return nil
}

// measure sets the size of the row split last as it is stored, and compares it
// and its keys with the limits.
func (c *copyStream) measure(line []byte, size *int) *valueError {
	for i := range c.columns {
		if c.columns[i].typ == "bytea" {
			*size -= len(c.field(line, i)) / 2
		}
	}
	if c.rules.rowLimit && *size > c.sizes.row {
		if *size = c.stored(line, nil); *size > c.sizes.row {
			return rowTooLarge(*size, c.sizes.row)
		}
	}
	if !c.rules.keyLimit || len(line) <= c.sizes.key {
		return nil
	}
	for _, key := range c.keys {
		if n := c.stored(line, key); n > c.sizes.key {
			return keyTooLarge(n, c.sizes.key)
		}
	}
	return nil
}

// gathered is how many bytes of rows wait to be stored.
func (c *copyStream) gathered() int {
	n := 0
	for _, seg := range c.segments {
		for _, g := range seg.groups {
			n += len(g.data)
		}
	}
	return n
}

// stored is how many bytes columns have without their escapes; nil is all.
func (c *copyStream) stored(line []byte, columns []int) int {
	n := 0
	for i := range c.columns {
		if columns != nil && !contains(columns, i) {
			continue
		}
		c.scratch = unescapeText(c.scratch[:0], c.field(line, i), true)
		if c.columns[i].typ == "bytea" && bytes.HasPrefix(c.scratch, []byte(`\x`)) {
			n += (len(c.scratch) - 2) / 2
		} else {
			n += len(c.scratch)
		}
	}
	return n
}

func rowTooLarge(n, limit int) *valueError {
	return badValue("XX000", "TiKV: entry too large, the max entry size is %d, the size of data is %d", limit, n)
}

func keyTooLarge(n, limit int) *valueError {
	return badValue("XX000", "TiKV: key is too large, the size of given key: %d, the max key size: %d", n, limit)
}

func txTooLarge(n, limit int) *valueError {
	return badValue("XX000", "TiKV: transaction is too large, size: %d, limit: %d", n, limit)
}

func (c *copyStream) added(seg *segment, g *group, size int) *valueError {
	g.rows++
	seg.rows++
	c.rows++
	c.bytes += size
	if c.rules.txLimit && c.txBytes+c.bytes > c.sizes.tx {
		return txTooLarge(c.txBytes+c.bytes, c.sizes.tx)
	}
	if c.rotate > 0 && seg.rows >= int64(c.rotate) {
		c.full = len(c.segments)
	}
	return nil
}

// open is the segment that takes the next row.
func (c *copyStream) open() *segment {
	if c.full == len(c.segments) {
		c.segments = append(c.segments, &segment{firstLine: c.lines})
	}
	return c.segments[len(c.segments)-1]
}

// plain is the group of rows that leave no column out.
func (s *segment) plain() *group { return s.group(nil) }

func (s *segment) group(omit []int) *group {
	for _, g := range s.groups {
		if equal(g.omit, omit) {
			return g
		}
	}
	g := &group{omit: append([]int(nil), omit...)}
	s.groups = append(s.groups, g)
	return g
}

func contains(list []int, n int) bool {
	for _, m := range list {
		if m == n {
			return true
		}
	}
	return false
}

func equal(a, b []int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
