-- What a verification has finished, so that another goes on with it: the same text
-- as in the ledger's own schema. Works on PostgreSQL 13 to 18 and on DB9.
CREATE TABLE IF NOT EXISTS _pg2db9.verification (
    name    text PRIMARY KEY,
    run     text NOT NULL DEFAULT '', -- no copy's
    record  text NOT NULL, -- JSON
    changed timestamp with time zone NOT NULL DEFAULT now()
);
