package scan

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// planted is one of each kind, and beside each what is near to it and fine.
const planted = `
CREATE DOMAIN amount AS numeric;
CREATE DOMAIN stamp AS timestamptz;
CREATE DOMAIN positive AS int;
CREATE TYPE item AS (label text, n numeric, body json);
CREATE TABLE v (
	id int PRIMARY KEY, n numeric, m amount, p numeric(10,2), wide numeric(40,10), t time, d date, ts timestamp, tz stamp, i interval, j json, jb jsonb,
	c char(5), b "char", ta text[], fa double precision[], na numeric[], ja json[], l item, la item[], o positive);
INSERT INTO v VALUES
	(1, 1234567890123456789012345678, 1, 1, 1, '23:59:59.999999', '0001-01-01', '2020-01-01 00:00:00.123', '9999-12-31Z', '1 mon 23:00:00.001', '{"a":"\\u0000"}',
		'{"n": [0.1, 9223372036854775807, 1e300]}', 'abcde', 'x', '{a,b}', '{1,2}', '{1}', '{"{}"}', ROW('a', 1, '{}'), ARRAY[ROW('a', 1, '{}')::item]),
	(2, 12345678901234567890123456789, 'NaN', 'NaN', 123456789012345678901234567890, '24:00', 'infinity', '0044-03-15 BC', 'infinity', '1 day', '{"a":"\u0000"}',
		'{"n": 0.12345678901234567890}', 'ab', NULL, '[0:1]={a,b}', '{1,NaN}', '{NaN}', '{"\"\\u0000\""}', ROW('a', 0.12345678901234567890, '{}'), ARRAY[ROW('a', 1, '"\u0000"')::item]),
	(3, 0.00000000000000000000000000001, 'Infinity', 1, 'NaN', NULL, '200000-01-01', '2020-01-01 00:00:00.1235', '2020-01-01 00:00:00.0005Z', '00:00:00.0001', '"x\\\u0000"',
		'[9223372036854775808]', NULL, NULL, NULL, '{Infinity}', NULL, NULL, NULL, NULL);
INSERT INTO v (id) VALUES (4);
UPDATE v SET o = id - 2; ALTER DOMAIN positive ADD CONSTRAINT above CHECK (VALUE > 0) NOT VALID;
CREATE TABLE files (id int PRIMARY KEY, lo oid, other oid[]); SELECT lo_create(424242), lo_create(2147483648); INSERT INTO files VALUES (1, 424242, NULL), (2, 1, '{1}'), (3, 2147483648, '{424242}'), (4, NULL, NULL);
CREATE TABLE lone (v varchar(5)); INSERT INTO lone VALUES (''), ('a'), (NULL);
CREATE TABLE events (at timestamptz, kind int, PRIMARY KEY (kind, at), note text);
INSERT INTO events VALUES ('2020-01-01 00:00:00.0001Z', 1), ('2020-01-01 00:00:00.0002Z', 1), ('2020-01-01 00:00:00.0002Z', 2), ('2020-01-01 00:00:00.0014Z', 1);
CREATE TABLE calm (at timestamptz PRIMARY KEY); INSERT INTO calm VALUES ('2020-01-01 00:00:00.0001Z'), ('2020-01-01 00:00:00.0016Z');
CREATE TABLE docs (id int PRIMARY KEY, body text, raw bytea, doc jsonb);
ALTER TABLE docs ALTER COLUMN body SET STORAGE EXTERNAL;
INSERT INTO docs SELECT 1, repeat('x', 7 << 20) UNION ALL SELECT 2, repeat('x', (7 << 20) - 12) UNION ALL SELECT 3, repeat(E'\n', 4 << 20) UNION ALL SELECT 4, repeat('x', 4 << 20);
INSERT INTO docs SELECT 5, NULL, decode(repeat('00', 4 << 20), 'hex') UNION ALL SELECT 6, NULL, decode(repeat('00', 3 << 20), 'hex');
INSERT INTO docs SELECT 7, NULL, NULL::bytea, to_jsonb(repeat('x', 8 << 20)) UNION ALL SELECT 8, NULL, NULL, to_jsonb(repeat('x', 1 << 20));
CREATE TABLE names (id int PRIMARY KEY, name text, other text);
INSERT INTO names SELECT i, repeat(md5(i::text), i * 32) FROM generate_series(1, 8) i;
CREATE UNIQUE INDEX names_name ON names (name); CREATE INDEX names_part ON names (lower(other)) WHERE id > 1;
CREATE TABLE parents (id int PRIMARY KEY, other int, UNIQUE (other, id));
INSERT INTO parents SELECT i, i FROM generate_series(1, 10) i;
CREATE TABLE children (id int PRIMARY KEY, parent int, second int, third int);
INSERT INTO children SELECT i, CASE WHEN i > 90 THEN NULL ELSE i END, 1, CASE WHEN i % 2 = 0 THEN 1 END FROM generate_series(1, 98) i;
ALTER TABLE children ADD CONSTRAINT fits FOREIGN KEY (second) REFERENCES parents;
ALTER TABLE children ADD CONSTRAINT leads FOREIGN KEY (parent) REFERENCES parents NOT VALID;
ALTER TABLE children ADD CONSTRAINT pair FOREIGN KEY (third, second) REFERENCES parents (other, id) MATCH FULL NOT VALID;
ALTER TABLE children ADD CONSTRAINT bounded CHECK (id < 98 AND ')' <> '(') NOT VALID;
CREATE TABLE counted (id serial PRIMARY KEY, plain int, up bigint GENERATED ALWAYS AS IDENTITY);
INSERT INTO counted (id, up) OVERRIDING SYSTEM VALUE VALUES (7, 1), (8, 2); SELECT setval('counted_up_seq', 2);
CREATE SEQUENCE down INCREMENT -1 MAXVALUE -1 OWNED BY counted.plain; UPDATE counted SET plain = -5;
`

// U9, V4, V7, V8, V10, V25, V28, T20: each planted row is found, with its count and
// its key, and what is beside it is not.
func TestPlantedRowsAreFound(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	db.Exec(t, planted)
	p := params(t, db)
	r, found := p.run(t)
	want := map[string]string{
		"public.calm.at sub-millisecond": "2 at=2020-01-01 00:00:00.0001+00; at=2020-01-01 00:00:00.0016+00",

		"public.children.bounded check": "1 id=98",
		"public.children.leads orphan":  "80 id=11; id=12; id=13; id=14; id=15",
		"public.children.pair orphan":   "49 id=1; id=3; id=5; id=7; id=9", // MATCH FULL: one of two is NULL; (1, 1) is there

		"public.counted_id_seq sequence-behind": "2 id=8",
		"public.down sequence-behind":           "2 plain=-5",

		"public.docs wide-row": "4 id=1; id=3; id=5; id=7",

		"public.events.at sub-millisecond":    "4 kind=1, at=2020-01-01 00:00:00.0001+00; kind=1, at=2020-01-01 00:00:00.0002+00; kind=2, at=2020-01-01 00:00:00.0002+00; kind=1, at=2020-01-01 00:00:00.0014+00",
		"public.events.events_pkey collision": "2 kind=1, at=2020-01-01 00:00:00+00",

		"public.files.lo large-object": "2 id=1; id=3",
		"public.lone.v empty-line":     "1 ctid=(0,1)",
		"public.names_name long-key":   "2 id=2; id=3",
		"public.names_name key-limit":  "5 id=4; id=5; id=6; id=7; id=8",
		"public.v.n digits":            "2 id=2; id=3",
		"public.v.m nan":               "1 id=2",
		"public.v.m infinity":          "1 id=3",
		"public.v.p nan":               "1 id=2",
		"public.v.wide digits":         "1 id=2",
		"public.v.wide nan":            "1 id=3",
		"public.v.t hour-24":           "1 id=2",
		"public.v.d infinity":          "1 id=2",
		"public.v.d far-date":          "1 id=3",
		"public.v.ts bc":               "1 id=2",
		"public.v.ts sub-millisecond":  "1 id=3",
		"public.v.tz infinity":         "1 id=2",
		"public.v.tz sub-millisecond":  "1 id=3",
		"public.v.i days":              "1 id=2",
		"public.v.i sub-millisecond":   "1 id=3",
		"public.v.j nul":               "2 id=2; id=3",
		"public.v.jb long-number":      "2 id=2; id=3",
		"public.v.c padding":           "1 id=2",
		"public.v.ta lower-bound":      "1 id=2",
		"public.v.fa nan":              "1 id=2",
		"public.v.fa infinity":         "1 id=3",
		"public.v.na nan":              "1 id=2",
		"public.v.ja nul":              "1 id=2",
		"public.v.l long-number":       "1 id=2",
		"public.v.la nul":              "1 id=2",
		"public.v.o check":             "2 id=1; id=2",
	}
	got := map[string]string{}
	for k, i := range found {
		require.Equal(t, Found, i.State, "%s: %s", k, i.Why)
		got[k] = fmt.Sprintf("%d %s", i.Count, strings.Join(i.Keys, "; "))
	}
	require.Equal(t, want, got)
	require.True(t, r.Complete)

	// The query of each lists as many rows as were counted.
	conn := db.Conn(t)
	_, err := conn.Exec(t.Context(), "SET search_path = ''; SET TimeZone = 'UTC'")
	require.NoError(t, err)
	for k, i := range found {
		count := "pg_catalog.count(*)"
		if i.Kind == kindCollision {
			count = "pg_catalog.sum(n)"
		}
		var n int64
		require.NoError(t, conn.QueryRow(t.Context(), "SELECT "+count+" FROM ("+i.Query+") AS listed").Scan(&n), "%s: %s", k, i.Query)
		require.Equal(t, i.Count, n, "%s: %s", k, i.Query)
	}

	// Whoever has proved that a target keeps such values is not told of them.
	p.Profile = ddlgen.Postgres()
	_, found = p.planned(t, ddlgen.Options{}).run(t)
	require.ElementsMatch(t, []string{
		"public.children.bounded check", "public.children.leads orphan", "public.children.pair orphan", "public.v.o check",
		"public.counted_id_seq sequence-behind", "public.down sequence-behind",
	}, slices.Collect(maps.Keys(found)))
}
