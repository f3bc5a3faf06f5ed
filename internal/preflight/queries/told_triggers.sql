-- Triggers of the user's on the tables $1.$2 of such a target. It has no rules,
-- and no catalog of them.
SELECT n.nspname::text AS schema, c.relname::text AS "table", 'trigger' AS kind, t.tgname::text AS name
FROM pg_catalog.pg_trigger t
JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE NOT t.tgisinternal AND t.tgenabled::text NOT IN ('D', 'R')
  AND n.nspname::text = ANY ($1::text[]) AND c.relname::text = ANY ($2::text[])
ORDER BY 1, 2, 4
