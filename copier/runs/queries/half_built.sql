-- Indexes that were not built to their end, on tables that a run loads.
-- PostgreSQL 13 to 18.
SELECT n.nspname::text AS schema, t.relname::text AS table_name, x.relname::text AS index_name
  FROM pg_catalog.pg_index i
  JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
  JOIN pg_catalog.pg_class t ON t.oid = i.indrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
 WHERE NOT i.indisvalid
   AND EXISTS (SELECT 1 FROM _pg2db9.part p
                WHERE (p.run = $1 OR $1 = '') AND p.target_schema = n.nspname::text AND p.target_name = t.relname::text)
 ORDER BY 1, 2, 3
