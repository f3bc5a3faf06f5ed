-- Whether the index $1.$2 was built to its end: CREATE INDEX CONCURRENTLY leaves
-- one that is not valid when it is broken off. Works on PostgreSQL 13 to 18.
SELECT coalesce(bool_and(i.indisvalid AND i.indisready), true) AS valid
  FROM pg_catalog.pg_index i
  JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = $1 AND c.relname = $2
   AND c.relkind = 'i' -- a partitioned one is not valid until those of all partitions are attached
