-- What tells a managed service: names of roles, schemas, extensions and
-- databases, and which of the functions $1 there are. Versions: 13 to 18.
SELECT 'role' AS kind, rolname::pg_catalog.text AS name FROM pg_catalog.pg_roles WHERE rolname !~ '^pg_'
UNION ALL SELECT 'schema', nspname::pg_catalog.text FROM pg_catalog.pg_namespace
          WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
UNION ALL SELECT 'extension', extname::pg_catalog.text FROM pg_catalog.pg_extension
UNION ALL SELECT 'database', datname::pg_catalog.text FROM pg_catalog.pg_database WHERE NOT datistemplate
UNION ALL SELECT DISTINCT 'function', p.proname::pg_catalog.text FROM pg_catalog.pg_proc p
          WHERE p.pronamespace = 'pg_catalog'::pg_catalog.regnamespace AND p.proname = ANY ($1::pg_catalog.text[])
ORDER BY 1, 2
