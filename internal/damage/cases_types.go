package damage

// documentCases are damages of documents and arrays.
func documentCases() []Case {
	const doc = `('{"n": ' || i || ', "s": "x", "a": [1, null, 2]}')::`
	array := func(name, typ, value, damaged string) Case {
		return typed(name, typ, value, damaged).only(Postgres, "what an array becomes on a DB9 is a finding of its own; its elements are compared there as documents")
	}
	return []Case{
		typed("number of a document", "jsonb", doc+"jsonb", `jsonb_set(v, '{n}', '1000')`),
		typed("precision of a document's number", "jsonb", `'{"n": 12345678901234.567}'::jsonb`, `jsonb_set(v, '{n}', '12345678901234.57')`).
			db9(`'{"n": 12345678901234.57}'`),
		typed("member of a document lost", "jsonb", doc+"jsonb", `v - 's'`),
		typed("null for an absent member", "jsonb", doc+"jsonb", `v || '{"x": null}'`),
		typed("text for a document's number", "jsonb", doc+"jsonb", `jsonb_set(v, '{n}', to_jsonb(v ->> 'n'))`),
		typed("array of a document in another order", "jsonb", doc+"jsonb", `jsonb_set(v, '{a}', '[2, null, 1]')`),
		typed("JSON null for NULL", "jsonb", "NULL", `'null'`),
		typed("document as a text in a document", "jsonb", doc+"jsonb", `to_jsonb(v::text)`),
		typed("blanks of a json", "json", doc+"json", `v::jsonb::text::json`),
		typed("doubled member of a json lost", "json", `'{"a":1,"a":2}'::json`, `'{"a":2}'`),
		array("bounds of an array", "integer[]", "'[0:2]={1,2,3}'::integer[]", "'{1,2,3}'"),
		array("NULL element", "text[]", "'{a,NULL,b}'::text[]", `'{a,"NULL",b}'`),
		array("order of an array", "integer[]", "ARRAY[i, i + 1]", "ARRAY[v[2], v[1]]"),
		array("array made flat", "integer[]", "'{{1,2},{3,4}}'::integer[]", "'{1,2,3,4}'"),
		array("NULL for an empty array", "text[]", "'{}'::text[]", "NULL"),
		array("quotes in an array", "text[]", `ARRAY['a"b', 'c,d']`, `'{"a\"b",c,d}'`),
	}
}

// otherCases are damages of values of other types.
func otherCases() []Case {
	return []Case{
		typed("digit of a uuid", "uuid", "'00000000-0000-4000-8000-0000000000ab'::uuid", "'00000000-0000-4000-8000-0000000000aa'"),
		typed("mask of an address", "inet", "('10.0.0.' || i || '/24')::inet", "('10.0.0.{k}')::inet").db9("'10.0.0.{k}'"),
		typed("address of a device", "macaddr", "'08:00:2b:01:02:03'::macaddr", "'08:00:2b:01:02:04'"),
		typed("bound of a range", "int4range", "int4range(i, i + 5)", "int4range({k}, {k} + 6)").db9("'[{k},100)'"),
		typed("open bound of a range", "numrange", "'[1,2]'::numrange", "'[1,2)'"),
		typed("bit string", "bit(4)", "B'1010'", "B'1011'").db9("'1011'"),
		typed("leading zeros of bits", "bit varying(8)", "B'0010'", "B'10'").db9("'10'"),
		typed("content of xml", "xml", "('<a>' || i || '</a>')::xml", "'<a/>'"),
		typed("point moved", "point", "point(i, 1)", "point({k}, 2)").db9("'({k},2)'"),
		typed("weight of a lexeme", "tsvector", "'cat:1A dog:2'::tsvector", "'cat:1 dog:2'"),
		typed("lexeme lost", "tsvector", "'cat:1 dog:2'::tsvector", "'cat:1'"),
		{
			Name: "label of an enum", Setup: "CREATE TYPE {t}_mood AS ENUM ('sad', 'ok'); CREATE TABLE {t} (id integer PRIMARY KEY, v {t}_mood); INSERT INTO {t} SELECT i, 'ok' FROM generate_series(1, 40) i",
			Damage: "UPDATE {t} SET v = 'sad' WHERE id = {k}", Rows: []string{"changed id={k}: v"},
		},
		{
			Name: "value of a domain", Setup: "CREATE DOMAIN {t}_d AS integer CHECK (VALUE > 0); CREATE TABLE {t} (id integer PRIMARY KEY, v {t}_d); INSERT INTO {t} SELECT i, i FROM generate_series(1, 40) i",
			Damage: "UPDATE {t} SET v = 99 WHERE id = {k}", Rows: []string{"changed id={k}: v"},
		},
		{
			Name: "field of a composite", Setup: "CREATE TYPE {t}_c AS (x integer, y text); CREATE TABLE {t} (id integer PRIMARY KEY, v {t}_c); INSERT INTO {t} SELECT i, ROW(i, 'y')::{t}_c FROM generate_series(1, 40) i",
			Damage: "UPDATE {t} SET v = ROW({k}, NULL)::{t}_c WHERE id = {k}", DB9: `UPDATE {t} SET v = '{"x": {k}, "y": null}' WHERE id = {k}`, Rows: []string{"changed id={k}: v"},
		},
	}
}
