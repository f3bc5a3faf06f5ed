-- Tables of the given schemas with their columns in order: one row a column,
-- and one with an empty column name for a table without columns.
--
-- $1: schema names. Minimum server: 13. Selects text alone: a target's OIDs may
-- be wider than PostgreSQL's.
SELECT n.nspname::text AS schema_name,
       c.relname::text AS table_name,
       c.relkind::text AS kind,
       coalesce(a.attname::text, '') AS column_name,
       coalesce(pg_catalog.format_type(a.atttypid, a.atttypmod), '')::text AS type_name,
       coalesce(a.attnotnull, false)::text AS not_null,
       coalesce(a.attidentity::text, '') AS identity_kind,
       coalesce(a.attgenerated::text, '') AS generated_kind,
       coalesce(a.atthasdef, false)::text AS has_default
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind::text IN ('r', 'p', 'f', 'v', 'm')
  AND n.nspname::text = ANY ($1::text[])
ORDER BY n.nspname::text, c.relname::text, a.attnum
