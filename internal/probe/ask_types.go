package probe

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"

	"github.com/jackc/pgerrcode"
)

// in is a name in the scratch schema.
func in(name string) string { return Schema + "." + name }

// columnType asks what column v of a scratch table became.
func columnType(ctx context.Context, s *session, table string) string {
	return s.must(ctx, fmt.Sprintf("SELECT udt_name FROM information_schema.columns WHERE table_schema = '%s' AND table_name = '%s' AND column_name = 'v'",
		Schema, table)).value()
}

// askSmallTypes: each is kept where it acts as itself, whatever it is called.
func askSmallTypes(ctx context.Context, l *lab) answer {
	s := l.open(ctx)
	values := map[string]string{}
	one := func(key, typ, insert, sel string, keeps func(insert reply, got string) bool) {
		table := in("p7_" + key)
		if r := s.try(ctx, fmt.Sprintf("CREATE TABLE %s (v %s)", table, typ)); !r.ok() {
			values[key] = refused
			return
		}
		r := s.try(ctx, fmt.Sprintf("INSERT INTO %s VALUES (%s)", table, insert))
		got := ""
		if r.ok() {
			got = s.must(ctx, fmt.Sprintf("SELECT %s FROM %s", sel, table)).value()
		}
		values[key] = kept
		if !keeps(r, got) {
			values[key] = "as " + columnType(ctx, s, "p7_"+key)
		}
	}
	one("smallint", "smallint", "40000", "v", func(r reply, _ string) bool { return r.code() == pgerrcode.NumericValueOutOfRange })
	one("real", "real", "16777217", "v::text", func(_ reply, got string) bool { return got != "16777217" && got != "16777217.0" })
	one("char", "char(3)", "'a'", "octet_length(v)", func(_ reply, got string) bool { return got == "3" })
	evidence := listed(values, "smallint", "real", "char")
	switch {
	case all(values, kept, "smallint", "real", "char"):
		return verdict(true, kept, evidence).with(values)
	case all(values, refused, "smallint", "real", "char"):
		return verdict(false, refused, evidence).with(values)
	case values["smallint"] != refused && values["real"] != refused && values["char"] != refused:
		return verdict(false, "aliased", evidence).with(values)
	}
	return verdict(false, "mixed", evidence).with(values)
}

// unlisted are the types of askUnlistedTypes and the udt_names that say that
// one was kept. A domain's column shows the type below it.
var unlisted = []struct{ name, typ, udts string }{
	{"inet", "inet", "inet"},
	{"macaddr", "macaddr", "macaddr"},
	{"int4range", "int4range", "int4range"},
	{"xml", "xml", "xml"},
	{"money", "money", "money"},
	{"point", "point", "point"},
	{"bit", "bit(3)", "bit"},
	{"timetz", "timetz", "timetz"},
	{"hstore", "hstore", "hstore"},
	{"domain", in("p8_domain"), "int4 p8_domain"},
	{"composite", in("p8_pair"), "p8_pair"},
	{"unknown", "no_such_type", "no_such_type"},
}

// askUnlistedTypes: refused or kept is honest; anything else is a type that
// became another in silence.
func askUnlistedTypes(ctx context.Context, l *lab) answer {
	s := l.open(ctx)
	s.try(ctx, "CREATE DOMAIN "+in("p8_domain")+" AS integer CHECK (VALUE > 0)")
	s.try(ctx, "CREATE TYPE "+in("p8_pair")+" AS (a integer, b text)")
	values := map[string]string{}
	honest := true
	var parts []string
	for _, u := range unlisted {
		if r := s.try(ctx, fmt.Sprintf("CREATE TABLE %s (v %s)", in("p8_t_"+u.name), u.typ)); !r.ok() {
			values[u.name] = refused
		} else if udt := columnType(ctx, s, "p8_t_"+u.name); strings.Contains(" "+u.udts+" ", " "+udt+" ") && u.name != "unknown" {
			values[u.name] = kept
		} else {
			values[u.name] = "as " + udt
			honest = false
		}
		parts = append(parts, u.name+" "+values[u.name])
	}
	finding := "honest"
	if !honest {
		finding = "silent"
	}
	return verdict(honest, finding, strings.Join(parts, ", ")).with(values)
}

// Values of the following probes go in by COPY, the way of all rows: a server
// may parse there by other rules than in statements.

// askTimestamps: microseconds that come back prove. What becomes of infinity and
// years BC stands in the values.
func askTimestamps(ctx context.Context, l *lab) answer {
	s := l.open(ctx)
	s.must(ctx, "CREATE TABLE "+in("p9")+" (n integer, t timestamp)")
	ask := func(n int, text string) (string, bool) {
		if r := s.copyIn(ctx, "COPY "+in("p9")+" FROM STDIN", fmt.Sprintf("%d\t%s\n", n, text)); !r.ok() {
			return "", false
		}
		return s.must(ctx, fmt.Sprintf("SELECT t FROM %s WHERE n = %d", in("p9"), n)).value(), true
	}
	special := func(n int, text, want string) string {
		got, ok := ask(n, text)
		switch {
		case !ok:
			return refused
		case got == want:
			return kept
		}
		return "as " + got
	}
	micro, ok := ask(1, "2020-01-01 00:00:00.123456")
	if !ok {
		return doubtful("", "a timestamp with microseconds was refused")
	}
	near, _ := ask(2, "2020-01-01 00:00:00.9996")
	values := map[string]string{
		"infinity": special(3, "infinity", "infinity"),
		"bc":       special(4, "0044-03-15 00:00:00 BC", "0044-03-15 00:00:00 BC"),
	}
	evidence := fmt.Sprintf(".123456 read back as %s, .9996 as %s; %s", micro, near, listed(values, "infinity", "bc"))
	trimmed := strings.TrimRight(micro, "0")
	// The other type, which need not be kept in the same way, decides with it.
	s.must(ctx, "CREATE TABLE "+in("p9_zoned")+" (n integer, t timestamptz)")
	zoned := refused
	if s.copyIn(ctx, "COPY "+in("p9_zoned")+" FROM STDIN", "1\t2020-01-01 00:00:00.123456+00\n").ok() {
		zoned = s.must(ctx, "SELECT t FROM "+in("p9_zoned")).value()
	}
	switch {
	case trimmed == "2020-01-01 00:00:00.123456" && !strings.HasPrefix(zoned, trimmed):
		return verdict(false, "other", evidence+", with time zone "+zoned).with(values)
	case trimmed == "2020-01-01 00:00:00.123456":
		return verdict(true, "microseconds", evidence).with(values)
	case trimmed == "2020-01-01 00:00:00.123" && strings.HasPrefix(near, "2020-01-01 00:00:01"):
		return verdict(false, "milliseconds-rounded", evidence).with(values)
	case trimmed == "2020-01-01 00:00:00.123":
		return verdict(false, "milliseconds-cut", evidence).with(values)
	}
	return verdict(false, "other", evidence).with(values)
}

// askNumeric: a hundred digits, 29 places and NaN prove. Infinity is asked too,
// but 13 refuses it as well.
func askNumeric(ctx context.Context, l *lab) answer {
	s := l.open(ctx)
	s.must(ctx, "CREATE TABLE "+in("p10")+" (n integer, v numeric)")
	values := map[string]string{}
	cases := []struct{ name, text string }{
		{"28-digits", strings.Repeat("9", 28)},
		{"29-digits", strings.Repeat("9", 29)},
		{"30-digits", strings.Repeat("9", 30)},
		{"100-digits", strings.Repeat("9", 100)},
		{"scale-29", "0." + strings.Repeat("0", 28) + "1"},
		{"nan", "NaN"},
		{"infinity", "Infinity"},
	}
	for i, c := range cases {
		if r := s.copyIn(ctx, "COPY "+in("p10")+" FROM STDIN", fmt.Sprintf("%d\t%s\n", i, c.text)); !r.ok() {
			values[c.name] = refused
			continue
		}
		values[c.name] = "changed"
		if s.must(ctx, fmt.Sprintf("SELECT v FROM %s WHERE n = %d", in("p10"), i)).value() == c.text {
			values[c.name] = kept
		}
	}
	evidence := listed(values, "28-digits", "29-digits", "30-digits", "100-digits", "scale-29", "nan", "infinity")
	finding := "less"
	for _, digits := range []string{"28-digits", "29-digits", "30-digits"} {
		if values[digits] != kept {
			break
		}
		finding = digits
	}
	unbounded := all(values, kept, "28-digits", "29-digits", "30-digits", "100-digits", "scale-29", "nan")
	if unbounded {
		finding = "unbounded"
	}
	return verdict(unbounded, finding, evidence).with(values)
}

// askIntervals: a day that is no 24 hours, microseconds and a time's offset
// prove.
func askIntervals(ctx context.Context, l *lab) answer {
	s := l.open(ctx)
	values := map[string]string{}
	ask := func(key, typ, text, want string) {
		table := in("p11_" + key)
		if r := s.try(ctx, fmt.Sprintf("CREATE TABLE %s (v %s)", table, typ)); !r.ok() {
			values[key] = refused
			return
		}
		if r := s.copyIn(ctx, "COPY "+table+" FROM STDIN", text+"\n"); !r.ok() {
			values[key] = refused
			return
		}
		values[key] = kept
		if got := s.must(ctx, "SELECT v FROM "+table).value(); got != want {
			values[key] = "as " + got
		}
	}
	ask("day", "interval", "1 day", "1 day")
	ask("hours", "interval", "24:00:00", "24:00:00")
	ask("micro", "interval", "1.000001 s", "00:00:01.000001")
	ask("timetz", "timetz", "12:00+02", "12:00:00+02")
	evidence := listed(values, "day", "hours", "micro", "timetz")
	interval := all(values, kept, "day", "hours", "micro")
	finding := "reduced"
	switch {
	case interval && values["timetz"] == kept:
		finding = kept
	case interval:
		finding = "interval-kept"
	}
	return verdict(finding == kept, finding, evidence).with(values)
}

// askGeneratedColumns: the sum that comes back proves.
func askGeneratedColumns(ctx context.Context, l *lab) answer {
	s := l.open(ctx)
	if r := s.try(ctx, "CREATE TABLE "+in("p22")+" (a integer, b integer GENERATED ALWAYS AS (a * 2) STORED)"); !r.ok() {
		return verdict(false, refused, r.said())
	}
	s.must(ctx, "INSERT INTO "+in("p22")+" (a) VALUES (21)")
	got := s.must(ctx, "SELECT b FROM "+in("p22")).value()
	if got == "42" {
		return verdict(true, works, "21 * 2 read back as 42")
	}
	return verdict(false, "dropped", "21 * 2 read back as "+got)
}

// askSizes: rows made on the server first, since nothing big travels for what is
// refused already; then by COPY, which may have a bound of its own.
func askSizes(ctx context.Context, l *lab) answer {
	s := l.open(ctx)
	s.must(ctx, "CREATE TABLE "+in("p27")+" (n integer PRIMARY KEY, v text)")
	values := map[string]string{"row_bytes": "0"}
	why := ""
	for _, mib := range []int{9, 7, 4, 2, 1} {
		r := s.try(ctx, fmt.Sprintf("INSERT INTO %s SELECT %d, repeat('x', %d)", in("p27"), mib, mib<<20))
		if r.ok() {
			s.must(ctx, "TRUNCATE "+in("p27"))
			r = s.copyIn(ctx, "COPY "+in("p27")+" FROM STDIN", fmt.Sprintf("%d\t%s\n", mib, strings.Repeat("x", mib<<20)))
		}
		if r.ok() {
			if got := s.must(ctx, "SELECT octet_length(v) FROM "+in("p27")).value(); got == fmt.Sprint(mib<<20) {
				values["row_bytes"] = got
				break
			}
		}
		if why == "" {
			why = fmt.Sprintf("; a row of %d MiB: %s", mib, r.said())
		}
	}
	s.must(ctx, "CREATE TABLE "+in("p27_key")+" (v text UNIQUE)")
	// Not compressible: PostgreSQL's own bound is for what is left after that.
	key := ""
	for len(key) < longKey {
		key += rand.Text()
	}
	values["key_5000"] = kept
	if !s.copyIn(ctx, "COPY "+in("p27_key")+" FROM STDIN", key[:longKey]+"\n").ok() {
		values["key_5000"] = refused
	}
	evidence := fmt.Sprintf("a row of %s bytes was taken, a key of %d bytes %s%s", values["row_bytes"], longKey, values["key_5000"], why)
	finding := map[string]string{"9437184": "9-mib", "7340032": "7-mib"}[values["row_bytes"]]
	if finding == "" {
		finding = "less"
	}
	return verdict(finding == "9-mib", finding, evidence).with(values)
}

// longKey is the length of a key that TiKV does not take, in bytes.
const longKey = 5000
