-- Which of the tables $1.$2 this role cannot read, or would read through row
-- security. Versions: 13 to 18.
SELECT n.nspname::pg_catalog.text AS schema,
       c.relname::pg_catalog.text AS name,
       pg_catalog.has_schema_privilege(n.oid, 'USAGE') AS usage,
       pg_catalog.has_table_privilege(c.oid, 'SELECT') AS readable,
       pg_catalog.row_security_active(c.oid) AS filtered
FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.text[])) u(schema, name)
JOIN pg_catalog.pg_namespace n ON n.nspname = u.schema
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = u.name
WHERE NOT pg_catalog.has_schema_privilege(n.oid, 'USAGE')
   OR NOT pg_catalog.has_table_privilege(c.oid, 'SELECT')
   OR pg_catalog.row_security_active(c.oid)
ORDER BY 1, 2
