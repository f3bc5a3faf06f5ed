-- What came with PostgreSQL 14.

CREATE TABLE app.v14 (
    ranges int4multirange, spans app.span_multirange, packed text COMPRESSION pglz,
    a integer, b integer
);
CREATE STATISTICS app.computed ON (a + b), (a * b) FROM app.v14;
CREATE FUNCTION app.atomic(n integer) RETURNS integer LANGUAGE sql BEGIN ATOMIC SELECT app.twice(n); END;
CREATE PROCEDURE app.outs(OUT n integer) LANGUAGE plpgsql AS 'BEGIN n := 1; END';
