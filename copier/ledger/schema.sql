-- The ledger on the target. It is written in the transactions that write the
-- rows it speaks of, so that it can never say more or less than the target
-- holds. Works on PostgreSQL 13 to 18 and needs nothing of a target but tables,
-- primary keys and NOT NULL.
CREATE SCHEMA IF NOT EXISTS _pg2db9;

CREATE TABLE IF NOT EXISTS _pg2db9.version (
    version integer PRIMARY KEY
);

-- One row a run.
CREATE TABLE IF NOT EXISTS _pg2db9.run (
    run         text PRIMARY KEY,
    tool        text NOT NULL,
    source      text NOT NULL, -- redacted
    profile     text NOT NULL,
    schema_hash text NOT NULL,
    snapshot    text NOT NULL,
    taken       text NOT NULL,
    state       text NOT NULL, -- loading, loaded, partial
    started     timestamp with time zone NOT NULL DEFAULT now(),
    changed     timestamp with time zone NOT NULL DEFAULT now()
);

-- One row a connection that writes: whom to end when its client is gone and it
-- holds a part's row.
CREATE TABLE IF NOT EXISTS _pg2db9.session (
    run           text NOT NULL,
    pid           bigint NOT NULL,
    backend_start text NOT NULL,
    PRIMARY KEY (run, pid, backend_start)
);

-- One row a part: who may write (epoch) and the batch that is being written (token).
CREATE TABLE IF NOT EXISTS _pg2db9.part (
    run             text NOT NULL,
    part            bigint NOT NULL,
    target_schema   text NOT NULL,
    target_name     text NOT NULL,
    relation_schema text NOT NULL,
    relation_name   text NOT NULL,
    first_block     bigint, -- NULL: the whole relation
    end_block       bigint, -- NULL: to its end
    epoch           bigint NOT NULL,
    token           text NOT NULL,
    PRIMARY KEY (run, part)
);

-- One row a committed batch: rows [first, last) of the part, counted from 0.
CREATE TABLE IF NOT EXISTS _pg2db9.span (
    run    text NOT NULL,
    part   bigint NOT NULL,
    first  bigint NOT NULL,
    last   bigint NOT NULL,
    bytes  bigint NOT NULL,
    digest text NOT NULL,    -- 128-bit order-free sum over the rows, hexadecimal
    final  boolean NOT NULL, -- the part ends here
    epoch  bigint NOT NULL,  -- fed by a subselect that finds the writer's own part row, else NULL: refused
    PRIMARY KEY (run, part, first)
);

-- One row a table that was emptied before it was loaded.
CREATE TABLE IF NOT EXISTS _pg2db9.emptied (
    run           text NOT NULL,
    target_schema text NOT NULL,
    target_name   text NOT NULL,
    state         text NOT NULL, -- emptying, loading
    PRIMARY KEY (run, target_schema, target_name)
);
