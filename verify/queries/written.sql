-- What changes with every write to a table: its file, its size, and the rows
-- inserted, updated and deleted since the counters began. On a standby, which
-- counts nothing, the position of the log that it has replayed. Empty where the
-- server does not count.
--
-- $1: schema names. Minimum server: 13, PostgreSQL itself.
SELECT n.nspname::text AS schema_name,
       c.relname::text AS table_name,
       CASE
           WHEN pg_catalog.pg_is_in_recovery() OR pg_catalog.current_setting('track_counts')::boolean
           THEN pg_catalog.concat_ws('/', c.oid, pg_catalog.pg_relation_filenode(c.oid), pg_catalog.pg_relation_size(c.oid),
               pg_catalog.pg_stat_get_tuples_inserted(c.oid), pg_catalog.pg_stat_get_tuples_updated(c.oid),
               pg_catalog.pg_stat_get_tuples_deleted(c.oid),
               CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn()::text END)
           ELSE ''
       END AS state
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = ANY ($1)
  AND c.relkind = 'r'
