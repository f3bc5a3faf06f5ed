-- What of the user's tables and sequences this role may not read, or would read
-- through row security; all of them. A right on columns
-- alone does not suffice: the table is locked in ACCESS SHARE mode, which asks
-- for a right on the table. Versions: 13 to 18.
SELECT c.relkind::pg_catalog.text AS kind,
       n.nspname::pg_catalog.text AS schema,
       c.relname::pg_catalog.text AS name,
       pg_catalog.pg_get_userbyid(n.nspowner)::pg_catalog.text AS schema_owner,
       pg_catalog.pg_get_userbyid(c.relowner)::pg_catalog.text AS owner,
       pg_catalog.has_schema_privilege(n.oid, 'USAGE') AS usage,
       CASE c.relkind WHEN 'S' THEN pg_catalog.has_sequence_privilege(c.oid, 'SELECT')
                      ELSE pg_catalog.has_table_privilege(c.oid, 'SELECT') END AS readable,
       c.relkind <> 'S' AND NOT pg_catalog.has_table_privilege(c.oid, 'SELECT')
         AND pg_catalog.has_any_column_privilege(c.oid, 'SELECT') AS columns_only,
       c.relkind <> 'S' AND pg_catalog.row_security_active(c.oid) AS filtered,
       c.relforcerowsecurity AS forced
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'S')
  AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', '_pg2db9', '_pg2db9_probe')
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                  WHERE e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND e.objid = c.oid AND e.deptype = 'e')
  AND (NOT pg_catalog.has_schema_privilege(n.oid, 'USAGE')
       OR CASE c.relkind WHEN 'S' THEN NOT pg_catalog.has_sequence_privilege(c.oid, 'SELECT')
                         ELSE NOT pg_catalog.has_table_privilege(c.oid, 'SELECT') OR pg_catalog.row_security_active(c.oid) END)
ORDER BY 2, 1, 3
