-- Which of the tables $1.$2 of the target this role cannot load; $3 asks for
-- TRUNCATE too. By name: OIDs may be wider than its
-- functions take. Versions: 13 to 18.
SELECT n.nspname::pg_catalog.text AS schema,
       c.relname::pg_catalog.text AS name
FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.text[])) u(schema, name)
JOIN pg_catalog.pg_namespace n ON n.nspname = u.schema
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = u.name
WHERE NOT pg_catalog.has_schema_privilege(n.nspname::pg_catalog.text, 'USAGE')
   OR NOT pg_catalog.has_table_privilege(pg_catalog.quote_ident(n.nspname::pg_catalog.text) || '.' || pg_catalog.quote_ident(c.relname::pg_catalog.text), 'INSERT')
   OR NOT pg_catalog.has_table_privilege(pg_catalog.quote_ident(n.nspname::pg_catalog.text) || '.' || pg_catalog.quote_ident(c.relname::pg_catalog.text), 'SELECT')
   OR ($3::pg_catalog.bool AND NOT pg_catalog.has_table_privilege(pg_catalog.quote_ident(n.nspname::pg_catalog.text) || '.' || pg_catalog.quote_ident(c.relname::pg_catalog.text), 'TRUNCATE'))
ORDER BY 1, 2
