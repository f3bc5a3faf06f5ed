-- What came with PostgreSQL 18.

CREATE TABLE app.v18 (
    a integer CONSTRAINT must NOT NULL,
    b integer NOT NULL NO INHERIT,
    c integer,
    d integer GENERATED ALWAYS AS (a * 2) VIRTUAL,
    room int4range, during daterange,
    CONSTRAINT hoped CHECK (a > 0) NOT ENFORCED,
    PRIMARY KEY (room, during WITHOUT OVERLAPS)
);
COMMENT ON CONSTRAINT must ON app.v18 IS 'a not null constraint';
ALTER TABLE app.v18 ADD CONSTRAINT soon NOT NULL c NOT VALID;
CREATE TABLE app.v18_ref (
    customer integer, room int4range, during daterange,
    CONSTRAINT wished FOREIGN KEY (customer) REFERENCES app.customers NOT ENFORCED,
    FOREIGN KEY (room, PERIOD during) REFERENCES app.v18 (room, PERIOD during)
);
CREATE TABLE app.v18_child () INHERITS (app.v18);
