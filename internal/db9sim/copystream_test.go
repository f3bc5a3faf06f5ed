package db9sim

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// all has every switch of COPY on but that of single rows.
func all() copySwitches {
	r := newCopySwitches(func(string) bool { return true })
	r.byRow = false
	return r
}

func columns(types ...string) []copyColumn {
	var out []copyColumn
	for i, typ := range types {
		typ, hasDefault := strings.CutSuffix(typ, " default")
		out = append(out, copyColumn{name: string(rune('a' + i)), typ: typ, hasDefault: hasDefault})
	}
	return out
}

func text(c *copyStream) string {
	var out strings.Builder
	for i, seg := range c.segments {
		if i > 0 {
			out.WriteString("---\n")
		}
		for _, g := range seg.groups {
			if len(g.omit) > 0 {
				out.WriteString("without " + string(rune('a'+g.omit[0])) + "\n")
			}
			out.Write(g.data)
		}
	}
	return out.String()
}

var plainText = copyFormat{delimiter: '\t', null: `\N`}

func TestCopyValues(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ typ, in, want, code string }{
		{"timestamp", "2020-01-01 00:00:00.123956", "2020-01-01 00:00:00.123", ""},
		{"timestamptz", "2020-01-01 00:00:00.9996+05:30", "2020-01-01 00:00:00.999+05:30", ""},
		{"timestamp", "2020-01-01 00:00:00.12", "2020-01-01 00:00:00.12", ""},
		{"timestamp", `\N`, `\N`, ""},
		{"timestamp", "infinity", "", "22007"},
		{"timestamp", "-infinity", "", "22007"},
		{"timestamptz", "0044-03-15 00:00:00+00 BC", "", "22007"},
		{"timestamp", "294276-01-01 00:00:00", "", "22007"},
		{"date", "infinity", "", "22007"},
		{"date", "2020-02-29", "2020-02-29", ""},
		{"time", "24:00:00", "", "22007"},
		{"time", "23:59:60", "", "22007"},
		{"time", "12:00:00+02", "", "22007"},
		{"time", "12:00:00.123456", "12:00:00.123456", ""},
		{"interval", "1 day", "0 mons +24:00:00.000", ""},
		{"interval", "1 year 2 mons -3 days +04:05:06.789123", "14 mons -67:54:53.211", ""},
		{"interval", "1 year 02:00:00.5", "1 year 02:00:00.5", ""},
		{"interval", "-00:00:01.000001", "0 mons -00:00:01.000", ""},
		{"numeric", strings.Repeat("9", 28), strings.Repeat("9", 28), ""},
		{"numeric", strings.Repeat("9", 29), "", "22003"},
		{"numeric", "-0." + strings.Repeat("0", 20) + "12345678", "-0." + strings.Repeat("0", 20) + "12345678", ""},
		{"numeric", "0." + strings.Repeat("0", 28) + "1", "", "22003"},
		{"numeric", "1e30", "", "22003"},
		{"numeric", "NaN", "", "22P02"},
		{"numeric", "-Infinity", "", "22P02"},
		{"bytea", `\\x4142`, `\\x4142`, ""},
		{"bytea", `\\x414`, `\\x5c78343134`, ""},
		{"bytea", `ab`, `\\x6162`, ""},
		{"jsonb", `{"n": 12345678901234567890.1234567890123, "12345678901234567890123": "1.10", "e": "a\\"1.10"}`, `{"n": 1.2345678901234567e19, "12345678901234567890123": "1.10", "e": "a\\"1.10"}`, ""},
		{"jsonb", `[9223372036854775807, 18446744073709551615, 18446744073709551616]`, `[9223372036854775807, 18446744073709551615, 1.8446744073709552e19]`, ""},
		{"jsonb", `[1.5, 1.10, "\\\\", 2.20]`, `[1.5, 1.1, "\\\\", 2.2]`, ""},
		{"jsonb", `[1e400]`, "", "22P02"},
		{"_text", `{"007","NULL"," x ",true,"a,b"}`, `{7,NULL,"x",true,"a,b"}`, ""},
		{"_text", `{{1,2},{3,4}}`, `{"{1","2}","{3","4}"}`, ""},
		{"_text", `{}`, `{}`, ""},
		{"_text", `{1.50,1e3,inf,""}`, `{1.5,1000,inf,""}`, ""},
		{"_int4", `[2:3]={1,2}`, "", "22P02"},
		{"_int4", `{1,NULL,3}`, `{1,NULL,3}`, ""},
		{"_numeric", `{1.10,12345678901234567890123}`, `{1.1,12345678901234568000000}`, ""},
		{"_date", `{2020-01-01}`, `{2020-01-01}`, ""},
		{"text", `\x41\\x42\t`, `x41\\x42\t`, ""},
		{"text", "a\xffb\xc3\xa9", "a\uFFFDb\u00e9", ""},
	} {
		t.Run(c.typ+" "+c.in, func(t *testing.T) {
			t.Parallel()
			s := newCopyStream(all(), db9Sizes(), plainText, columns("int4", c.typ, "text"), nil)
			err := s.write([]byte("1\t" + c.in + "\tz\n"))
			if c.code != "" {
				require.NotNil(t, err)
				require.Equal(t, c.code, err.code)
				return
			}
			require.Nil(t, err)
			require.Equal(t, "1\t"+c.want+"\tz\n", text(s))

			s = newCopyStream(copySwitches{hold: true}, db9Sizes(), plainText, columns("int4", c.typ, "text"), nil)
			require.Nil(t, s.write([]byte("1\t"+c.in+"\tz\n")))
			require.Equal(t, "1\t"+c.in+"\tz\n", text(s), "with all rules of values off")
		})
	}
}

func TestCopyLines(t *testing.T) {
	t.Parallel()
	csv := copyFormat{csv: true, delimiter: ',', quote: '"', escape: '"'}
	for _, c := range []struct {
		name    string
		format  copyFormat
		off     func(*copySwitches)
		columns []copyColumn
		in      string
		want    string
		dropped int64
		code    string
	}{
		{"wrong counts", plainText, nil, columns("text", "text"), "1\t2\n3\n4\t5\t6\n7\t8\n", "1\t2\n7\t8\n", 2, ""},
		{"wrong counts are the backend's", plainText, func(r *copySwitches) { r.skipRows = false }, columns("text", "text"), "3\n4\t5\t6\n", "3\n4\t5\t6\n", 0, ""},
		{"empty line", plainText, nil, columns("text"), "a\n\nb\n", "a\nb\n", 1, ""},
		{"empty line kept", plainText, func(r *copySwitches) { r.emptyLine = false }, columns("text"), "a\n\nb\n", "a\n\nb\n", 0, ""},
		{"no column", plainText, nil, nil, "\n\n", "\n\n", 0, ""},
		{"end", plainText, nil, columns("text"), "a\n\\.\nb\n", "a\n", 0, ""},
		{"no last end", plainText, nil, columns("text"), "a\nb", "a\nb\n", 0, ""},
		{"line ends of Windows", plainText, nil, columns("text", "timestamp"), "a\t2020-01-01 00:00:00.1234\r\nb\t\\N\r\n", "a\t2020-01-01 00:00:00.123\nb\t\\N\n", 0, ""},
		{"escaped tab and line", plainText, nil, columns("text", "text"), "a\\\tb\\\nc\td\n", "a\\\tb\\\nc\td\n", 0, ""},
		{"defaults", plainText, nil, columns("text", "int4 default", "text"), "1\t2\t3\n4\t\\N\t6\n7\t8\t\\N\n", "1\t2\t3\n7\t8\t\\N\nwithout b\n4\t6\n", 0, ""},
		{"defaults beside what changes", plainText, nil, columns("int4 default", "timestamp", "text"), "\\N\t2020-01-01 00:00:00.1234\tx\n", "without a\n2020-01-01 00:00:00.123\tx\n", 0, ""},
		{"only defaults", plainText, nil, columns("int4 default"), "\\N\n\\N\n", "without a\n", 0, ""},
		{"header", copyFormat{delimiter: '\t', null: `\N`, header: true}, nil, columns("text"), "a\nb\n", "b\n", 0, ""},
		{"delimiter and null", copyFormat{delimiter: '|', null: "nil"}, nil, columns("text", "text"), "a\tb|nil\n\\N|c\\|d\n", "a\\tb\t\\N\nN\tc\\|d\n", 0, ""},
		{"csv", csv, nil, columns("text", "text"), "a,\"b,\"\"c\"\n,\"\"\n", "a\tb,\"c\n\\N\t\n", 0, ""},
		{"csv loses backslashes", csv, nil, columns("text"), "C:\\temp\\n\n", "C:\\temp\\n\n", 0, ""},
		{"csv keeps backslashes", csv, func(r *copySwitches) { r.csvUnescape = false }, columns("text"), "C:\\temp\n", "C:\\\\temp\n", 0, ""},
		{"csv cut in quotes", csv, nil, columns("text"), "\"a\nb\"\n", "", 0, "22P04"},
		{"csv over lines", csv, func(r *copySwitches) { r.csvLines = false }, columns("text"), "\"a\nb\"\n", "a\\nb\n", 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for _, piece := range []int{1, 3, 1 << 20} {
				r := all()
				if c.off != nil {
					c.off(&r)
				}
				s := newCopyStream(r, db9Sizes(), c.format, append([]copyColumn(nil), c.columns...), nil)
				var err *valueError
				for in := c.in; in != "" && err == nil; {
					n := min(piece, len(in))
					err = s.write([]byte(in[:n]))
					in = in[n:]
				}
				if err == nil {
					err = s.finish()
				}
				if c.code != "" {
					require.NotNil(t, err)
					require.Equal(t, c.code, err.code)
					continue
				}
				require.Nil(t, err)
				require.Equal(t, c.want, text(s))
				require.Equal(t, c.dropped, s.dropped)
			}
		})
	}
}

func TestCopyLimits(t *testing.T) {
	t.Parallel()
	small := sizes{row: 100, key: 10, line: 200, tx: 250}
	x := func(n int) string { return strings.Repeat("x", n) }
	for _, c := range []struct {
		name, in, message string
		off               func(*copySwitches)
	}{
		{"line", x(201) + "\t\t\n", "exceeds the limit of 200", func(r *copySwitches) { r.lineLimit = false }},
		{"line without an end", x(201), "exceeds the limit of 200", func(r *copySwitches) { r.lineLimit = false }},
		{"row", "1\t" + x(100) + "\t\n", "max entry size is 100", func(r *copySwitches) { r.rowLimit = false }},
		{"row of bytea is half", "1\t\t\\\\x" + strings.Repeat("ab", 90) + "\n", "", nil},
		{"key", x(11) + "\t\t\n", "max key size: 10", func(r *copySwitches) { r.keyLimit = false }},
		{"key by escapes", strings.Repeat(`\\`, 10) + "\t" + x(20) + "\t\n", "", nil},
		{"transaction", strings.Repeat("1\t"+x(80)+"\t\n", 4), "limit: 250", func(r *copySwitches) { r.txLimit = false }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			write := func(r copySwitches) *valueError {
				return newCopyStream(r, small, plainText, columns("text", "text", "bytea"), [][]int{{0}}).write([]byte(c.in))
			}
			err := write(all())
			if c.message == "" {
				require.Nil(t, err)
				return
			}
			require.NotNil(t, err)
			require.Contains(t, err.message, c.message)
			r := all()
			r.rowLimit, r.keyLimit = r.rowLimit && c.name != "line", r.keyLimit && c.name != "line" && c.name != "row"
			c.off(&r)
			require.Nil(t, write(r))
		})
	}
}

func TestCopyRotates(t *testing.T) {
	t.Parallel()
	s := newCopyStream(all(), db9Sizes(), plainText, columns("text"), nil)
	s.rotate = 2
	require.Nil(t, s.write([]byte("1\n2\n3\n4\n5\n")))
	require.Equal(t, "1\n2\n---\n3\n4\n---\n5\n", text(s))
	require.Equal(t, 2, s.full)
	require.EqualValues(t, 3, s.segments[1].firstLine)
}

func BenchmarkCopyStream(b *testing.B) {
	row := "12345\t2020-01-01 00:00:00.123\t" + strings.Repeat("some text ", 55) + "\t1234.5600\n"
	data := []byte(strings.Repeat(row, 1000))
	for _, c := range []struct {
		name  string
		types []string
	}{
		{"untouched", []string{"int4", "text", "text", "text"}},
		{"timestamp and numeric", []string{"int4", "timestamp", "text", "numeric"}},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				s := newCopyStream(all(), db9Sizes(), plainText, columns(c.types...), nil)
				if err := s.write(data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
