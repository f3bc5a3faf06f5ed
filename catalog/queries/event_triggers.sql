-- Event triggers, without those of extensions. Versions: 13 to 18.
SELECT g.oid::pg_catalog.int8 AS oid,
       g.evtname::pg_catalog.text AS name,
       g.evtevent::pg_catalog.text AS event,
       COALESCE(g.evttags, '{}') AS tags,
       n.nspname::pg_catalog.text AS function_schema,
       p.proname || '()' AS function,
       g.evtenabled::pg_catalog.text AS enabled
FROM pg_catalog.pg_event_trigger g
JOIN pg_catalog.pg_proc p ON p.oid = g.evtfoid
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE g.oid >= 16384
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                  WHERE e.classid = 'pg_catalog.pg_event_trigger'::pg_catalog.regclass
                    AND e.objid = g.oid AND e.deptype = 'e')
