-- The ledger on the target. It is written in the transactions that write the
-- rows it speaks of, so that it can never say more or less than the target
-- holds. Works on PostgreSQL 13 to 18 and needs nothing of a target but tables,
-- primary keys and NOT NULL.
CREATE SCHEMA IF NOT EXISTS _pg2db9;

CREATE TABLE IF NOT EXISTS _pg2db9.version (
    version integer PRIMARY KEY
);

-- One row a run. Whoever holds the lease works on it; it expires by this
-- server's clock, so that no two machines need to agree on the time.
CREATE TABLE IF NOT EXISTS _pg2db9.run (
    run            text PRIMARY KEY,
    command        text NOT NULL, -- clone, copy
    tool           text NOT NULL,
    source         text NOT NULL, -- redacted
    profile        text NOT NULL,
    schema_hash    text NOT NULL,
    plan_hash      text NOT NULL,
    options        text NOT NULL, -- JSON: what the user asked for and what shapes the plan
    snapshot       text NOT NULL,
    taken          text NOT NULL,
    kept_snapshot  text NOT NULL DEFAULT '', -- the name under which a process of its own keeps the snapshot
    kept_by        text NOT NULL DEFAULT '', -- host and process
    kept_pid       bigint NOT NULL DEFAULT 0, -- its backend on the source
    kept_start     text NOT NULL DEFAULT '',
    target_started text NOT NULL DEFAULT '', -- pg_postmaster_start_time() when rows were loaded first
    state          text NOT NULL, -- creating, loading, loaded, partial, done
    owner          text NOT NULL DEFAULT '', -- host, process and a number of its own
    owner_pid      bigint NOT NULL DEFAULT 0, -- its backend here
    owner_start    text NOT NULL DEFAULT '',
    lease          timestamp with time zone, -- NULL: given back
    started        timestamp with time zone NOT NULL DEFAULT now(),
    changed        timestamp with time zone NOT NULL DEFAULT now()
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
    first_block     bigint, -- NULL: not cut by blocks
    end_block       bigint, -- NULL: to its end
    lower_key       text,   -- JSON [[column, value], ...]; NULL: not cut by keys, or from the first
    upper_key       text,   -- the same; NULL: to the last
    bytes           bigint NOT NULL, -- its share of the source's heap and TOAST
    taken           text NOT NULL, -- the moment that its rows show
    failed          text NOT NULL DEFAULT '', -- why its table was given up
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
    committed timestamp with time zone NOT NULL DEFAULT now(), -- when the batch's transaction began
    PRIMARY KEY (run, part, first)
);

-- One row a table that is emptied before it is loaded.
CREATE TABLE IF NOT EXISTS _pg2db9.emptied (
    run           text NOT NULL,
    target_schema text NOT NULL,
    target_name   text NOT NULL,
    state         text NOT NULL, -- wanted, emptying, loading
    PRIMARY KEY (run, target_schema, target_name)
);

-- One row a statement after the rows (a key, an index, a foreign key), a sequence
-- or another step that is done once.
CREATE TABLE IF NOT EXISTS _pg2db9.step (
    run     text NOT NULL,
    step    text NOT NULL,
    state   text NOT NULL, -- begun, done, failed
    error   text NOT NULL DEFAULT '',
    changed timestamp with time zone NOT NULL DEFAULT now(),
    PRIMARY KEY (run, step)
);

-- One row a row that the target refused, committed with the batch that it was
-- taken out of.
CREATE TABLE IF NOT EXISTS _pg2db9.reject (
    run           text NOT NULL,
    part          bigint NOT NULL,
    row           bigint NOT NULL, -- number in the part, counted from 0
    target_schema text NOT NULL,
    target_name   text NOT NULL,
    key           text NOT NULL,
    sqlstate      text NOT NULL,
    message       text NOT NULL,
    length        bigint NOT NULL, -- bytes
    digest        text NOT NULL,
    bytes         bytea, -- the row as COPY TEXT; NULL: too large for the target
    columns       text NOT NULL DEFAULT '', -- JSON: the columns of bytes, with their canonical forms
    PRIMARY KEY (run, part, row)
);

-- One row a part that a verification has read, and one a table that it cut; they
-- go when it comes to its end.
CREATE TABLE IF NOT EXISTS _pg2db9.verification (
    name    text PRIMARY KEY,
    run     text NOT NULL DEFAULT '', -- no copy's
    record  text NOT NULL, -- JSON
    changed timestamp with time zone NOT NULL DEFAULT now()
);

-- One row a sequence of the target: where a run has set it, last.
CREATE TABLE IF NOT EXISTS _pg2db9.sequence (
    target_schema text NOT NULL,
    target_name   text NOT NULL,
    run           text NOT NULL, -- '' for a command that is no run
    last_value    bigint NOT NULL,
    is_called     boolean NOT NULL,
    changed       timestamp with time zone NOT NULL DEFAULT now(),
    PRIMARY KEY (target_schema, target_name)
);
