-- Indexes in the schemas $1 of such a target.
SELECT schemaname::text AS schema, indexname::text AS name, 'index' AS kind, '' AS owner
FROM pg_catalog.pg_indexes
WHERE schemaname::text = ANY ($1::text[])
ORDER BY 1, 2
