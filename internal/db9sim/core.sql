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

-- Cuts a row's intervals to months and milliseconds.
CREATE OR REPLACE FUNCTION _db9sim.interval_ms() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog SET IntervalStyle = postgres AS $$
DECLARE
    cut jsonb;
BEGIN
    SELECT jsonb_object_agg(a.attname, make_interval(months => m.months,
               secs => (extract(epoch FROM v.i) - extract(epoch FROM make_interval(months => m.months)))::numeric(20, 3)::double precision)::text)
      INTO cut
      FROM pg_attribute a
     CROSS JOIN LATERAL (SELECT (to_jsonb(NEW) ->> a.attname)::interval AS i) v
     CROSS JOIN LATERAL (SELECT (extract(year FROM v.i) * 12 + extract(month FROM v.i))::integer AS months) m
     WHERE a.attrelid = TG_RELID AND a.atttypid = 'interval'::regtype AND a.attnum > 0 AND NOT a.attisdropped
       AND v.i IS NOT NULL AND v.i::text NOT LIKE '%infinity';
    IF cut IS NOT NULL THEN
        NEW := jsonb_populate_record(NEW, cut);
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
