-- Schemas of the user's: not the system's, not pg2db9's own, not an
-- extension's. Versions: 13 to 18.
SELECT n.oid::pg_catalog.int8 AS oid,
       n.nspname::pg_catalog.text AS name
FROM pg_catalog.pg_namespace n
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', '_pg2db9', '_pg2db9_probe')
  AND n.nspname !~ '^pg_(toast_)?temp_[0-9]+$'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                  WHERE e.classid = 'pg_catalog.pg_namespace'::pg_catalog.regclass
                    AND e.objid = n.oid AND e.deptype = 'e')
