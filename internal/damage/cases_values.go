package damage

// textCases are damages that texts and bytes suffer.
func textCases() []Case {
	const text = "'Grüße ' || i"
	return []Case{
		typed("NULL for empty", "text", "''", "NULL"),
		typed("empty for NULL", "text", "NULL", "''"),
		typed("the text backslash N for NULL", "text", "NULL", `'\N'`),
		typed("the text NULL for NULL", "text", "NULL", "'NULL'"),
		typed("trailing blank added", "text", text, "v || ' '"),
		typed("trailing blanks lost", "text", text+" || '  '", "rtrim(v)"),
		typed("leading blank lost", "text", "' ' || i", "ltrim(v)"),
		typed("upper case", "text", text, "upper(v)"),
		typed("truncated text", "text", "repeat('x', 300) || i", "left(v, 255)"),
		typed("long text changed at its end", "text", "repeat('abcdefgh', 20000) || i", "v || '.'"),
		typed("replacement character", "text", text, `replace(v, 'ü', U&'\FFFD')`),
		typed("question mark for a letter", "text", text, "replace(v, 'ß', '?')"),
		typed("bytes read as Latin-1", "text", text, "convert_from(convert_to(v, 'UTF8'), 'LATIN1')"),
		typed("decomposed letters", "text", text, "normalize(v, NFD)"),
		typed("line ends", "text", `E'one\r\ntwo ' || i`, `replace(v, E'\r\n', E'\n')`),
		typed("tab for blanks", "text", `E'one\ttwo ' || i`, `replace(v, E'\t', ' ')`),
		typed("doubled backslash", "text", `'C:\dir\' || i`, `replace(v, '\', '\\')`),
		typed("quotes lost", "text", `'"' || i || '"'`, `trim(v, '"')`),
		typed("invisible character", "text", text, `v || U&'\200B'`),
		typed("truncated varchar", "varchar(20)", "repeat('y', 20)", "left(v, 19)"),
		typed("char shortened", "char(4)", "'abcd'", "'abc'"),
		typed("truncated bytea", "bytea", `decode(repeat('00ff', 150), 'hex')`, "substring(v from 1 for 255)"),
		typed("one bit of bytea", "bytea", `decode('deadbeef', 'hex')`, "set_bit(v, 3, 1 - get_bit(v, 3))"),
		typed("bytea as the text of its hex", "bytea", `decode('00ff', 'hex')`, `convert_to('\x00ff', 'UTF8')`),
		typed("zero bytes lost", "bytea", `decode('00ff00', 'hex')`, `decode('ff', 'hex')`),
	}
}

// numberCases are damages of numbers.
func numberCases() []Case {
	return []Case{
		typed("integer off by one", "integer", "i * 1000", "v + 1"),
		typed("sign lost", "integer", "-i", "-v"),
		typed("zero for NULL", "integer", "NULL", "0"),
		typed("bigint rounded by a double", "bigint", "9007199254740993", "9007199254740992"),
		typed("smallint wrapped", "smallint", "i + 32000", "-32768"),
		typed("one bit of a double", "double precision", "i / 3.0", "v + 1.2e-16 * 2 ^ floor(log(2::numeric, (v * 2)::numeric))").
			db9("v + 1.2e-16 * 2 ^ floor(log(2::numeric, (v * 2)::numeric))"),
		typed("double of 15 digits", "double precision", "i / 3.0", "v::numeric::double precision"),
		typed("minus zero", "double precision", "'-0'::double precision", "0"),
		typed("infinity cut", "double precision", "'Infinity'::double precision", "1.7976931348623157e308"),
		typed("NaN lost", "double precision", "'NaN'::double precision", "NULL"),
		typed("last digit of a real", "real", "(i / 3.0)::real", "v::double precision * 1.000001"),
		typed("rounded numeric", "numeric(20,6)", "i + 0.123456", "round(v, 2)"),
		typed("last digit of a numeric", "numeric(28,10)", "123456789012345678.0123456789", "v + 0.0000000001"),
		typed("numeric of a double", "numeric(25,5)", "12345678901234567890.12345", "v::double precision::numeric"),
		typed("numeric scale", "numeric", "i + 0.50", "trim_scale(v)").only(Postgres, "a DB9 tells 1.50 as 1.5: the form under which both are compared says so"),
		typed("thousandfold", "numeric(12,2)", "i + 0.25", "v * 1000"),
		typed("cent of money", "money", "i::numeric::money", "v + 0.01::numeric::money").db9("v + 0.01"),
		typed("oid off by one", "oid", "i::text::oid", "'77'::oid").db9("77"),
		typed("boolean inverted", "boolean", "i % 2 = 0", "NOT v"),
		typed("false for NULL", "boolean", "NULL", "false"),
	}
}

// momentCases are damages of times.
func momentCases() []Case {
	const at = "timestamp '2020-03-29 01:30:00.123' + i * interval '1 hour'"
	return []Case{
		typed("one millisecond more", "timestamp", at, "v + interval '1 ms'"),
		typed("one millisecond less", "timestamptz", "("+at+") AT TIME ZONE 'UTC'", "v - interval '1 ms'"),
		typed("microseconds lost", "timestamp", at+" + interval '456 us'", "date_trunc('milliseconds', v)").only(Postgres, "a DB9 keeps milliseconds: the loss is announced"),
		typed("zone shifted by an hour", "timestamptz", "("+at+") AT TIME ZONE 'UTC'", "v + interval '1 hour'"),
		typed("local time taken for UTC", "timestamptz", "("+at+") AT TIME ZONE 'UTC'", "(v AT TIME ZONE 'Asia/Kathmandu') AT TIME ZONE 'UTC'"),
		typed("date off by one", "date", "date '2020-02-28' + i", "v - 1"),
		typed("day and month swapped", "date", "date '2020-02-03'", "date '2020-03-02'"),
		typed("midnight for a time of day", "timestamp", at, "date_trunc('day', v)"),
		typed("infinite time lost", "timestamptz", "'infinity'::timestamptz", "NULL").only(Postgres, "a DB9 is not known to keep infinity"),
		typed("years BC lost", "date", "date '0044-03-15 BC'", "date '0044-03-15'").only(Postgres, "a DB9 is not known to keep years BC"),
		typed("fraction of a time lost", "time", "time '12:34:56.789'", "time '12:34:56'"),
		typed("zone of a time lost", "timetz", "timetz '12:34:56+05:45'", "timetz '12:34:56+00'").db9("'12:34:56+00'"),
		typed("month for 30 days", "interval", "make_interval(months => i)", "make_interval(days => 30 * {k})"),
		typed("sign of an interval", "interval", "make_interval(hours => i)", "-v"),
		typed("day for 24 hours", "interval", "make_interval(days => i)", "make_interval(hours => 24 * {k})").only(Postgres, "a DB9 keeps both as one value"),
	}
}
