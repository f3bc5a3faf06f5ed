package damage

// textForms are the same values in other words: as the target's input takes them.
func textForms() []Case {
	const moment = "timestamptz '2020-03-29 01:30:00.5+00'"
	return []Case{
		form("digits of a double", "double precision", "0.1", "'0.1000000000000000055511151231257827'"),
		form("exponent of a double", "double precision", "1e22", "'10000000000000000000000'"),
		form("infinity in other words", "double precision", "'Infinity'", "'inf'"),
		form("digits of a real", "real", "0.1", "'0.1'").db9("'0.1'"),
		form("exponent of a numeric", "numeric(12,2)", "1500", "'1.5e3'"),
		form("padded numeric", "numeric(12,2)", "1.5", "'0001.50'"),
		form("scale of a numeric", "numeric", "i + 0.50", "trim_scale(v)").only(DB9, "a PostgreSQL tells the scale, and keeps it"),
		form("boolean in other words", "boolean", "true", "'yes'"),
		form("zone of a moment", "timestamptz", moment, "'2020-03-29 07:15:00.5+05:45'"),
		form("moment in other words", "timestamp", "timestamp '2020-03-29 01:30:00.500'", "'29 March 2020 1:30:00.5'"),
		form("date in other words", "date", "date '2020-02-03'", "'3 Feb 2020'"),
		form("time in other words", "time", "time '13:05:00'", "'1:05 PM'"),
		form("interval in other words", "interval", "interval '1 year 2 mons 3 hours'", "'P1Y2MT3H'"),
		form("day of 24 hours", "interval", "make_interval(days => i)", "make_interval(hours => 24 * {k})").only(DB9, "a PostgreSQL keeps days apart"),
		form("order of a document", "jsonb", `'{"a": 1, "b": [1, 2]}'::jsonb`, `'{"b": [ 1,2 ], "a":1}'`),
		form("doubled member of a document", "jsonb", `'{"a": 2}'::jsonb`, `'{"a": 1, "a": 2}'`),
		form("escapes of a document", "jsonb", `'{"a": "é"}'::jsonb`, `'{"a": "\u00e9"}'`),
		form("number of a document in other digits", "jsonb", `'{"a": 1.50}'::jsonb`, `'{"a": 1.5}'`).only(DB9, "a PostgreSQL keeps the digits"),
		form("uuid in other words", "uuid", "md5('x')::uuid", "'{9DD4E461-268C-8034-F5C8-564E155C67A6}'"),
		form("bytea in other words", "bytea", `'\x00ff41'`, `'\000\377A'`),
		form("address in other words", "inet", "'10.0.0.1'::inet", "'10.0.0.1/32'").only(Postgres, "as text every letter counts"),
		form("range in other words", "int4range", "'[1,4)'::int4range", "'[1,3]'").only(Postgres, "as text every letter counts"),
		form("pad of a char", "char(6)", "'ab'", "'ab    '").db9("'ab'"),
		form("array in other words", "text[]", "ARRAY['a', NULL]", `'{ "a" , null }'`).only(Postgres, "on a DB9 it is a document"),
		form("lexemes in another order", "tsvector", "'cat:1 dog:2'::tsvector", "'dog:2 cat:1'"),
		form("money in other words", "money", "'1234.50'::numeric::money", "1234.5::numeric::money").db9("1234.5"),
	}
}

// Settings are what databases may say against a reader, on the side of the
// source and of the target.
func Settings(profile string) []string {
	all := []string{
		"DateStyle = 'German'", "IntervalStyle = 'iso_8601'", "TimeZone = 'Asia/Kathmandu'", "lc_monetary = 'C'", "search_path = 'nowhere'",
		"default_transaction_isolation = 'serializable'", "default_transaction_deferrable = on", "statement_timeout = '5s'", "enable_seqscan = off", "client_encoding = 'LATIN1'",
	}
	if profile == DB9 { // which has no others that would change a text
		return all
	}
	return append(all, "extra_float_digits = 0", "bytea_output = 'escape'", "quote_all_identifiers = on")
}

// settingForms are the types whose text depends on one of the Settings.
func settingForms() []Case {
	same := func(name, typ, value string) Case { return form(name, typ, value, "v") }
	return []Case{
		same("German dates", "date", "date '2020-02-03' + i"),
		same("German moments", "timestamp", "timestamp '2020-02-03 04:05:06.789' + i * interval '1 day'"),
		same("moments in Kathmandu", "timestamptz", "timestamptz '2020-02-03 04:05:06.789+00' + i * interval '1 hour'"),
		same("intervals by ISO 8601", "interval", "make_interval(months => i, hours => i)"),
		same("doubles of few digits", "double precision", "i / 3.0"),
		same("reals of few digits", "real", "(i / 3.0)::real"),
		same("bytea in escapes", "bytea", `decode('00ff5c', 'hex')`),
		same("money of a locale", "money", "(i + 0.25)::numeric::money"),
		same("texts beyond LATIN1", "text", "'Grüße, Ελλάδα, 日本 ' || i"),
		{Name: "names that need quotes", Setup: "CREATE TABLE {t} (id integer PRIMARY KEY, v integer, CONSTRAINT {t}_c CHECK (v > 0)); INSERT INTO {t} VALUES (1, 1); CREATE INDEX {t}_i ON {t} (v); CREATE VIEW {t}_v AS SELECT v FROM {t}", Damage: "UPDATE {t} SET v = 1", View: "_v"},
	}
}
