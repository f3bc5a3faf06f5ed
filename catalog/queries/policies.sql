-- Row security policies, without those of extensions' tables. A role of '' is
-- PUBLIC. Versions: 13 to 18.
SELECT p.oid::pg_catalog.int8 AS oid,
       n.nspname::pg_catalog.text AS schema,
       c.relname::pg_catalog.text AS "table",
       p.polname::pg_catalog.text AS name,
       p.polcmd::pg_catalog.text AS command,
       p.polpermissive AS permissive,
       ARRAY(SELECT CASE u.role WHEN 0 THEN '' ELSE pg_catalog.pg_get_userbyid(u.role)::pg_catalog.text END
             FROM pg_catalog.unnest(p.polroles) u(role)) AS roles,
       COALESCE(pg_catalog.pg_get_expr(p.polqual, p.polrelid), '') AS "using",
       COALESCE(pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid), '') AS "check"
FROM pg_catalog.pg_policy p
JOIN pg_catalog.pg_class c ON c.oid = p.polrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE p.oid >= 16384
  AND n.nspname NOT IN ('pg_toast', '_pg2db9', '_pg2db9_probe') AND n.nspname !~ '^pg_(toast_)?temp_[0-9]+$'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                  WHERE e.deptype = 'e'
                    AND (e.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass AND e.objid = p.oid
                         OR e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND e.objid = c.oid))
