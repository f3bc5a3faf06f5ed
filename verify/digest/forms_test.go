package digest_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/pg2db9/pg2db9/verify/digest"
)

// Each form: texts of one line are one value, those of different lines are
// different values. The fields are COPY TEXT.
func TestForms(t *testing.T) {
	t.Parallel()
	for canon, classes := range map[digest.Canon][][]string{
		digest.Bool: {{"t", "true"}, {"f", "false"}, {`\N`}, {""}, {"yes"}, {"1"}},
		digest.Float8: {
			{"100", "100.0", "1e2", "1e+02", "1E2"},
			{"1e16", "1e+16", "10000000000000000"},
			{"1.0000000000000002e16", "10000000000000002"},
			{"0.1", "1e-1", "0.1000000000000000055511151231257827"},
			{"0.10000000000000002"},
			{"0.30000000000000004"},
			{"0.3"},
			{"0", "0.0", "0e0", "+0"},
			{"-0", "-0.0"},
			{"5e-324", "4.94e-324", "4.9406564584124654e-324"},
			{"1e-400"}, // no zero: a value that double precision lacks
			{"1.7976931348623157e308", "1.7976931348623157e+308"},
			{"1e400"},
			{"NaN", "nan"},
			{"Infinity", "inf", "infinity"},
			{"-Infinity", "-inf"},
			{`\N`},
			{""},
			{"0x10"},
			{"1_0"},
			{"9007199254740993", "9007199254740992"}, // one double
			{"9007199254740994"},
		},
		digest.Numeric: {
			{"1.5", "1.50", "01.500", "+1.5", "15e-1", "0.15E1"},
			{"-1.5", "-1.50"},
			{"15", "15.0", "1.5e1"},
			{"150", "150.000", "15e1"},
			{"0", "0.00", "-0", "-0.00", "000", ".0", "0e5"},
			{"0.00001", "1e-5", ".00001"},
			{"79228162514264337593543950335", "79228162514264337593543950335.0"},
			{"79228162514264337593543950336"},
			{"0.1234567890123456789012345678"},
			{"0.1234567890123456789012345679"},
			{"1" + strings.Repeat("0", 1000), "1e1000"},
			{"1" + strings.Repeat("0", 1001)},
			{"NaN", "nan"},
			{"Infinity"},
			{"-Infinity"},
			{`\N`},
			{""},
			{"."},
			{"-"},
			{"1e"},
			{"1.2.3"},
			{"1e99999999"},
			{"1 "},
		},
		digest.Time: {
			{"04:05:06", "04:05:06.0", "04:05:06.000000"},
			{"04:05:06.5", "04:05:06.500000"},
			{"04:05:06.500001"},
			{"24:00:00", "24:00:00.000"},
			{"00:00:00"},
			{`\N`},
			{"04:05:06."},
			{"04:05"},
			{"04:05:06+01"},
		},
		digest.Timestamp: {
			{"2020-02-03 04:05:06", "2020-02-03 04:05:06.000000", "2020-02-03T04:05:06"},
			{"2020-02-03 04:05:06.7", "2020-02-03 04:05:06.700000", "2020-02-03 04:05:06.70"},
			{"2020-02-03 04:05:06.007"},
			{"2020-02-03 04:05:06.700001"},
			{"2020-02-03 04:05:10", "2020-02-03 04:05:10.0"},
			{"2020-02-03 04:05:06 BC", "2020-02-03 04:05:06.000 BC"},
			{"12020-02-03 04:05:06"},
			{"infinity"},
			{"-infinity"},
			{`\N`},
			{"2020-02-03 04:05:06+00"},
			{"2020-02-03"},
			{"now"},
		},
		digest.TimestampTZ: {
			{"2020-02-03 04:05:06+00", "2020-02-03 04:05:06.000000+00", "2020-02-03T04:05:06Z", "2020-02-03 04:05:06+00:00", "2020-02-03 04:05:06"},
			{"2020-02-03 04:05:06.123+00", "2020-02-03 04:05:06.123000+00:00"},
			{"2020-02-03 04:05:06+01"},
			{"2020-02-03 04:05:06-01"},
			{"2020-02-03 04:05:06+00 BC", "2020-02-03 04:05:06.00+00 BC"},
			{"infinity"},
			{`\N`},
		},
		digest.JSONB: {
			{`{"a": 1, "b": [1, 2.50, null]}`, `{"b":[1,2.5,null],"a":1.0}`, ` { "b" : [ 10e-1 , 25e-1 , null ] , "a" : 1 } `},
			{`{"a": 1, "b": [2.5, 1, null]}`},
			{`{"a": 1}`},
			{`{"a": "1"}`},
			{`{"A": 1}`},
			{`{"a": null}`},
			{`{}`},
			{`[]`},
			{`[{}]`},
			{`[[]]`},
			{`null`},
			{`"null"`},
			{`true`},
			{`false`},
			{`\N`},
			{``},
			{`0`, `-0`, `0.00`},
			{`""`},
			{`"\\\\N"`},
			{`12345678901234567890123`},
			{`12345678901234567890124`},
			{`1.2345678901234567890123`},
			{`"caf\\u00e9"`, `"café"`},
			{`"\\ud83d\\ude00"`, `"😀"`},
			{`"\\ud83d"`},
			{`"\\ud83dx"`},
			{`"\\ud83e"`},
			{`"�"`},
			{`"a\\nb"`, `"a\\u000ab"`},
			{`"a\\\\nb"`},
			{`"a/b"`, `"a\\/b"`},
			{`"\\""`, `"\\u0022"`},
			{`"\\\\"`},
			{`{"b": 1, "aa": 2}`, `{"aa": 2, "b": 1}`},
			{`{"aa": 1, "b": 2}`},
			{`{"a": 1, "a": 2}`},
			{`{"a": 2, "a": 1}`},
			{`{"a,b": 1}`},
			{`{"a": {"b": 1}, "c": {}}`, `{"c": {}, "a": {"b": 1}}`},
			{`{"a": {"b": 1, "c": {}}}`},
			{`{"a": 1,}`},
			{`{"a" 1}`},
			{`[1 2]`},
			{`[1,]`},
			{`nul`},
			{`truex`},
			{`{"a": 1}}`},
			{`"open`},
			{`{"a"`},
		},
		digest.Array: {
			{`{a,b}`, `{"a","b"}`, `{ a , "b" }`},
			{`{"a,b"}`},
			{`{{a,b}}`, `{{"a","b"}}`},
			{`{b,a}`},
			{`{a,b,b}`},
			{`{}`},
			{`{{}}`},
			{`{""}`},
			{`\N`},
			{`{NULL}`, `{null}`},
			{`{"NULL"}`},
			{`{a,NULL}`, `{"a",NULL}`},
			{`{NULL,a}`},
			{`{"null"}`},
			{`{007}`, `{"007"}`},
			{`{7}`},
			{`{" 7"}`},
			{`{"7 "}`},
			{`[0:1]={a,b}`, `[0:1]={"a","b"}`},
			{`[1:2]={a,b}`},
			{`{"a\\\\b"}`},
			{`{"a\\"b"}`},
			{`{"a\nb"}`},
			{`{"a\tb"}`, "{a\\tb}"},
			{`{"a\\\\nb"}`},
			{`{a`},
			{`{a,}`},
			{`{a}b`},
			{`{a"b}`},
			{`{{a},b`},
			{`a`},
			{``},
			{`{"}"}`},
			{`{"{"}`},
		},
		digest.ArrayOf(digest.Float8):    {{`{1,2.5}`, `{"1.0","2.50"}`, `{1e0,25e-1}`}, {`{1,2.6}`}, {`{NULL,1}`, `{NULL,"1.0"}`}, {`{x}`}, {`{-0}`}, {`{0}`}},
		digest.ArrayOf(digest.Numeric):   {{`{1.50}`, `{"1.5"}`}, {`{1.51}`}, {`{{1.5}}`}},
		digest.ArrayOf(digest.Bool):      {{`{t,f}`, `{"true","false"}`}, {`{f,t}`}},
		digest.ArrayOf(digest.Timestamp): {{`{"2020-01-01 00:00:00"}`, `{"2020-01-01 00:00:00.000000"}`}, {`{"2020-01-01 00:00:00.001"}`}, {`{infinity}`, `{"infinity"}`}},
		digest.ArrayOf(digest.JSONB): {
			{`{"{\\"a\\": 1, \\"b\\": 2}"}`, `{"{\\"b\\":2,\\"a\\":1.0}"}`},
			{`{"{\\"a\\": 1, \\"b\\": 3}"}`},
			{`{"null"}`},
			{`{NULL}`},
			{`{"\\"a\\\\\\\\b\\""}`},
			{`{"\\"ab\\""}`},
		},
	} {
		t.Run(string(canon), func(t *testing.T) {
			t.Parallel()
			f := form(t, canon)
			of := map[string]string{} // first text of the line, by canonical form
			for _, class := range classes {
				want := string(f.Row([]byte(class[0])))
				require.NotContains(t, of, want, "%q is taken for %q", class[0], of[want])
				of[want] = class[0]
				require.NotContains(t, want, "\t")
				require.NotContains(t, want, "\n")
				for _, text := range class {
					require.Equal(t, want, string(f.Row([]byte(text))), "%q is not taken for %q", text, class[0])
				}
				if class[0] != Null {
					require.NotEqual(t, Null, want)
				}
			}
		})
	}
}

const Null = digest.Null

// V9: an interval is its months and all else as seconds: a day is 24 hours, but
// a month is no number of days, and a microsecond is not lost.
func TestIntervalV9(t *testing.T) {
	t.Parallel()
	f := form(t, digest.Interval)
	of := map[string]string{}
	for _, class := range [][]string{
		{"1 day", "24:00:00", "1 days", "+1 days", "2 days -24:00:00", "24:00:00.000000"},
		{"1 mon", "1 mons", "1 month"},
		{"30 days", "720:00:00"},
		{"1 year", "12 mons", "2 years -12 mons", "1 years"},
		{"365 days"},
		{"-1 days", "-24:00:00"},
		{"-1 mons", "-1 mon"},
		{"1 day -00:00:01", "23:59:59"},
		{"-1 days +02:03:04", "-21:56:56"},
		{"-1 days -02:03:04", "-26:03:04"},
		{"1 mon -1 days", "1 mons -24:00:00"},
		{"-1 mons +1 day", "-1 mons +24:00:00"},
		{"00:00:00", "0 days", "00:00:00.000", "-00:00:00"},
		{"00:00:00.000001"},
		{"-00:00:00.000001"},
		{"00:00:00.001", "00:00:00.001000"},
		{"-00:00:00.5", "-1 days +23:59:59.5"},
		{"1 day 00:00:00.001"},
		{"infinity"},
		{"-infinity"},
		{"178000000 years"},
		{"-178000000 years -2147483648 days -2562047788:00:54.775808"},
		{Null},
		{""},
		{"1"},
		{"day"},
		{"1 fortnight"},
		{"P1D"},
		{"1:2:3"},
		{"00:00:00.0000001"},
		{strings.Repeat("9999999999 days ", 3)},
		{strings.Repeat("1 day ", 9)},
	} {
		want := string(f.Row([]byte(class[0])))
		require.NotContains(t, of, want, "%q is taken for %q", class[0], of[want])
		of[want] = class[0]
		for _, text := range class {
			require.Equal(t, want, string(f.Row([]byte(text))), text)
		}
	}
}

// Where a target keeps days, a day is no 24 hours.
func TestIntervalDays(t *testing.T) {
	t.Parallel()
	f := form(t, digest.IntervalDays)
	of := map[string]string{}
	for _, class := range [][]string{
		{"1 day", "1 days", "+1 days 00:00:00", "2 days -1 days", "1 day 00:00:00.000000"},
		{"24:00:00", "24:00:00.000"},
		{"1 day -00:00:01"},
		{"23:59:59"},
		{"7 days", "1 week"},
		{"168:00:00"},
		{"1 year", "12 mons"},
		{"-1 days +02:03:04.000001"},
		{"00:00:00", "0 days"},
		{"infinity"},
		{Null},
	} {
		want := string(f.Row([]byte(class[0])))
		require.NotContains(t, of, want, "%q is taken for %q", class[0], of[want])
		of[want] = class[0]
		for _, text := range class {
			require.Equal(t, want, string(f.Row([]byte(text))), text)
		}
	}
}

// A form never fails, nor writes what ends a field, whatever it is given; and
// its own text, where it is one of the type, is its form.
func TestFormsTakeAnything(t *testing.T) {
	t.Parallel()
	all := []digest.Canon{
		digest.Bool, digest.Float8, digest.Numeric, digest.Time, digest.Timestamp, digest.TimestampTZ, digest.Interval, digest.JSONB,
		digest.Array, digest.ArrayOf(digest.JSONB), digest.ArrayOf(digest.Float8), digest.ArrayOf(digest.Interval),
		digest.IntervalDays, digest.ArrayOf(digest.IntervalDays),
	}
	rapid.Check(t, func(t *rapid.T) {
		canon := rapid.SampledFrom(all).Draw(t, "canon")
		field := rapid.OneOf(
			rapid.StringMatching(`[{}\[\],:"\\ 0-9a-fuNULtrue.eE+-]{0,30}`),
			rapid.StringMatching(`[^\t\n]{0,20}`),
		).Draw(t, "field")
		f := form(t, canon, digest.Text)
		got := f.Row([]byte(field + "\tx"))
		require.Equal(t, 1, strings.Count(string(got), "\t"), "%q", got)
		require.NotContains(t, string(got), "\n")
		require.True(t, strings.HasSuffix(string(got), "\tx"))
	})
}

// What COPY TO escapes comes back, in one piece or in several.
func TestAppendEscaped(t *testing.T) {
	t.Parallel()
	require.Equal(t, `a\\b\b\f\n\r\t\v`+"\x01\x7fé", string(digest.AppendEscaped(nil, []byte("a\\b\b\f\n\r\t\v\x01\x7fé"))))
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.SliceOf(rapid.Byte()).Draw(t, "value")
		whole := digest.AppendEscaped(nil, value)
		at := rapid.IntRange(0, len(value)).Draw(t, "at")
		require.Equal(t, whole, digest.AppendEscaped(digest.AppendEscaped(nil, value[:at]), value[at:]))
		require.NotContains(t, string(whole), "\n")
		require.NotContains(t, string(whole), "\t")
	})
}

func BenchmarkRowForms(b *testing.B) {
	f := form(b, digest.Text, digest.Numeric, digest.TimestampTZ, digest.JSONB, digest.Array)
	row := []byte("1234567\t1234.50\t2020-02-03 04:05:06.789+00\t" + `{"a": 1, "b": ["x", "y\\nz"], "some key": true}` + "\t{one,two,three}")
	b.SetBytes(int64(len(row)))
	b.ReportAllocs()
	var s digest.Sum
	for b.Loop() {
		s.Add(f.Row(row))
	}
}
