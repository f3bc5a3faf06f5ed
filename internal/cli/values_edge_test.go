package cli

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// simulated is a source beside a stand-in with strict rules.
type simulated struct {
	source *pgtest.DB
	target *pgtest.DB // behind the stand-in
	url    string
}

func simulate(t *testing.T, source *pgtest.DB, sql string) *simulated {
	t.Helper()
	source.Exec(t, sql)
	sim, db := standIn(t)
	return &simulated{source: source, target: db, url: sim.URL()}
}

func (s *simulated) clone(t *testing.T, more ...string) result {
	t.Helper()
	return run(t, append([]string{"clone", "--source", withPassword(s.source.URL), "--target", s.url, "--probe", "never"}, more...)...)
}

// cloned is a clone that must end well, every table proved.
func (s *simulated) cloned(t *testing.T, more ...string) result {
	t.Helper()
	r := s.clone(t, more...)
	require.Equal(t, OK, r.code, "%s\n%s", r.err, r.out)
	require.Contains(t, r.last(), "done and verified")
	return r
}

// same compares what two queries give, each on its side.
func (s *simulated) same(t *testing.T, source, target string) {
	t.Helper()
	ask := func(db *pgtest.DB, sql string) (out []string) {
		conn := db.Conn(t)
		_, err := conn.Exec(t.Context(), "SET TimeZone = 'UTC'")
		require.NoError(t, err)
		rows, err := conn.Query(t.Context(), sql)
		require.NoError(t, err, sql)
		out, err = pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err, sql)
		return out
	}
	want := ask(s.source, source)
	require.NotEmpty(t, want)
	require.Equal(t, want, ask(s.target, target))
}

// empty says that nothing was written.
func (s *simulated) empty(t *testing.T) {
	t.Helper()
	require.Equal(t, "0", s.target.QueryString(t, "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public' AND relkind = 'r'"))
}

// V4: decimals that the target keeps arrive digit for digit; others stop the run
// before anything is written, counted; accepted they are text, and never NULL.
func TestDecimalsV4(t *testing.T) {
	t.Parallel()
	s := simulate(t, pgtest.Major(t, 15).Database(t), `CREATE TABLE v4 (id int PRIMARY KEY, n numeric, s numeric(28,28), z numeric(20,10));
		INSERT INTO v4 VALUES (1, 1234567890123456789012345678, 0.0000000000000000000000000001, 1.5), (2, -0.0000000000000000000000000001, 0.9999999999999999999999999999, -0.0000000001),
			(3, 1.500, 0, 0), (4, 0.000, NULL, NULL), (5, NULL, NULL, NULL)`)
	s.cloned(t)
	const values = "SELECT concat_ws('|', id, n::text, s::text, z::text) FROM v4 ORDER BY id"
	s.same(t, values, strings.ReplaceAll(values, "n::text", "CASE id WHEN 3 THEN '1.500' WHEN 4 THEN '0.000' ELSE n::text END"))

	for value, why := range map[string]string{
		"12345678901234567890123456789":   "1 row has more than 28 digits",
		"123456789012345678901234567890":  "1 row has more than 28 digits",
		"0.00000000000000000000000000001": "1 row has more than 28 digits",
		"1.00000000000000000000000000000": "1 row has more than 28 digits",
		"'NaN'":                           "1 row has NaN",
		"'Infinity'":                      "1 row has infinity",
		"'-Infinity'":                     "1 row has infinity",
	} {
		t.Run(value, func(t *testing.T) {
			t.Parallel()
			s := simulate(t, pgtest.Major(t, 15).Database(t), "CREATE TABLE v4 (id int PRIMARY KEY, n numeric); INSERT INTO v4 VALUES (1, 1), (2, "+value+")")
			r := s.clone(t)
			require.Equal(t, Blocked, r.code, r.out)
			require.Contains(t, r.out+r.err, why)
			s.empty(t)
			s.cloned(t, "--accept", "value.refused")
			s.same(t, "SELECT n::text FROM v4 ORDER BY id", "SELECT n FROM v4 ORDER BY id")
		})
	}

	s = simulate(t, pgtest.Major(t, 15).Database(t), "CREATE TABLE v4 (id int PRIMARY KEY, w numeric(108,9)); INSERT INTO v4 VALUES (1, 1.5), (2, repeat('9', 99)::numeric)")
	r := s.clone(t)
	require.Equal(t, Blocked, r.code, r.out)
	require.Contains(t, r.out+r.err, "numeric(108,9): the target keeps 28 digits")
	s.cloned(t, "--accept", "type.refused")
	s.same(t, "SELECT w::text FROM v4 ORDER BY id", "SELECT w FROM v4 ORDER BY id")
}

// V5: the pad goes of char(n) only; trailing blanks of varchar and text stay. Half
// a character in a "char" is refused before the copy, or, where the source
// writes it in ASCII (16), arrives so.
func TestBlanksV5(t *testing.T) {
	t.Parallel()
	s := simulate(t, pgtest.Major(t, 15).Database(t), `CREATE TABLE v5 (id int PRIMARY KEY, c char(5), v varchar(6), t text, b "char", ca char(3)[]);
		INSERT INTO v5 VALUES (1, 'ab', 'ab  ', 'ab  ', 'x', '{"a  ",b}'), (2, '  a', '  ', ' ', '', '{}'), (3, '', '', '', ' ', NULL), (4, NULL, NULL, NULL, NULL, NULL)`)
	s.cloned(t)
	s.same(t, `SELECT concat_ws('|', id, rtrim(c::text), octet_length(rtrim(c::text)), v, octet_length(v), t, octet_length(t), b::text) FROM v5 ORDER BY id`,
		`SELECT concat_ws('|', id, c, octet_length(c), v, octet_length(v), t, octet_length(t), b) FROM v5 ORDER BY id`)

	const half = `CREATE TABLE v5 (id int PRIMARY KEY, b "char"); INSERT INTO v5 VALUES (1, 'a'), (2, (-61)::"char")`
	s = simulate(t, pgtest.Major(t, 15).Database(t), half)
	r := s.clone(t)
	require.Equal(t, Blocked, r.code, r.out)
	require.Contains(t, r.out+r.err, "1 row has a byte above 127, which is no character")
	s.empty(t)
	s = simulate(t, pgtest.Major(t, 16).Database(t), half)
	s.cloned(t)
	require.Equal(t, `a \303`, s.target.QueryString(t, "SELECT string_agg(b, ' ' ORDER BY id) FROM v5"))
}

// V6: lengths and bits keep their bounds, numbers of the system are bigint, and
// 63 bytes are a name.
func TestSystemTypesV6(t *testing.T) {
	t.Parallel()
	s := simulate(t, pgtest.Major(t, 15).Database(t), `CREATE TABLE v6 (id int PRIMARY KEY, v varchar(5), b bit(3), vb varbit(9), u varbit, m money, n name, o oid, x xid, l pg_lsn);
		INSERT INTO v6 VALUES (1, 'äöüß€', '101', '', '1', '-92233720368547758.08', repeat('n', 63), 4294967295, '4294967295', 'FFFFFFFF/FFFFFFFF'),
			(2, '', '000', '101010101', repeat('10', 500)::varbit, '92233720368547758.07', '', 0, '0', '0/0'), (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)`)
	s.cloned(t)
	const values = "SELECT concat_ws('|', id, v::text, b::text, vb::text, u::text, m::numeric::text, n::text, o::text, x::text, l::text) FROM v6 ORDER BY id"
	s.same(t, values, values)
	require.Equal(t, "b character varying 3, l text , m numeric , n name , o bigint , u character varying , v character varying 5, vb character varying 9, x bigint ", s.target.QueryString(t,
		`SELECT string_agg(concat(column_name, ' ', data_type, ' ', character_maximum_length), ', ' ORDER BY column_name) FROM information_schema.columns WHERE table_name = 'v6' AND column_name <> 'id'`))
	conn := s.target.Conn(t)
	for _, set := range []string{"b = '1x1'", "vb = '2'", "v = 'sechs!'"} {
		_, err := conn.Exec(t.Context(), "UPDATE v6 SET "+set+" WHERE id = 1")
		require.Error(t, err, set)
	}
}

// V8: times are rounded on the source, and both sides agree on them; keys that
// become equal are refused by the target and not lost (the scan finds them before
// the copy: TestPlantedRowsAreFound).
func TestMillisecondsV8(t *testing.T) {
	t.Parallel()
	s := simulate(t, pgtest.Major(t, 15).Database(t), `CREATE TABLE v8 (at timestamptz PRIMARY KEY, ts timestamp, i interval, a timestamp[]);
		INSERT INTO v8 SELECT '2020-01-01Z'::timestamptz + f * '1 s'::interval, '1969-12-31 23:59:59'::timestamp + f * '1 s'::interval, f * '1 s'::interval, ARRAY['2020-01-01'::timestamp + f * '1 s'::interval]
			FROM unnest(ARRAY[0.0005, 0.9995, 1.999999, 3.0015, 4.0025, 5.1234, 6, 7.9994999]) f`)
	r := s.cloned(t)
	require.Contains(t, r.out, "type.precision")
	s.same(t, "SELECT concat_ws('|', at::timestamptz(3), ts::timestamp(3), i::interval(3), to_jsonb(a)) FROM v8 ORDER BY at", "SELECT concat_ws('|', at, ts, i, a) FROM v8 ORDER BY at")

	s = simulate(t, pgtest.Major(t, 15).Database(t), `CREATE TABLE v8 (at timestamptz PRIMARY KEY); INSERT INTO v8 VALUES ('2020-01-01 00:00:00.0001Z'), ('2020-01-01 00:00:00.0002Z');
		CREATE TABLE fine (id int PRIMARY KEY); INSERT INTO fine VALUES (1)`)
	r = s.clone(t)
	require.NotEqual(t, OK, r.code)
	require.Contains(t, r.out, "key.precision")
	require.Contains(t, r.out+r.err, "public.v8")
	require.Contains(t, r.out+r.err, "23505")
	require.Equal(t, "1", s.target.QueryString(t, "SELECT count(*) FROM fine"))
}

// V10: json arrives as it was written; NULL, the document null and the text "null"
// stay three things; numbers that documents of the target would cut stop the run.
func TestDocumentsV10(t *testing.T) {
	t.Parallel()
	s := simulate(t, pgtest.Major(t, 15).Database(t), `CREATE TABLE v10 (id int PRIMARY KEY, j json, b jsonb);
		INSERT INTO v10 VALUES (1, '{"b" : 1, "a":  2, "b": null, "n": 1.50e2,  "u":"\u00e9\\n"}', '{"b": [1, 0.5, {"c": "\u00e9"}], "a": null}'), (2, 'null', 'null'), (3, '"null"', '"null"'), (4, NULL, NULL),
			(5, '1234567890123456789012345678901234567890', '[]'), (6, '1e400', '9223372036854775807'), (7, E' [1,\n\t2 ] ', '{}')`)
	s.cloned(t)
	s.same(t, "SELECT concat_ws('|', id, j::text, j IS NULL, b::text, b IS NULL, jsonb_typeof(b)) FROM v10 ORDER BY id", "SELECT concat_ws('|', id, j::text, j IS NULL, b::text, b IS NULL, jsonb_typeof(b)) FROM v10 ORDER BY id")

	for _, number := range []string{"1234567890123456789012345678901234567890", "1e400", "0.1234567890123456789", "-9223372036854775809"} {
		t.Run(number, func(t *testing.T) {
			t.Parallel()
			s := simulate(t, pgtest.Major(t, 15).Database(t), `CREATE TABLE v10 (id int PRIMARY KEY, b jsonb); INSERT INTO v10 VALUES (1, '{"deep": [{"n": `+number+`}]}'), (2, '1')`)
			r := s.clone(t)
			require.Equal(t, Blocked, r.code, r.out)
			require.Contains(t, r.out+r.err, "1 row has numbers of more digits")
			s.empty(t)
			s.cloned(t, "--accept", "value.refused")
			s.same(t, "SELECT to_json(b)::text FROM v10 ORDER BY id", "SELECT b::text FROM v10 ORDER BY id")
		})
	}
}

// V19: labels as they are written and in their order, whenever they were added;
// enums of another schema, as a key and in a predicate.
func TestEnumsV19(t *testing.T) {
	t.Parallel()
	s := simulate(t, pgtest.Major(t, 15).Database(t), `CREATE SCHEMA other; CREATE TYPE other."Mood" AS ENUM ('sad', 'it''s, "ok"', 'OK');
		ALTER TYPE other."Mood" ADD VALUE 'first' BEFORE 'sad'; ALTER TYPE other."Mood" ADD VALUE 'ok' AFTER 'sad'; ALTER TYPE other."Mood" ADD VALUE '';`)
	s.source.Exec(t, `CREATE TABLE v19 (m other."Mood" PRIMARY KEY, n int, a other."Mood"[]);
		INSERT INTO v19 SELECT m, row_number() OVER (), ARRAY[m, NULL] FROM unnest(enum_range(NULL::other."Mood")) m;
		CREATE INDEX v19_part ON v19 (n) WHERE m > 'sad' AND m <> 'it''s, "ok"'`)
	s.cloned(t)
	s.same(t, "SELECT concat_ws('|', m, n, to_jsonb(a)) FROM v19 ORDER BY m", "SELECT concat_ws('|', m, n, a) FROM v19 ORDER BY m")
	const labels = "SELECT enumlabel::text FROM pg_enum ORDER BY enumsortorder"
	s.same(t, labels, labels)
	const index = "SELECT pg_get_indexdef('v19_part'::regclass)"
	s.same(t, index, index)
}

// V20: domains over domains give their base, defaults and checks; composites give
// documents; the findings name every column.
func TestDomainsAndCompositesV20(t *testing.T) {
	t.Parallel()
	s := simulate(t, pgtest.Major(t, 15).Database(t), `CREATE DOMAIN small AS int DEFAULT 7 CHECK (VALUE > 0); CREATE DOMAIN smaller AS small NOT NULL CHECK (VALUE < 100);
		CREATE DOMAIN stamp AS timestamptz; CREATE TYPE inner_pair AS (a smallint, b text); CREATE TYPE outer_pair AS (p inner_pair, list inner_pair[], at stamp, s smaller);
		CREATE TABLE v20 (id int PRIMARY KEY, d smaller, e small DEFAULT 3, t stamp, c inner_pair, o outer_pair, oa outer_pair[], da small[]);
		INSERT INTO v20 VALUES (1, 1, 2, '2020-01-01 00:00:00.0006Z', ROW(1, E'x\\",y'), ROW(ROW(1, NULL), ARRAY[ROW(2, 'b')::inner_pair, NULL], '2020-01-01Z', 5), ARRAY[ROW(NULL, '{}', NULL, 6)::outer_pair], '{1,2}'),
			(2, 99, NULL, NULL, NULL, NULL, '{}', NULL), (3, 50, NULL, NULL, ROW(NULL, NULL), ROW(NULL, NULL, NULL, 1), NULL, '{}')`)
	r := s.cloned(t)
	for _, column := range []string{"d", "e", "t", "c", "o", "oa", "da"} {
		require.Regexp(t, `public\.v20\.`+column+`\b`, r.out, "a finding names column %s", column)
	}
	s.same(t, "SELECT concat_ws('|', id, d, e, t::timestamptz(3), to_jsonb(c), to_jsonb(o), to_jsonb(oa), to_jsonb(da)) FROM v20 ORDER BY id", "SELECT concat_ws('|', id, d, e, t, c, o, oa, da) FROM v20 ORDER BY id")
	conn := s.target.Conn(t)
	for _, values := range []string{"(9, 100, 1)", "(9, 0, 1)", "(9, NULL, 1)", "(9, 1, 0)"} {
		_, err := conn.Exec(t.Context(), "INSERT INTO v20 (id, d, e) VALUES "+values)
		require.Error(t, err, values)
	}
	require.Equal(t, "7 3", s.target.QueryString(t, "INSERT INTO v20 (id) VALUES (9) RETURNING d || ' ' || e"))
}

// V20, V10: of what is inside of a composite type or an array no digit is lost in
// silence: it blocks, and accepted it arrives as json.
func TestDocumentsInsideV20(t *testing.T) {
	t.Parallel()
	s := simulate(t, pgtest.Major(t, 15).Database(t), `CREATE TYPE pair AS (n numeric, j json);
		CREATE TABLE v20 (id int PRIMARY KEY, p pair, a pair[], j json[], b jsonb[]);
		INSERT INTO v20 VALUES (1, ROW(0.12345678901234567890, '{}'), ARRAY[ROW(1, '"\u0000"')::pair], ARRAY['"\u0000"'::json], ARRAY['[12345678901234567890]'::jsonb]), (2, ROW(1.5, '1'), '{}', NULL, NULL)`)
	r := s.clone(t)
	require.Equal(t, Blocked, r.code, r.out)
	for _, c := range []string{"p", "a", "j", "b"} {
		require.Contains(t, r.out, "public.v20."+c)
	}
	s.empty(t)
	s.cloned(t, "--accept", "value.refused")
	s.same(t, "SELECT concat_ws('|', id, to_json(p), to_json(a), to_json(j), to_json(b)) FROM v20 ORDER BY id", "SELECT concat_ws('|', id, p, a, j, b) FROM v20 ORDER BY id")
}

// V21: ranges of every kind of bound, of the user's too, multiranges, hstore with
// NULL, and keys of citext that stay apart by more than case.
func TestRangesAndFoldsV21(t *testing.T) {
	t.Parallel()
	s := simulate(t, pgtest.Major(t, 15).Database(t), `CREATE EXTENSION hstore; CREATE EXTENSION citext; CREATE TYPE floats AS RANGE (subtype = float8);
		CREATE TABLE v21 (k citext PRIMARY KEY, i int4range, n numrange, t tstzrange, m nummultirange, f floats, h hstore, ra int4range[], ha hstore[]);
		INSERT INTO v21 VALUES ('Ä', 'empty', '(1.5,2]', '(2020-01-01 00:00:00.000001Z,)', '{}', '[1.5,2.5)', '"a b"=>"1", c=>NULL, "null"=>"NULL"', '{"[1,3)",empty,NULL}', ARRAY['a=>NULL'::hstore, '']),
			('b', '(,)', '(,)', '(,2020-01-01Z]', '{(,1),[2,3]}', '(,)', '', '{}', NULL), ('C', '[1,1]', '[1,1]', 'empty', '{[1,2),(2,3)}', 'empty', NULL, NULL, '{}')`)
	s.cloned(t)
	s.same(t, `SELECT concat_ws('|', k, i, n, t, m, f, hstore_to_jsonb(h), to_jsonb(ra), to_jsonb(ha::jsonb[])) FROM v21 ORDER BY n::text`, `SELECT concat_ws('|', k, i, n, t, m, f, h, ra, ha) FROM v21 ORDER BY n`)
	_, err := s.target.Conn(t).Exec(t.Context(), "INSERT INTO v21 (k) VALUES ('B')")
	require.ErrorContains(t, err, "23505", "b and B were the same key")
}

// V22: texts for search with weights and the last position, paths, cubes, networks
// with and without mask, hardware addresses, XML with its declaration.
func TestTextualTypesV22(t *testing.T) {
	t.Parallel()
	s := simulate(t, pgtest.Major(t, 15).Database(t), `CREATE EXTENSION ltree; CREATE EXTENSION cube;
		CREATE TABLE v22 (id int PRIMARY KEY, v tsvector, q tsquery, l ltree, y lquery, c cube, i inet, d cidr, m macaddr8, x xml);
		INSERT INTO v22 VALUES (1, 'a:1A,16383C b:2,3B ''it''''s'':4', 'a & !b:AB | ''c d'':*', 'Top.a_b.c1', '*.a*{1,2}.!b', '(1,2),(3,4.5)', '10.0.0.1', '10.0.0.0/8', '08:00:2b:01:02:03:04:05',
				'<?xml version="1.0" standalone="yes"?><a b="&lt;">é</a>'),
			(2, '', '', '', '*', '(0)', '10.0.0.1/24', '::/0', '00:00:00:00:00:00:00:00', 'text<b/>'), (3, NULL, NULL, NULL, NULL, NULL, '::1/64', NULL, NULL, NULL)`)
	s.cloned(t)
	// The cast of inet writes a mask that its output leaves out: the output is asked for.
	const values = "SELECT concat_ws('|', id, v::text, q::text, l::text, y::text, c::text, format('%s', i), d::text, m::text, x::text) FROM v22 ORDER BY id"
	s.same(t, values, values)
}

// V28: a key that is too long for the target stops its own table by name, and the
// others go on; keys below the limit are carried (the scan warns of both by
// length: TestPlantedRowsAreFound).
func TestLongKeysV28(t *testing.T) {
	t.Parallel()
	s := simulate(t, pgtest.Major(t, 15).Database(t), `CREATE TABLE long (t text PRIMARY KEY); INSERT INTO long VALUES (repeat('z', 8192)), ('short');
		CREATE TABLE near (t text PRIMARY KEY); INSERT INTO near VALUES (repeat('x', 2048)), (repeat('y', 4000));
		CREATE TABLE fine (id int PRIMARY KEY); INSERT INTO fine VALUES (1)`)
	r := s.clone(t)
	require.Equal(t, Partial, r.code, r.out)
	require.Contains(t, r.last(), "public.long")
	require.Contains(t, r.out, "key")
	require.Equal(t, "1", s.target.QueryString(t, "SELECT count(*) FROM fine"))
	s.same(t, "SELECT md5(t) FROM near ORDER BY t", "SELECT md5(t) FROM near ORDER BY t")
}
