-- What syncs know of each table, beside the ledger of the copier (schema
-- _pg2db9), which is made first. Works on PostgreSQL 13 to 18 and needs nothing
-- of a target but tables, primary keys and NOT NULL.

-- One row a table that is kept current. It changes in the transaction of the last
-- rows of a run, so that it never says more than the target holds.
CREATE TABLE IF NOT EXISTS _pg2db9.sync_table (
    target_schema text NOT NULL,
    target_name   text NOT NULL,
    source_schema text NOT NULL,
    source_name   text NOT NULL,
    mode          text NOT NULL,
    cursor        text NOT NULL DEFAULT '', -- the source's column that the table is read along
    watermark     text NOT NULL DEFAULT '', -- its largest value that was read, for people
    horizon       text NOT NULL DEFAULT '', -- the source's lowest transaction that the last run may not have seen; '' reads all rows
    origin        text NOT NULL DEFAULT '', -- the source's system identifier and timeline, of which horizon is a number
    wanted        text NOT NULL DEFAULT '', -- what was asked for: cursor, key, columns, rows; another wish reads all rows
    columns       text NOT NULL DEFAULT '', -- JSON: the source's columns as they were last
    moment        timestamp with time zone, -- that the target shows, by the source's clock; NULL: none was reached yet
    PRIMARY KEY (target_schema, target_name)
);

-- One row a table and run, written when it begins and when it has ended.
CREATE TABLE IF NOT EXISTS _pg2db9.sync_history (
    run           text NOT NULL,
    target_schema text NOT NULL,
    target_name   text NOT NULL,
    source_schema text NOT NULL,
    source_name   text NOT NULL,
    grp           text NOT NULL,
    mode          text NOT NULL,
    began         timestamp with time zone NOT NULL DEFAULT now(),
    ended         timestamp with time zone, -- NULL: it is under way, or its process died
    moment        timestamp with time zone,
    rows_read     bigint NOT NULL DEFAULT 0,
    rows_sent     bigint NOT NULL DEFAULT 0,
    inserted      bigint NOT NULL DEFAULT 0,
    updated       bigint NOT NULL DEFAULT 0,
    deleted       bigint NOT NULL DEFAULT 0,
    bytes_sent    bigint NOT NULL DEFAULT 0,
    verdict       text NOT NULL DEFAULT '',
    error         text NOT NULL DEFAULT '', -- without secrets
    PRIMARY KEY (run, target_schema, target_name)
);
