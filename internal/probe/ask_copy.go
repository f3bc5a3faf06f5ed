package probe

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgerrcode"
)

// copyCase is a value in COPY TEXT and what must come of it.
type copyCase struct {
	key, typ string
	line     string // as COPY TEXT has it
	sel      string // over column v
	want     string
}

// Each is asked for in a way that does not depend on how the target prints an
// array or a document.
var copyCases = []copyCase{
	{"array-numbers", "text[]", `{"007","NULL"," x ",true}`, "v[1] || '|' || v[2] || '|' || v[3] || '|' || v[4]", "007|NULL| x |true"},
	{"array-nested", "integer[]", `{{1,2},{3,4}}`, "v[2][1]::text || v[1][2]::text", "32"},
	{"array-bounds", "integer[]", `[2:3]={1,2}`, "v[2]::text || v[3]::text", "12"},
	{"json-digits", "jsonb", `{"n":12345678901234567890.1234567890123}`, "v ->> 'n'", "12345678901234567890.1234567890123"},
	{"backslash", "text", `C:\\temp\\new\\x41`, "v", `C:\temp\new\x41`},
	{"tab", "text", `a\tb`, "v", "a\tb"},
	{"cr", "text", `a\rb`, "v", "a\rb"},
	{"lf", "text", `a\nb`, "v", "a\nb"},
	{"emoji", "text", "\U0001F980 é", "v", "\U0001F980 é"},
	{"empty", "text", "", "coalesce('[' || v || ']', 'null')", "[]"},
	{"null", "text", `\N`, "coalesce('[' || v || ']', 'null')", "null"},
	{"end", "text", `\\.`, "v", `\.`},
}

// askCopyValues: all values that come back as sent prove.
func askCopyValues(ctx context.Context, l *lab) answer {
	s := l.open(ctx)
	values := map[string]string{}
	var changed []string
	made := map[string]string{}
	for i, c := range copyCases {
		values[c.key] = kept
		table := made[c.typ]
		if table == "" {
			table = in(fmt.Sprintf("p12_%d", i))
			made[c.typ] = table
			s.must(ctx, fmt.Sprintf("CREATE TABLE %s (n integer, v %s)", table, c.typ))
		}
		// Two columns: a line with one column and an empty value is another question.
		r := s.copyIn(ctx, "COPY "+table+" FROM STDIN", fmt.Sprintf("%d\t%s\n", i, c.line))
		got := refused
		if r.ok() {
			q := s.try(ctx, fmt.Sprintf("SELECT %s FROM %s WHERE n = %d", c.sel, table, i))
			got = q.value()
			if !q.ok() {
				got = q.said()
			}
		}
		if got != c.want {
			values[c.key] = "changed"
			if !r.ok() {
				values[c.key] = refused
				got = r.said()
			}
			changed = append(changed, fmt.Sprintf("%s: %q", c.key, got))
		}
	}
	if len(changed) == 0 {
		return verdict(true, "lossless", fmt.Sprintf("%d values came back as sent", len(copyCases))).with(values)
	}
	return verdict(false, "lossy", shorten(strings.Join(changed, ", "))).with(values)
}

// askCopyForms: rows by our own frames, as TEXT and as CSV.
func askCopyForms(ctx context.Context, l *lab) answer {
	s := l.open(ctx)
	values := map[string]string{}
	said := map[string]string{}
	form := func(key, with, data string) {
		table := in("p13_" + key)
		s.must(ctx, "CREATE TABLE "+table+" (n integer, v text)")
		r := s.copyIn(ctx, "COPY "+table+" (n, v) FROM STDIN"+with, data)
		if !r.ok() {
			values[key], said[key] = refused, r.said()
			return
		}
		got := s.must(ctx, "SELECT v FROM "+table+" ORDER BY n")
		values[key], said[key] = "changed", fmt.Sprintf("%q", got.said())
		if r.tag == "COPY 3" && len(got.rows) == 3 && got.row(0) == "one" && got.row(1) == "two\nlines" && got.row(2) == `a\nb` {
			values[key], said[key] = kept, "kept"
		}
	}
	form("text", "", "1\tone\n2\ttwo\\nlines\n3\ta\\\\nb\n")
	form("csv", " WITH (FORMAT csv)", "1,one\n2,\"two\nlines\"\n3,\"a\\nb\"\n")
	evidence := shorten("TEXT " + said["text"] + ", CSV " + said["csv"])
	switch {
	case all(values, kept, "text", "csv"):
		return verdict(true, "text-and-csv", evidence).with(values)
	case values["text"] == kept:
		return verdict(false, "text-only", evidence).with(values)
	}
	return verdict(false, "none", evidence).with(values)
}

// The COPY of askCopyAtomicity: the key of a row repeats the first one's.
const (
	atomicRows = 6000
	badRow     = 5500
)

// askCopyAtomicity: what a COPY that fails leaves behind, by itself and in a
// transaction that is rolled back.
func askCopyAtomicity(ctx context.Context, l *lab) answer {
	s := l.open(ctx)
	var data strings.Builder
	for i := 1; i <= atomicRows; i++ {
		n := i
		if i == badRow {
			n = 1
		}
		fmt.Fprintf(&data, "%d\n", n)
	}
	leaves := func(table string, transaction bool) string {
		s.must(ctx, "CREATE TABLE "+in(table)+" (n integer PRIMARY KEY)")
		if transaction {
			s.must(ctx, "BEGIN")
		}
		r := s.copyIn(ctx, "COPY "+in(table)+" FROM STDIN", data.String())
		if transaction {
			s.any(ctx, "ROLLBACK")
		}
		left := s.must(ctx, "SELECT count(*) FROM "+in(table)).value()
		switch {
		case r.ok() && !transaction:
			return "accepted"
		case left == "0":
			return "atomic"
		case left == "5000":
			return "every-5000"
		case left == fmt.Sprint(badRow-1):
			return "by-row"
		}
		return left + "-rows"
	}
	values := map[string]string{"autocommit": leaves("p14", false), "transaction": leaves("p14_tx", true)}
	if values["autocommit"] == "accepted" {
		return doubtful("", "a COPY with a key twice was not refused").with(values)
	}
	evidence := fmt.Sprintf("of %d rows, the %dth refused: %s", atomicRows, badRow, listed(values, "autocommit", "transaction"))
	return verdict(all(values, "atomic", "autocommit", "transaction"), values["autocommit"], evidence).with(values)
}

// quotedTable is a name that COPY TO must be given in quotes.
const quotedTable = "P q"

// asPostgres is what PostgreSQL's COPY TO gives for values whose texts other
// servers are known to print in another way.
var asPostgres = []struct{ typ, literal, want string }{
	{"double precision", "1e16", "1e+16"},
	{"double precision", "100", "100"},
	{"timestamptz", "2020-01-01 00:00:00+00", "2020-01-01 00:00:00+00"},
	{"timestamp", "2020-01-01 00:00:00.5", "2020-01-01 00:00:00.5"},
	{"text[]", `{a,"b c"}`, `{a,"b c"}`},
	{"jsonb", `{"bb": 1, "a": 2}`, `{"a": 2, "bb": 1}`},
	{"interval", "1 day 01:00", "1 day 01:00:00"},
	{"numeric", "1.50", "1.50"},
	{"bytea", `\x00ff`, `\\x00ff`},
	{"boolean", "true", "t"},
}

// askCopyOut: verification reads by COPY TO only where all of this is as on
// PostgreSQL.
func askCopyOut(ctx context.Context, l *lab) answer {
	s := l.open(ctx)
	name := in(`"` + quotedTable + `"`)
	s.must(ctx, "CREATE TABLE "+name+` ("N n" integer)`, "INSERT INTO "+name+" VALUES (7)")
	values := map[string]string{}
	var said []string
	out := func(key, sql, want string) {
		got, r := s.copyOut(ctx, sql)
		switch {
		case !r.ok():
			values[key] = refused
			said = append(said, key+" "+r.said())
		case got != want:
			values[key] = "differs"
			said = append(said, fmt.Sprintf("%s %q", key, shorten(got)))
		default:
			values[key] = kept
			said = append(said, key+" kept")
		}
	}
	out("query", "COPY (SELECT 1) TO STDOUT", "1\n")
	out("quoted", "COPY "+name+" TO STDOUT", "7\n")
	columns, literals, want := make([]string, len(asPostgres)), make([]string, len(asPostgres)), make([]string, len(asPostgres))
	for i, x := range asPostgres {
		columns[i] = fmt.Sprintf("c%d %s", i, x.typ)
		literals[i], want[i] = "'"+x.literal+"'", x.want
	}
	s.must(ctx, "CREATE TABLE "+in("p15")+" ("+strings.Join(columns, ", ")+")", "INSERT INTO "+in("p15")+" VALUES ("+strings.Join(literals, ", ")+")")
	line := strings.Join(want, "\t") + "\n"
	out("text", "COPY "+in("p15")+" TO STDOUT", line)
	out("query-text", "COPY (SELECT * FROM "+in("p15")+") TO STDOUT", line)
	evidence := shorten(strings.Join(said, "; "))
	switch {
	case all(values, kept, "query", "quoted", "text", "query-text"):
		return verdict(true, "as-postgresql", evidence).with(values)
	case all(values, kept, "query", "quoted"):
		return verdict(false, "text-differs", evidence).with(values)
	}
	return verdict(false, refused, evidence).with(values)
}

// askCopyCounts: three ways in which rows get lost without an error.
func askCopyCounts(ctx context.Context, l *lab) answer {
	s := l.open(ctx)
	values := map[string]string{}

	s.must(ctx, "CREATE TABLE "+in("p29")+" (n integer, v text)")
	r := s.copyIn(ctx, "COPY "+in("p29")+" FROM STDIN", "1\ta\n2\tb\tx\n3\tc\n")
	left := s.must(ctx, "SELECT count(*) FROM "+in("p29")).value()
	switch {
	case r.code() == pgerrcode.BadCopyFileFormat && left == "0":
		values["wrong-count"] = refused
	case r.ok():
		values["wrong-count"] = "skipped"
	default:
		values["wrong-count"] = "other"
	}
	evidence := fmt.Sprintf("one field too many: %s, %s rows", r.said(), left)

	s.must(ctx, "CREATE TABLE "+in("p29_empty")+" (v text)")
	r = s.copyIn(ctx, "COPY "+in("p29_empty")+" FROM STDIN", "\n")
	rows := s.must(ctx, "SELECT v FROM "+in("p29_empty"))
	values["empty-line"] = lost
	if r.tag == "COPY 1" && len(rows.rows) == 1 && rows.row(0) == "" {
		values["empty-line"] = kept
	}

	s.must(ctx, "CREATE TABLE "+in("p29_default")+" (n integer, v integer DEFAULT 7)")
	r = s.copyIn(ctx, "COPY "+in("p29_default")+" FROM STDIN", "1\t\\N\n")
	got := s.must(ctx, "SELECT v FROM "+in("p29_default")).value()
	switch {
	case r.ok() && got == null:
		values["null"] = kept
	case r.ok() && got == "7":
		values["null"] = "default"
	default:
		values["null"] = "other"
	}
	evidence += "; " + listed(values, "empty-line", "null")
	good := values["wrong-count"] == refused && all(values, kept, "empty-line", "null")
	finding := "as-postgresql"
	if !good {
		finding = "differs"
	}
	if values["wrong-count"] == "skipped" {
		finding = "skips-rows"
	}
	return verdict(good, finding, evidence).with(values)
}

// askUTF8: a byte that no UTF-8 has.
func askUTF8(ctx context.Context, l *lab) answer {
	s := l.open(ctx)
	s.must(ctx, "CREATE TABLE "+in("p30")+" (n integer, v text)")
	r := s.copyIn(ctx, "COPY "+in("p30")+" FROM STDIN", "1\ta\xffb\n")
	if !r.ok() {
		return verdict(r.code() == pgerrcode.CharacterNotInRepertoire, refused, "byte 0xFF: "+r.said())
	}
	got := s.must(ctx, "SELECT v FROM "+in("p30")).value()
	if strings.ContainsRune(got, '\uFFFD') && strings.Contains(got, "\xef\xbf\xbd") {
		return verdict(false, "replaced", "byte 0xFF read back as U+FFFD")
	}
	return verdict(false, "stored", fmt.Sprintf("byte 0xFF read back as %q", got))
}
