-- Extended statistics. The target became NULL for the default with 17.
-- Versions: 13 to 18.
SELECT s.oid::pg_catalog.int8 AS oid,
       n.nspname::pg_catalog.text AS schema,
       s.stxname::pg_catalog.text AS name,
       tn.nspname::pg_catalog.text AS table_schema,
       t.relname::pg_catalog.text AS "table",
       COALESCE(pg_catalog.pg_get_statisticsobjdef(s.oid), '') AS def,
       COALESCE(s.stxstattarget::pg_catalog.int4, -1) AS stats_target
FROM pg_catalog.pg_statistic_ext s
JOIN pg_catalog.pg_namespace n ON n.oid = s.stxnamespace
JOIN pg_catalog.pg_class t ON t.oid = s.stxrelid
JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
WHERE s.oid >= 16384
  AND n.nspname NOT IN ('pg_toast', '_pg2db9', '_pg2db9_probe')
  AND n.nspname !~ '^pg_(toast_)?temp_[0-9]+$'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                  WHERE e.deptype = 'e'
                    AND (e.classid = 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass AND e.objid = s.oid
                      OR e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND e.objid = s.stxrelid))
