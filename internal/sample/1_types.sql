-- Schemas, types and sequences, and the helpers that the rows are made with.

CREATE SCHEMA shop;
COMMENT ON SCHEMA shop IS 'An order system: customers, products, orders, payments';
CREATE SCHEMA "Odd Names";

-- The same number gives the same row on every server of every major.
CREATE FUNCTION pg_temp.scaled(rows bigint) RETURNS bigint LANGUAGE sql STABLE AS
  $$SELECT greatest(1, round(rows * current_setting('sample.scale')::numeric))::bigint$$;
CREATE FUNCTION pg_temp.pick(n bigint, salt text, choices bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS
  $$SELECT ('x' || substr(md5(salt || n), 1, 8))::bit(32)::bigint % choices$$;

-- The labels' order is not that of the alphabet, and one has a quote in it.
CREATE TYPE shop.tier AS ENUM ('none', 'silver', 'gold', 'friend''s');
CREATE TYPE shop.order_status AS ENUM ('placed', 'packed', 'in transit', 'delivered', 'returned');
COMMENT ON TYPE shop.order_status IS 'How far an order has come';

CREATE TYPE shop.address AS (street text, city text, zip varchar(10), country char(2));

CREATE DOMAIN shop.email AS text CHECK (VALUE ~ '^[^@ ]+@[^@ ]+$');
CREATE DOMAIN shop.price AS numeric(14, 4) DEFAULT 0 NOT NULL CONSTRAINT price_not_negative CHECK (VALUE >= 0);
CREATE DOMAIN shop.sku AS varchar(12) CONSTRAINT sku_form CHECK (VALUE ~ '^[A-Z]{2}-[0-9]+$');
COMMENT ON DOMAIN shop.sku IS 'Two letters, a dash, a number';

-- One sequence that a default calls and no column owns, one called by hand,
-- one that nobody has called yet.
CREATE SEQUENCE shop.order_number START WITH 100000 CACHE 1;
CREATE SEQUENCE public.ticket_number AS integer INCREMENT BY -3 MINVALUE -3000000 MAXVALUE -1 START WITH -1 CYCLE;
COMMENT ON SEQUENCE public.ticket_number IS 'Tickets of the help desk count downwards';
CREATE SEQUENCE shop.never_called START WITH 7 INCREMENT BY 10;
