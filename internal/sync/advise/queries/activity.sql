-- What the statistics count of each table's rows since they began: whether rows
-- are only ever added. Minimum server: 13. Statistics begin anew after a crash, and a
-- standby has its own: nothing counted means nothing.
SELECT n.nspname::text, c.relname::text,
       pg_catalog.pg_stat_get_tuples_inserted(c.oid), pg_catalog.pg_stat_get_tuples_updated(c.oid),
       pg_catalog.pg_stat_get_tuples_deleted(c.oid)
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'r' AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
