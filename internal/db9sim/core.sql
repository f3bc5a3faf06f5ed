-- What rewritten statements call on the backend. Every start installs it again,
-- so that stand-ins of several versions can follow each other on one database.
CREATE SCHEMA IF NOT EXISTS _db9sim;
GRANT USAGE ON SCHEMA _db9sim TO PUBLIC;

CREATE OR REPLACE FUNCTION _db9sim.version() RETURNS text LANGUAGE sql STABLE AS
$$ SELECT 'PostgreSQL 16.0 (db9, simulated by db9sim on ' || pg_catalog.current_setting('server_version') || ')' $$;

CREATE OR REPLACE FUNCTION _db9sim.current_database() RETURNS name LANGUAGE sql STABLE AS
$$ SELECT 'postgres'::pg_catalog.name $$;

-- The value that SET kept of a parameter that does nothing, else the backend's.
CREATE OR REPLACE FUNCTION _db9sim.current_setting(parameter text, missing_ok boolean DEFAULT false) RETURNS text LANGUAGE sql STABLE AS
$$ SELECT coalesce(nullif(pg_catalog.current_setting('db9sim.' || lower(parameter), true), ''),
                   pg_catalog.current_setting(parameter, missing_ok)) $$;

-- A key of advisory locks beside the number of the backend: no two backends
-- have one in common.
CREATE OR REPLACE FUNCTION _db9sim.lock_key(key bigint) RETURNS integer LANGUAGE sql IMMUTABLE AS
$$ SELECT pg_catalog.hashint8(key) $$;
CREATE OR REPLACE FUNCTION _db9sim.lock_key(key1 integer, key2 integer) RETURNS integer LANGUAGE sql IMMUTABLE AS
$$ SELECT pg_catalog.hashint8((key1::bigint << 32) | (key2::bigint & 4294967295)) $$;

-- What becomes of a row's values on their way in, other than by COPY. Its
-- arguments name what is done: size, interval, cut, numeric, specials, time.
CREATE OR REPLACE FUNCTION _db9sim.values() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog SET IntervalStyle = postgres SET DateStyle = 'ISO, MDY' AS $$
DECLARE
    changed jsonb := '{}';
    was jsonb;
    c record;
    months integer;
BEGIN
    IF 'size' = ANY (TG_ARGV) AND octet_length(NEW::text) > 8388608 THEN
        RAISE EXCEPTION 'value too large' USING ERRCODE = 'XX000';
    END IF;
    IF TG_ARGV[0] = 'size' AND TG_NARGS = 1 THEN
        RETURN NEW;
    END IF;
    was := to_jsonb(NEW);
    FOR c IN SELECT a.attname AS name, a.atttypid::regtype::text AS type, was ->> a.attname AS value
               FROM pg_attribute a
              WHERE a.attrelid = TG_RELID AND a.attnum > 0 AND NOT a.attisdropped AND was ->> a.attname IS NOT NULL
    LOOP
        IF c.type = 'interval' AND 'interval' = ANY (TG_ARGV) AND c.value NOT LIKE '%infinity' THEN
            months := extract(year FROM c.value::interval) * 12 + extract(month FROM c.value::interval);
            changed := changed || jsonb_build_object(c.name, make_interval(months => months, secs =>
                (extract(epoch FROM c.value::interval) - extract(epoch FROM make_interval(months => months)))::numeric(20, 3)::double precision)::text);
        ELSIF c.type LIKE 'timestamp%' AND 'cut' = ANY (TG_ARGV) AND c.value NOT LIKE '%infinity' THEN
            changed := changed || jsonb_build_object(c.name, CASE c.type WHEN 'timestamp without time zone'
                THEN date_trunc('milliseconds', c.value::timestamp)::text ELSE date_trunc('milliseconds', c.value::timestamptz)::text END);
        ELSIF c.type = 'numeric' AND 'numeric' = ANY (TG_ARGV)
              AND (c.value ~ '[a-z]' OR length(ltrim(regexp_replace(c.value, '[^0-9]', '', 'g'), '0')) > 28 OR scale(c.value::numeric) > 28) THEN
            RAISE EXCEPTION 'numeric field overflow: %', c.value USING ERRCODE = '22003';
        ELSIF c.type = 'time without time zone' AND 'time' = ANY (TG_ARGV) AND c.value LIKE '24:%' THEN
            RAISE EXCEPTION 'invalid time: %', c.value USING ERRCODE = '22007';
        END IF;
        IF (c.type LIKE 'timestamp%' OR c.type = 'date') AND 'specials' = ANY (TG_ARGV) AND (c.value LIKE '%infinity' OR c.value LIKE '% BC') THEN
            RAISE EXCEPTION 'invalid timestamp: %', c.value USING ERRCODE = '22007';
        END IF;
    END LOOP;
    IF changed <> '{}' THEN
        NEW := jsonb_populate_record(NEW, changed);
    END IF;
    RETURN NEW;
END $$;

-- A routine's body as its client sent it: some are stored as what fails at the
-- call, with the original behind it.
CREATE OR REPLACE FUNCTION _db9sim.body(stored text) RETURNS text LANGUAGE sql IMMUTABLE AS
$$ SELECT CASE WHEN position(E'\n-- _db9sim ' IN stored) > 0
               THEN pg_catalog.convert_from(pg_catalog.decode(split_part(stored, E'\n-- _db9sim ', 2), 'hex'), 'UTF8')
               ELSE stored END $$;

-- A timeout as clients see it: the scaled one of the stand-in is DB9's.
CREATE OR REPLACE FUNCTION _db9sim.timeout(parameter text, scaled text) RETURNS text LANGUAGE sql STABLE AS
$$ SELECT CASE WHEN pg_catalog.current_setting(parameter)::pg_catalog.interval = (scaled || ' ms')::pg_catalog.interval
               THEN '60s' ELSE pg_catalog.current_setting(parameter) END $$;
