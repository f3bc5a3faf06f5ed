-- Materialized views in the schemas $1 of such a target: information_schema has
-- none. OIDs are compared on the server, where they may be wider than here.
SELECT n.nspname::text AS schema, c.relname::text AS name, 'materialized view' AS kind, '' AS owner
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind::text = 'm' AND n.nspname::text = ANY ($1::text[])
ORDER BY 1, 2
