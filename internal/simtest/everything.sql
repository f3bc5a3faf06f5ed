-- A small database with one of everything: each type of the notes on DB9 with a
-- value that is hard to carry, each kind of column, key, constraint, index and
-- relation, and names that need quotes.
CREATE SCHEMA "Odd Schema";
CREATE TYPE public.mood AS ENUM ('it''s, ok', 'SAD', 'b"c');
CREATE DOMAIN public.positive AS integer DEFAULT 5 CHECK (VALUE > 0);
CREATE TYPE public.pair AS (n integer, t text);

-- Types. NULL in every column, then plain values, then the hard ones.
CREATE TABLE public.numbers (
    id integer PRIMARY KEY, b boolean, i2 smallint, i4 integer, i8 bigint, f4 real, f8 double precision,
    n numeric, n12 numeric(12,4), m money, o oid, x xid, c cid
);
INSERT INTO public.numbers (id) VALUES (0);
INSERT INTO public.numbers VALUES
    (1, true, -32768, -2147483648, -9223372036854775808, '-0', 1e22, -12345678901234567890.12345678, 99999999.9999, '-92233720368547758.08', 4294967295, '4294967295', '7'),
    (2, false, 32767, 2147483647, 9223372036854775807, 1e-45, 5e-324, 0.0000000000000000000000000001, -0.0001, '0', 0, '0', '0'),
    (3, NULL, 0, 0, 9007199254740993, 3.4028235e38, 1.7976931348623157e308, 1.500, 0, '1234.56', 1, '1', '1'),
    (4, NULL, 1, 1, 1, 'NaN', 'Infinity', 79228162514264337593543950, 1, NULL, NULL, NULL, NULL),
    (5, NULL, 1, 1, 1, '-Infinity', '-0', 0, 1, NULL, NULL, NULL, NULL),
    (6, NULL, 1, 1, 1, 16777217, 0.1, 100, 1, NULL, NULL, NULL, NULL);

CREATE TABLE public.texts (
    id integer PRIMARY KEY, t text, v varchar(20), c char(5), q "char", n name, y bytea, j json, jb jsonb, u uuid, e public.mood,
    d public.positive, p public.pair, ts tsvector, tq tsquery, x xml
);
INSERT INTO public.texts (id, d) VALUES (0, NULL);
INSERT INTO public.texts VALUES
    (1, '', '', '', 'a', '', '', '{"b": 1, "a":  2, "a": null}', '{"b": 1, "a": [1.10, null], "bb": "\\n"}', '00000000-0000-0000-0000-000000000000', 'it''s, ok',
        1, '(1,"a,b")', 'a:1A b:2,3C', 'a & !b | c:*', '<a>&amp;</a>'),
    (2, E'a\tb\nc\\\r\\N', 'trailing  ', 'ab', '', repeat('n', 63), '\x00ff5c0a', 'null', 'null', 'ffffffff-ffff-ffff-ffff-ffffffffffff', 'SAD',
        2147483647, '(,)', '', '', 'text<b/>'),
    (3, E'\\.', E'\\N', 'abcde', E'\\', E'it''s "q"', '\x5c2e', '"\u00e9"', '[]', NULL, 'b"c', NULL, '(,"")', NULL, NULL, NULL),
    (4, repeat('x', 100000), '🦀 é', 'é', NULL, NULL, convert_to(E'\\x41', 'UTF8'), '[1.10, 12345678901234567890.1234567890123]', '{"n": 1e10, "s": "12345678901234567890"}', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    (5, E'C:\\temp\\new\\x41', 'NULL', 'a', NULL, 'null', NULL, '{}', '{"n": 9007199254740993}', NULL, NULL, NULL, NULL, NULL, NULL, NULL);

CREATE TABLE public.times (
    id integer PRIMARY KEY, d date, t time, tz timetz, ts timestamp, tsz timestamptz, i interval, ts0 timestamp(0), i0 interval
);
INSERT INTO public.times (id) VALUES (0);
INSERT INTO public.times VALUES
    (1, '0001-01-01', '00:00:00', '12:00:00+02', '2024-02-29 12:34:56.789123', '2024-02-29 12:34:56.9996+05:45', '1 year 2 mons', '1999-12-31 23:59:59', '1 day'),
    (2, '9999-12-31', '23:59:59.999999', '23:59:59.999999-15:59:59', '1970-01-01', '1970-01-01Z', '-3 days 04:05:06.789', '2000-01-01', '1.000001 s'),
    (3, '2024-02-29', '12:00:00.000001', '00:00:00+00', '0001-01-01', '9999-12-31 23:59:59Z', '0', '2000-01-01', '-1 mon 1 day -00:00:00.0005');

CREATE TABLE public.shapes (
    id integer PRIMARY KEY, i inet, c cidr, m macaddr, m8 macaddr8, b bit(3), vb varbit, r int4range, tr tstzrange,
    p point, l line, s lseg, bx box, pa path, po polygon, ci circle, lsn pg_lsn, rc regclass, ti tid, jp jsonpath
);
INSERT INTO public.shapes (id) VALUES (0);
INSERT INTO public.shapes VALUES
    (1, '10.0.0.1', '10.0.0.0/8', '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05', B'101', B'', 'empty', '[2020-01-01 00:00:00Z,2021-01-01 00:00:00Z)',
        '(1.5,-0)', '{1,2,3}', '[(0,0),(1,1)]', '(1,2),(3,4)', '[(0,0),(1,1)]', '((0,0),(1,1),(1,0))', '<(0,0),1.5>', 'FFFFFFFF/FFFFFFFF', 'pg_catalog.pg_class', '(0,1)', '$.a[*] ? (@ > 1)'),
    (2, '::1/64', '::/0', NULL, NULL, B'000', B'10101010101', '[1,5)', '(,2021-01-01Z]', NULL, NULL, NULL, NULL, '((0,0),(1,1))', NULL, NULL, '0/0', NULL, NULL, NULL);

CREATE TABLE public.arrays (
    id integer PRIMARY KEY, t text[] NOT NULL DEFAULT '{}', i integer[], i8 bigint[], n numeric[], f double precision[], f4 real[], ts timestamp[], b bytea[],
    e public.mood[], p public.pair[], d public.positive[], r int4range[], bo boolean[], c char(3)[], bx box[], i2 smallint[]
);
INSERT INTO public.arrays (id) VALUES (0);
INSERT INTO public.arrays VALUES
    (1, '{"007","NULL"," x ",true,NULL,"{a}","q\"\\"}', '{{1,2},{3,4}}', '{9223372036854775807,-1}', '{0.100,12345678901234567890.1234567890123,NaN}', '{1e22,NaN,-Infinity,0.1}', '{0.1,1e10}',
        '{"2020-01-01 00:00:00.123456",NULL}', '{"\\x00ff",""}', '{SAD,"b\"c"}', '{"(1,a)"}', '{1,2}', '{"[1,2)"}', '{t,f,NULL}', '{a,abc}', '{(1,2),(3,4)}', '{-32768,1}'),
    (2, '[2:3]={a,b}', '[0:1]={1,2}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}');

-- Values that DB9 may refuse or change: each column blocks, and travels as
-- another type once that is accepted.
CREATE TABLE public.hostile (
    id integer PRIMARY KEY, n numeric, n2 numeric(20,2), t time, d date, ts timestamp, tsz timestamptz DEFAULT now(), jb jsonb
);
INSERT INTO public.hostile (id, tsz) VALUES (0, NULL);
INSERT INTO public.hostile VALUES
    (1, 'NaN', 'NaN', '24:00', 'infinity', '-infinity', 'infinity', '{"n": 12345678901234567890.1234567890123}'),
    (2, 123456789012345678901234567890, 1, '12:00', '0044-03-15 BC', '0044-03-15 BC', '290000-01-01Z', '[0.12345678901234567890]'),
    (3, 0.00000000000000000000000000001, 2, NULL, '2020-01-01', '2020-01-01', '2020-01-01Z', '"12345678901234567890.1234567890123"');
CREATE TABLE public.one_text (v text);
INSERT INTO public.one_text VALUES (''), ('a'), (NULL), ('');

-- Columns that are not plain, and NULLs where a default stands.
CREATE TABLE public.columns (
    id bigint GENERATED ALWAYS AS IDENTITY (START WITH 100 INCREMENT BY 10) PRIMARY KEY,
    other integer GENERATED BY DEFAULT AS IDENTITY,
    old serial,
    small smallserial,
    word text DEFAULT 'none',
    at timestamptz DEFAULT now(),
    half numeric(10,2) DEFAULT 0.5 NOT NULL,
    twice integer GENERATED ALWAYS AS (old * 2) STORED,
    loud text COLLATE "C" GENERATED ALWAYS AS (upper(word)) STORED
);
INSERT INTO public.columns (word, at) SELECT CASE WHEN i % 2 = 0 THEN 'w' || i END, CASE WHEN i % 3 = 0 THEN '2020-01-01Z'::timestamptz END FROM generate_series(1, 20) i;

-- Keys, constraints and indexes.
CREATE TABLE "Odd Schema"."a ""table"" | name" (
    "select" integer, "Group" text, "with space" text DEFAULT 'x''y', "naïve – ünïcode" text,
    PRIMARY KEY ("select", "Group"),
    CONSTRAINT "un ique" UNIQUE ("with space", "select") DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT "che ck" CHECK ("select" <> 13)
);
INSERT INTO "Odd Schema"."a ""table"" | name" SELECT i, chr(64 + i), CASE WHEN i > 1 THEN 'w' || i END, 'ü' FROM generate_series(1, 10) i;
CREATE TABLE public.child (
    id integer PRIMARY KEY, up integer REFERENCES public.child (id) ON DELETE SET NULL, a integer, b text,
    word text, doc jsonb, price numeric(8,2), small smallint CHECK (small > 0),
    FOREIGN KEY (a, b) REFERENCES "Odd Schema"."a ""table"" | name" ("select", "Group") MATCH FULL ON DELETE CASCADE DEFERRABLE
);
INSERT INTO public.child SELECT i, nullif(i / 2, 0), 1 + i % 10, chr(65 + i % 10), 'word ' || i, jsonb_build_object('i', i), i / 3.0, 1 + i FROM generate_series(1, 200) i;
CREATE INDEX child_partial ON public.child (word) WHERE id > 10;
CREATE INDEX child_expression ON public.child (lower(word), (price * 2));
CREATE UNIQUE INDEX child_unique ON public.child (word DESC NULLS LAST) INCLUDE (price);
CREATE INDEX child_pattern ON public.child (b text_pattern_ops, word COLLATE "C");
CREATE INDEX child_gin ON public.child USING gin (doc);
CREATE INDEX child_hash ON public.child USING hash (word);
CREATE INDEX child_brin ON public.child USING brin (id);
CREATE INDEX child_fill ON public.child (a) WITH (fillfactor = 70);
ALTER TABLE public.child ALTER COLUMN word SET STATISTICS 100;
ALTER TABLE public.child ADD CONSTRAINT child_later CHECK (price >= 0) NOT VALID;
ALTER TABLE public.child ENABLE ROW LEVEL SECURITY;
CREATE POLICY child_policy ON public.child USING (true);
COMMENT ON TABLE public.child IS 'a comment, with ''quotes''';
COMMENT ON COLUMN public.child.word IS 'another';
CREATE TABLE public.rooms (room integer, during int4range, EXCLUDE USING gist (during WITH &&));
INSERT INTO public.rooms VALUES (1, '[1,5)'), (2, '[5,9)');

-- Relations.
CREATE TABLE public.keyless (a integer, b text);
INSERT INTO public.keyless SELECT i % 5, repeat('k', i % 3) FROM generate_series(1, 50) i;
CREATE UNLOGGED TABLE public.empty (id integer PRIMARY KEY, nothing text);
CREATE TABLE public.one_column (v text);
INSERT INTO public.one_column SELECT 'v' || i FROM generate_series(1, 10) i;
INSERT INTO public.one_column VALUES (NULL), (E'\\'), (' ');
CREATE TABLE public.parts (id integer, day date, note text DEFAULT 'n', PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE public.parts_2020 PARTITION OF public.parts FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE public.parts_2021 PARTITION OF public.parts FOR VALUES FROM ('2021-01-01') TO ('2022-01-01') PARTITION BY LIST (id);
CREATE TABLE public.parts_2021_rest PARTITION OF public.parts_2021 DEFAULT;
INSERT INTO public.parts SELECT i, '2020-06-01'::date + i * 3, CASE WHEN i % 2 = 0 THEN 'p' || i END FROM generate_series(1, 150) i;
CREATE TABLE public.base (id integer PRIMARY KEY, name text);
CREATE TABLE public.derived (more text) INHERITS (public.base);
INSERT INTO public.base VALUES (1, 'base');
INSERT INTO public.derived VALUES (1, 'derived', 'more'), (2, 'd', NULL);
CREATE SEQUENCE public.alone START 7 INCREMENT 3 MAXVALUE 1000 CYCLE;
SELECT nextval('public.alone'), nextval('public.alone');
CREATE SEQUENCE "Odd Schema"."never called" AS smallint MINVALUE -5 START -5;
CREATE VIEW public.viewed AS SELECT id, word FROM public.child WHERE id > 5;
CREATE MATERIALIZED VIEW public.stored AS SELECT count(*) AS n FROM public.child;
CREATE FUNCTION public.twice(n integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT n * 2';
CREATE FUNCTION public.touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.word := NEW.word || '!'; RETURN NEW; END $$;
CREATE TRIGGER touched BEFORE INSERT OR UPDATE ON public.child FOR EACH ROW EXECUTE FUNCTION public.touch();
