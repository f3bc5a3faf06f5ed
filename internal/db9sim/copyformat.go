package db9sim

import (
	"bytes"
	"slices"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"
)

// copyFormat is how a client writes rows.
type copyFormat struct {
	csv           bool
	header        bool
	delimiter     byte
	quote, escape byte
	null          string
}

// newCopyFormat reads the options of a COPY; ok is false where one of them
// changes more than how rows are written, so that only the backend can run it.
func newCopyFormat(stmt *pg.CopyStmt, rules copyOptionRules) (f copyFormat, ok bool) {
	f = copyFormat{delimiter: '\t', null: `\N`, quote: '"'}
	var delimiter, null, escape bool
	for _, node := range stmt.GetOptions() {
		def := node.GetDefElem()
		value := optionText(def)
		switch strings.ToLower(def.GetDefname()) {
		case "format":
			f.csv = value == "csv"
			if value != "csv" && value != "text" {
				return f, false
			}
		case "header":
			switch strings.ToLower(value) {
			case "", "true", "on", "1":
				f.header = true
			case "match":
				return f, false
			}
		case "delimiter":
			if len(value) != 1 {
				return f, false
			}
			delimiter, f.delimiter = true, value[0]
		case "null":
			null, f.null = true, value
		case "quote":
			if len(value) != 1 {
				return f, false
			}
			f.quote = value[0]
		case "escape":
			if len(value) != 1 {
				return f, false
			}
			escape, f.escape = true, value[0]
		default:
			if !rules.ignored || !slices.Contains(ignoredOptions, strings.ToLower(def.GetDefname())) {
				return f, false
			}
		}
	}
	if f.csv && !delimiter {
		f.delimiter = ','
	}
	if f.csv && !null {
		f.null = ""
	}
	if !escape {
		f.escape = f.quote
	}
	return f, stmt.GetWhereClause() == nil
}

func optionText(def *pg.DefElem) string {
	arg := def.GetArg()
	switch {
	case arg == nil:
		return ""
	case arg.GetString_() != nil:
		return arg.GetString_().GetSval()
	case arg.GetBoolean() != nil:
		if arg.GetBoolean().GetBoolval() {
			return "true"
		}
		return "false"
	case arg.GetInteger() != nil && arg.GetInteger().GetIval() == 0:
		return "0"
	case arg.GetInteger() != nil:
		return "1"
	}
	return "?"
}

// plain reports that lines are those of COPY TEXT without options.
func (f copyFormat) plain() bool { return !f.csv && f.delimiter == '\t' && f.null == `\N` }

// openQuotes reports whether a line of CSV ends inside quotes.
func (f copyFormat) openQuotes(line []byte) bool {
	in := false
	for i := 0; i < len(line); i++ {
		switch {
		case in && line[i] == f.escape && f.escape != f.quote && i+1 < len(line) && (line[i+1] == f.quote || line[i+1] == f.escape):
			i++
		case line[i] == f.quote:
			in = !in
		}
	}
	return in
}

// plainLine turns a line into one of COPY TEXT without options.
func (c *copyStream) plainLine(line []byte) ([]byte, *valueError) {
	if c.format.csv {
		return c.fromCSV(line)
	}
	out := make([]byte, 0, len(line)+16)
	from := 0
	field := func(to int) {
		switch raw := line[from:to]; {
		case string(raw) == c.format.null:
			out = append(out, `\N`...)
		case string(raw) == `\N`:
			out = append(out, 'N')
		default:
			out = append(out, bytes.ReplaceAll(raw, []byte{'\t'}, []byte(`\t`))...)
		}
	}
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case '\\':
			i++
		case c.format.delimiter:
			field(i)
			out = append(out, '\t')
			from = i + 1
		}
	}
	field(len(line))
	return out, nil
}

// fromCSV parses one line of CSV. A quote that is not closed is an error: the
// line was cut in the middle of a value, or the input ends there.
func (c *copyStream) fromCSV(line []byte) ([]byte, *valueError) {
	f := c.format
	out := make([]byte, 0, len(line)+16)
	for i := 0; ; i++ {
		value := c.scratch[:0]
		quoted, in := false, false
		for ; i < len(line); i++ {
			b := line[i]
			if in && b == f.escape && i+1 < len(line) && (line[i+1] == f.quote || line[i+1] == f.escape) {
				i++
				value = append(value, line[i])
				continue
			}
			if b == f.quote {
				in, quoted = !in, true
				continue
			}
			if b == f.delimiter && !in {
				break
			}
			value = append(value, b)
		}
		c.scratch = value
		if in {
			return nil, badValue("22P04", "unterminated CSV quoted field in line %d", c.lines)
		}
		switch {
		case !quoted && string(value) == f.null:
			out = append(out, `\N`...)
		case c.rules.csvUnescape: // the value is read as one of COPY TEXT once more
			out = escapeText(out, unescapeText(nil, value, false))
		default:
			out = escapeText(out, value)
		}
		if i >= len(line) {
			return out, nil
		}
		out = append(out, '\t')
	}
}
