-- Rewrite rules of tables and views, without the _RETURN of views and without
-- those of extensions and their relations. Versions: 13 to 18.
SELECT r.oid::pg_catalog.int8 AS oid,
       n.nspname::pg_catalog.text AS schema,
       c.relname::pg_catalog.text AS "table",
       r.rulename::pg_catalog.text AS name,
       COALESCE(pg_catalog.pg_get_ruledef(r.oid), '') AS def,
       r.ev_type::pg_catalog.text AS event,
       r.is_instead AS instead,
       r.ev_enabled::pg_catalog.text AS enabled
FROM pg_catalog.pg_rewrite r
JOIN pg_catalog.pg_class c ON c.oid = r.ev_class
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE r.rulename <> '_RETURN' AND r.oid >= 16384
  AND n.nspname NOT IN ('pg_toast', '_pg2db9', '_pg2db9_probe') AND n.nspname !~ '^pg_(toast_)?temp_[0-9]+$'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                  WHERE e.deptype = 'e'
                    AND (e.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND e.objid = r.oid
                         OR e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND e.objid = c.oid))
