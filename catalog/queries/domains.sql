-- Domains. The base type's text comes from types.sql. Versions: 13 to 18.
SELECT t.oid::pg_catalog.int8 AS oid,
       n.nspname::pg_catalog.text AS schema,
       t.typname::pg_catalog.text AS name,
       t.typbasetype::pg_catalog.int8 AS base,
       t.typtypmod AS mod,
       t.typnotnull AS not_null,
       COALESCE(pg_catalog.pg_get_expr(t.typdefaultbin, 0), '') AS "default",
       COALESCE(cn.nspname::pg_catalog.text, '') AS collation_schema,
       COALESCE(co.collname::pg_catalog.text, '') AS collation
FROM pg_catalog.pg_type t
JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
JOIN pg_catalog.pg_type b ON b.oid = t.typbasetype
LEFT JOIN pg_catalog.pg_collation co ON co.oid = t.typcollation AND t.typcollation <> b.typcollation
LEFT JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace
WHERE t.typtype = 'd'
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', '_pg2db9', '_pg2db9_probe')
  AND n.nspname !~ '^pg_(toast_)?temp_[0-9]+$'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                  WHERE e.classid = 'pg_catalog.pg_type'::pg_catalog.regclass
                    AND e.objid = t.oid AND e.deptype = 'e')
