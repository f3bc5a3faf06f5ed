-- What came with PostgreSQL 17.

CREATE TABLE app.v17 (id integer GENERATED ALWAYS AS IDENTITY, at date) PARTITION BY RANGE (at) USING heaped;
CREATE TABLE app.v17_a PARTITION OF app.v17 DEFAULT;
CREATE COLLATION app.builtin (PROVIDER = builtin, LOCALE = 'C.UTF-8');
GRANT MAINTAIN ON app.v17 TO pg_monitor;
CREATE EVENT TRIGGER entered ON login EXECUTE FUNCTION app.noticed();
