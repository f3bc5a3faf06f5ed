-- Enums, domains and ranges in the schemas $1 of such a target.
SELECT n.nspname::text AS schema, t.typname::text AS name,
       CASE t.typtype::text WHEN 'e' THEN 'enum' WHEN 'd' THEN 'domain' ELSE 'range type' END AS kind, '' AS owner
FROM pg_catalog.pg_type t
JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
WHERE t.typtype::text IN ('e', 'd', 'r') AND n.nspname::text = ANY ($1::text[])
ORDER BY 1, 2
