-- What this role may do on the target: make schemas in the database, make
-- objects in those of the schemas $1 that are there. By name: OIDs may be wider than its
-- functions take. Versions: 13 to 18.
SELECT 'database' AS kind, pg_catalog.current_database()::pg_catalog.text AS name,
       pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE') AS may_create
UNION ALL
SELECT 'schema', n.nspname::pg_catalog.text, pg_catalog.has_schema_privilege(n.nspname::pg_catalog.text, 'CREATE')
FROM pg_catalog.pg_namespace n
WHERE n.nspname = ANY ($1::pg_catalog.text[]) OR n.nspname = '_pg2db9'
ORDER BY 1, 2
