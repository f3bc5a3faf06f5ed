-- Triggers in the schemas $1 of such a target. Of rules and policies it has no
-- catalog that could be relied on.
SELECT n.nspname::text AS schema, c.relname::text AS "table", 'trigger' AS kind, t.tgname::text AS name
FROM pg_catalog.pg_trigger t
JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE NOT t.tgisinternal AND n.nspname::text = ANY ($1::text[])
ORDER BY 1, 2, 4
