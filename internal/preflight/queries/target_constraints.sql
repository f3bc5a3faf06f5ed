-- The constraints of the tables in the schemas $1 of the target. Referenced is
-- the table a foreign key points to. Versions: 13 to 18.
SELECT n.nspname::pg_catalog.text AS schema,
       c.relname::pg_catalog.text AS "table",
       k.conname::pg_catalog.text AS name,
       (k.contype = 'f') AS foreign_key,
       COALESCE(rn.nspname::pg_catalog.text, '') AS referenced_schema,
       COALESCE(r.relname::pg_catalog.text, '') AS referenced
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_class r ON r.oid = k.confrelid
LEFT JOIN pg_catalog.pg_namespace rn ON rn.oid = r.relnamespace
WHERE n.nspname = ANY ($1::pg_catalog.text[]) OR rn.nspname = ANY ($1::pg_catalog.text[])
ORDER BY 1, 2, 3
