-- One of everything that PostgreSQL 13 has, in statements that every major from
-- 13 to 18 takes and renders alike. What later majors added is in
-- everything.14.sql and so on, what needs an extension in everything.ext.sql.
-- Run as a superuser.

CREATE SCHEMA app;
COMMENT ON SCHEMA app IS 'the application''s';
CREATE SCHEMA other;
CREATE SCHEMA "Odd Schema";
CREATE SCHEMA empty;
GRANT USAGE ON SCHEMA app TO pg_monitor;

-- Languages, access methods, wrappers and the like come first: they stand in no schema.
CREATE LANGUAGE lingo HANDLER plpgsql_call_handler;
COMMENT ON LANGUAGE lingo IS 'a language';
CREATE ACCESS METHOD heaped TYPE TABLE HANDLER heap_tableam_handler;
COMMENT ON ACCESS METHOD heaped IS 'an access method';
CREATE ACCESS METHOD treelike TYPE INDEX HANDLER bthandler;
CREATE FOREIGN DATA WRAPPER wrapper;
COMMENT ON FOREIGN DATA WRAPPER wrapper IS 'a wrapper';
CREATE SERVER far FOREIGN DATA WRAPPER wrapper;
COMMENT ON SERVER far IS 'a server';
CREATE USER MAPPING FOR PUBLIC SERVER far OPTIONS (password 'secret');
CREATE USER MAPPING FOR pg_monitor SERVER far;
CREATE TRANSFORM FOR integer LANGUAGE sql (FROM SQL WITH FUNCTION prsd_lextype(internal), TO SQL WITH FUNCTION int4recv(internal));
COMMENT ON TRANSFORM FOR integer LANGUAGE sql IS 'a transform';

-- Types.
CREATE TYPE app.mood AS ENUM ('sad', 'ok', 'happy');
ALTER TYPE app.mood ADD VALUE 'meh' BEFORE 'ok';
COMMENT ON TYPE app.mood IS 'an enum';
CREATE TYPE app."Odd Enum" AS ENUM ('it''s', 'a,b', 'Caps', '"', '');
CREATE TYPE app.nothing AS ENUM ();
CREATE DOMAIN app.positive AS integer DEFAULT 1 CONSTRAINT over_zero CHECK (VALUE > 0);
COMMENT ON DOMAIN app.positive IS 'a domain';
COMMENT ON CONSTRAINT over_zero ON DOMAIN app.positive IS 'a check of a domain';
CREATE DOMAIN app.small AS app.positive NOT NULL CHECK (VALUE < 100);
ALTER DOMAIN app.small ADD CONSTRAINT even CHECK (VALUE % 2 = 0) NOT VALID;
CREATE DOMAIN app.code AS varchar(8) COLLATE "C";
CREATE TYPE app.pair AS (a integer, b text COLLATE "C", c app.mood[]);
COMMENT ON TYPE app.pair IS 'a composite';
COMMENT ON COLUMN app.pair.b IS 'a field';
CREATE TYPE app.pairs AS (one app.pair, many app.pair[]);
CREATE TYPE app.nobody AS ();
CREATE TYPE app.span AS RANGE (subtype = float8, subtype_diff = float8mi);
COMMENT ON TYPE app.span IS 'a range';
CREATE TYPE app.blob;
CREATE FUNCTION app.blob_in(cstring) RETURNS app.blob LANGUAGE internal IMMUTABLE STRICT AS 'textin';
CREATE FUNCTION app.blob_out(app.blob) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
CREATE TYPE app.blob (INPUT = app.blob_in, OUTPUT = app.blob_out, LIKE = text);
COMMENT ON TYPE app.blob IS 'a base type';
CREATE TYPE app.unborn;

-- Routines.
CREATE FUNCTION app.twice(n integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 2 * n';
COMMENT ON FUNCTION app.twice(integer) IS 'a function';
CREATE FUNCTION app.twice(n text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT n || n';
CREATE FUNCTION app.many(VARIADIC n app.mood[], OUT total bigint) LANGUAGE sql IMMUTABLE AS 'SELECT 1::bigint';
CREATE FUNCTION app.ranks() RETURNS bigint LANGUAGE internal WINDOW IMMUTABLE STRICT AS 'window_row_number';
CREATE PROCEDURE app.run(INOUT n integer) LANGUAGE plpgsql AS 'BEGIN n := n + 1; END';
COMMENT ON PROCEDURE app.run(integer) IS 'a procedure';
CREATE AGGREGATE app.sum_of(integer) (SFUNC = int4pl, STYPE = integer, INITCOND = '0');
COMMENT ON AGGREGATE app.sum_of(integer) IS 'an aggregate';
CREATE FUNCTION app.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE FUNCTION app.noticed() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE FUNCTION app.mood_number(app.mood) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE CAST (app.mood AS integer) WITH FUNCTION app.mood_number(app.mood) AS ASSIGNMENT;
COMMENT ON CAST (app.mood AS integer) IS 'a cast';
CREATE FUNCTION app.near(integer, integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 - $2 BETWEEN -1 AND 1';
CREATE OPERATOR app.~~~ (LEFTARG = integer, RIGHTARG = integer, FUNCTION = app.near, COMMUTATOR = OPERATOR(app.~~~));
COMMENT ON OPERATOR app.~~~ (integer, integer) IS 'an operator';
CREATE OPERATOR app.@@@ (RIGHTARG = integer, FUNCTION = app.twice);
CREATE OPERATOR FAMILY app.lonely USING hash;
COMMENT ON OPERATOR FAMILY app.lonely USING hash IS 'an operator family';
CREATE OPERATOR CLASS app.int4_again FOR TYPE integer USING btree AS
    OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 btint4cmp(integer, integer);
COMMENT ON OPERATOR CLASS app.int4_again USING btree IS 'an operator class';
CREATE OPERATOR CLASS app.int4_treelike DEFAULT FOR TYPE integer USING treelike AS
    OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 btint4cmp(integer, integer);
CREATE COLLATION app.plain FROM "C";
COMMENT ON COLLATION app.plain IS 'a collation';
CREATE CONVERSION app.turned FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
COMMENT ON CONVERSION app.turned IS 'a conversion';
CREATE TEXT SEARCH PARSER app.parser (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype);
COMMENT ON TEXT SEARCH PARSER app.parser IS 'a parser';
CREATE TEXT SEARCH TEMPLATE app.template (INIT = dsimple_init, LEXIZE = dsimple_lexize);
COMMENT ON TEXT SEARCH TEMPLATE app.template IS 'a template';
CREATE TEXT SEARCH DICTIONARY app.dictionary (TEMPLATE = pg_catalog.simple);
COMMENT ON TEXT SEARCH DICTIONARY app.dictionary IS 'a dictionary';
CREATE TEXT SEARCH CONFIGURATION app.words (PARSER = pg_catalog."default");
ALTER TEXT SEARCH CONFIGURATION app.words ADD MAPPING FOR asciiword WITH app.dictionary;
COMMENT ON TEXT SEARCH CONFIGURATION app.words IS 'a configuration';

-- Sequences.
CREATE SEQUENCE app.numbers AS smallint INCREMENT -2 MINVALUE -100 MAXVALUE 10 START 4 CACHE 5 CYCLE;
COMMENT ON SEQUENCE app.numbers IS 'a sequence';
CREATE SEQUENCE other.shared;

-- Tables.
CREATE TABLE app.customers (
    id integer GENERATED ALWAYS AS IDENTITY (START 10 INCREMENT 5 MINVALUE 5 MAXVALUE 1000 CACHE 3 CYCLE) PRIMARY KEY,
    serial serial,
    shared bigint DEFAULT nextval('other.shared') NOT NULL,
    name varchar(20) COLLATE "C" DEFAULT 'x' NOT NULL,
    feeling app.mood DEFAULT 'ok',
    size app.small DEFAULT 2,
    code app.code,
    pair app.pair,
    span app.span,
    twice integer GENERATED ALWAYS AS (app.twice(size::integer)) STORED,
    tags text[] DEFAULT '{}',
    blob app.blob,
    price numeric(10, 2) CHECK (price >= 0),
    CONSTRAINT named CHECK (name <> '' AND price OPERATOR(pg_catalog.<) 100000),
    CONSTRAINT once UNIQUE (name, code) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT apart EXCLUDE USING gist (span WITH &&) WHERE (price > 1)
) WITH (fillfactor = 70, autovacuum_enabled = false);
COMMENT ON TABLE app.customers IS 'a table';
COMMENT ON COLUMN app.customers.name IS 'a column';
COMMENT ON CONSTRAINT once ON app.customers IS 'a constraint';
ALTER TABLE app.customers ALTER COLUMN name SET STATISTICS 500, ALTER COLUMN tags SET STORAGE EXTERNAL, ALTER COLUMN id SET (n_distinct = -1);
ALTER TABLE app.customers ADD COLUMN gone integer;
ALTER TABLE app.customers DROP COLUMN gone;
ALTER TABLE app.customers ADD COLUMN late date;
CREATE INDEX by_name ON app.customers (lower(name) DESC NULLS LAST, size app.int4_again) INCLUDE (price) WITH (fillfactor = 50) WHERE feeling = 'happy';
COMMENT ON INDEX app.by_name IS 'an index';
CREATE INDEX by_words ON app.customers USING gin (to_tsvector('app.words', name));
CREATE UNIQUE INDEX only_codes ON app.customers (code, id);
ALTER TABLE app.customers ALTER COLUMN code SET NOT NULL;
ALTER TABLE app.customers REPLICA IDENTITY USING INDEX only_codes;
ALTER TABLE app.customers CLUSTER ON customers_pkey;
CREATE STATISTICS app.both (dependencies) ON price, size FROM app.customers;
COMMENT ON STATISTICS app.both IS 'statistics';
ALTER TABLE app.customers ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY mine ON app.customers USING (name = current_user);
COMMENT ON POLICY mine ON app.customers IS 'a policy';
CREATE TRIGGER touched BEFORE UPDATE ON app.customers FOR EACH ROW EXECUTE FUNCTION app.touch();
COMMENT ON TRIGGER touched ON app.customers IS 'a trigger';
CREATE CONSTRAINT TRIGGER later AFTER INSERT ON app.customers DEFERRABLE FOR EACH ROW EXECUTE FUNCTION app.touch();
CREATE RULE ruled AS ON DELETE TO app.customers DO ALSO NOTIFY gone;
COMMENT ON RULE ruled ON app.customers IS 'a rule';
GRANT SELECT ON app.customers TO pg_monitor;
GRANT UPDATE (name) ON app.customers TO pg_monitor;

CREATE TABLE app.orders (
    a integer, b integer,
    customer integer REFERENCES app.customers ON DELETE SET NULL ON UPDATE CASCADE DEFERRABLE,
    parent_a integer, parent_b integer,
    PRIMARY KEY (b, a),
    FOREIGN KEY (parent_a, parent_b) REFERENCES app.orders (b, a) MATCH FULL
);
ALTER TABLE app.orders ADD CONSTRAINT doubtful CHECK (a > 0) NO INHERIT NOT VALID;
ALTER TABLE app.orders ADD CONSTRAINT unsure FOREIGN KEY (customer) REFERENCES app.customers NOT VALID;
ALTER TABLE app.orders OWNER TO pg_monitor;
CREATE TABLE other.customers (LIKE app.customers);
CREATE TABLE "Odd Schema"."Odd.Table" ("Odd "" Column" integer PRIMARY KEY, "select" text, "tab	and
newline" text CONSTRAINT "odd;check" CHECK ("tab	and
newline" <> '$1: %s'));
CREATE INDEX "odd,index" ON "Odd Schema"."Odd.Table" ("select", "tab	and
newline");
CREATE SEQUENCE "Odd Schema"."-seq" OWNED BY "Odd Schema"."Odd.Table"."Odd "" Column";
CREATE TABLE app.customers2 ();
CREATE TABLE app.typed OF app.pair (PRIMARY KEY (a));
CREATE TABLE app.of_tables (one app.customers, many app.orders[]);
CREATE UNLOGGED TABLE app.fleeting (id integer);
CREATE TABLE app.heaping (id integer) USING heaped;

-- Inheritance.
CREATE TABLE app.base (id integer, note text DEFAULT 'b', CONSTRAINT over CHECK (id > 0), CONSTRAINT own CHECK (id < 9) NO INHERIT);
CREATE TABLE app.side (side integer NOT NULL);
CREATE TABLE app.derived (extra integer) INHERITS (app.base);
CREATE TABLE app.derived2 (note text DEFAULT 'd', CONSTRAINT over CHECK (id > 0)) INHERITS (app.base, app.side);
CREATE TABLE app.derived3 () INHERITS (app.derived);

-- Partitions.
CREATE TABLE app.events (
    at timestamptz NOT NULL, id bigint NOT NULL, kind text DEFAULT 'k', customer integer REFERENCES app.customers,
    up_at timestamptz, up_id bigint,
    PRIMARY KEY (at, id), CONSTRAINT positive_id CHECK (id > 0)
) PARTITION BY RANGE (at);
CREATE TABLE app.events_2024 PARTITION OF app.events FOR VALUES FROM ('2024-01-01 00:00+00') TO ('2025-01-01 00:00+00');
CREATE TABLE app.events_2025 PARTITION OF app.events FOR VALUES FROM ('2025-01-01 00:00+00') TO ('2026-01-01 00:00+00') PARTITION BY HASH (id);
CREATE TABLE other.events_2025_0 PARTITION OF app.events_2025 FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE other.events_2025_1 PARTITION OF app.events_2025 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE app.events_rest PARTITION OF app.events DEFAULT;
CREATE TABLE app.events_old (kind text, dropped integer, id bigint NOT NULL CONSTRAINT positive_id CHECK (id > 0), up_id bigint,
    customer integer, at timestamptz NOT NULL, up_at timestamptz);
ALTER TABLE app.events_old DROP COLUMN dropped;
ALTER TABLE app.events ATTACH PARTITION app.events_old FOR VALUES FROM (MINVALUE) TO ('2024-01-01 00:00+00');
ALTER TABLE app.events ADD FOREIGN KEY (up_at, up_id) REFERENCES app.events (at, id);
CREATE INDEX events_kind ON app.events (kind);
CREATE INDEX events_customer ON ONLY app.events (customer);
CREATE INDEX events_2024_customer ON app.events_2024 (customer);
ALTER INDEX app.events_customer ATTACH PARTITION app.events_2024_customer;
CREATE TRIGGER followed AFTER INSERT ON app.events FOR EACH ROW EXECUTE FUNCTION app.touch();
CREATE TABLE app.notes (at timestamptz, id bigint, FOREIGN KEY (at, id) REFERENCES app.events ON DELETE CASCADE);
CREATE TABLE app.moods (mood app.mood, n integer) PARTITION BY LIST (mood);
CREATE TABLE app.moods_sad PARTITION OF app.moods (PRIMARY KEY (n)) FOR VALUES IN ('sad', NULL);
CREATE FOREIGN TABLE app.moods_far PARTITION OF app.moods FOR VALUES IN ('ok') SERVER far;
CREATE TABLE app.moods_gone PARTITION OF app.moods FOR VALUES IN ('happy');
ALTER TABLE app.moods DETACH PARTITION app.moods_gone; -- 18 gives it the parent's names of NOT NULL, if it has some
CREATE TABLE app.by_twice (n integer) PARTITION BY RANGE (app.twice(n));

-- Views.
CREATE VIEW app.names AS SELECT c.id, c.name, app.twice(c.id) AS twice FROM app.customers c;
COMMENT ON VIEW app.names IS 'a view';
COMMENT ON COLUMN app.names.name IS 'a column of a view';
CREATE TRIGGER instead INSTEAD OF INSERT ON app.names FOR EACH ROW EXECUTE FUNCTION app.touch();
COMMENT ON TRIGGER instead ON app.names IS 'a trigger of a view';
CREATE RULE redirect AS ON DELETE TO app.names DO INSTEAD NOTHING;
COMMENT ON RULE redirect ON app.names IS 'a rule of a view';
CREATE VIEW app.checked WITH (security_barrier) AS SELECT c.id, c.name FROM app.customers c WHERE c.id > 0 WITH LOCAL CHECK OPTION;
ALTER VIEW app.checked ALTER COLUMN name SET DEFAULT 'nobody';
CREATE MATERIALIZED VIEW app.empty WITH (fillfactor = 50) AS SELECT 1 AS one WITH NO DATA;
CREATE MATERIALIZED VIEW app.totals AS SELECT n.name, count(*) AS n FROM app.names n GROUP BY n.name;
COMMENT ON MATERIALIZED VIEW app.totals IS 'a materialized view';
COMMENT ON COLUMN app.totals.n IS 'a column of a materialized view';
CREATE UNIQUE INDEX totals_name ON app.totals (name);
COMMENT ON INDEX app.totals_name IS 'an index of a materialized view';

-- What is far.
CREATE FOREIGN TABLE app.distant (id integer OPTIONS (column_name 'x') CHECK (id > 0)) SERVER far OPTIONS (table_name 'y');
COMMENT ON FOREIGN TABLE app.distant IS 'a foreign table';
CREATE PUBLICATION sent FOR TABLE app.orders;
COMMENT ON PUBLICATION sent IS 'a publication';
CREATE EVENT TRIGGER noticed ON ddl_command_start EXECUTE FUNCTION app.noticed();
COMMENT ON EVENT TRIGGER noticed IS 'an event trigger';
SELECT lo_create(424242);
COMMENT ON LARGE OBJECT 424242 IS 'a large object';
ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO pg_monitor;
ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO pg_monitor;
DO $$
BEGIN
    EXECUTE format('COMMENT ON DATABASE %I IS %L', current_database(), 'a database');
    EXECUTE format('ALTER DATABASE %I SET search_path = app, public', current_database());
    EXECUTE format('ALTER ROLE CURRENT_USER IN DATABASE %I SET work_mem = %L', current_database(), '1MB');
END $$;
