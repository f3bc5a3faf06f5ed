-- What came with PostgreSQL 15.

CREATE TABLE app.v15 (
    a integer, b integer, c integer, d integer,
    CONSTRAINT same_nulls UNIQUE NULLS NOT DISTINCT (a),
    FOREIGN KEY (c, d) REFERENCES app.orders (b, a) ON DELETE SET NULL (d)
);
CREATE UNIQUE INDEX v15_b ON app.v15 (b) NULLS NOT DISTINCT;
CREATE UNLOGGED SEQUENCE app.fleeting_seq;
CREATE VIEW app.invoking WITH (security_invoker) AS SELECT a FROM app.v15;
CREATE PUBLICATION sent_schema FOR TABLES IN SCHEMA other;
CREATE PUBLICATION sent_rows FOR TABLE app.orders (a, b) WHERE (a > 1);
