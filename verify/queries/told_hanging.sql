-- Triggers in the given schemas of a target whose catalog is not PostgreSQL's. Of
-- rules and policies it has no catalog that could be relied on.
--
-- $1: schema names. Selects text alone.
SELECT n.nspname::text AS schema_name, c.relname::text AS table_name, 'trigger' AS kind, t.tgname::text AS name, 'O' AS state
FROM pg_catalog.pg_trigger AS t
JOIN pg_catalog.pg_class AS c ON c.oid = t.tgrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname::text = ANY ($1::text[])
