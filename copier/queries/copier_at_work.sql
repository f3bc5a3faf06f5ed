-- Whether another session holds the advisory lock ($1, $2) that a copier holds
-- while it is at work. pg_locks is no snapshot: it is true of now. Works on
-- PostgreSQL 13 to 18, standbys too.
SELECT EXISTS (SELECT FROM pg_catalog.pg_locks
                WHERE locktype = 'advisory' AND classid::bigint = $1 AND objid::bigint = $2 AND granted
                  AND pid <> pg_catalog.pg_backend_pid()
                  AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()))
