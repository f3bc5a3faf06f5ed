-- Views and materialized views with the text of their queries, which
-- pg_get_viewdef renders from what stands now. $1 asks for the sizes of
-- materialized views. What was never analysed has -1 rows; 13 says 0. Objects of
-- the system have OIDs below 16384. Versions: 13 to 18.
SELECT c.oid::pg_catalog.int8 AS oid,
       n.nspname::pg_catalog.text AS schema,
       c.relname::pg_catalog.text AS name,
       (c.relkind = 'm') AS materialized,
       COALESCE(pg_catalog.pg_get_viewdef(c.oid), '') AS def,
       c.reloptions || ARRAY(SELECT 'toast.' || o FROM pg_catalog.unnest(tc.reloptions) o) AS options,
       (c.relkind = 'm' AND c.relispopulated) AS populated,
       COALESCE(NULLIF(am.amname::pg_catalog.text, 'heap'), '') AS access_method,
       COALESCE(sp.spcname::pg_catalog.text, '') AS tablespace,
       CASE WHEN $1::pg_catalog.bool AND c.relkind = 'm'
            THEN COALESCE(pg_catalog.pg_relation_size(c.oid), 0) ELSE 0 END AS heap_bytes,
       CASE WHEN $1::pg_catalog.bool AND c.relkind = 'm' AND c.reltoastrelid <> 0
            THEN COALESCE(pg_catalog.pg_relation_size(c.reltoastrelid), 0) ELSE 0 END AS toast_bytes,
       CASE WHEN c.relkind = 'v' THEN -1
            WHEN c.relpages = 0 AND c.reltuples = 0
                 AND pg_catalog.current_setting('server_version_num')::pg_catalog.int4 < 140000
            THEN -1 ELSE c.reltuples::pg_catalog.int8 END AS rows_guess
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_class tc ON tc.oid = c.reltoastrelid
LEFT JOIN pg_catalog.pg_am am ON am.oid = c.relam
LEFT JOIN pg_catalog.pg_tablespace sp ON sp.oid = c.reltablespace
WHERE c.relkind IN ('v', 'm') AND c.oid >= 16384
  AND n.nspname NOT IN ('pg_toast', '_pg2db9', '_pg2db9_probe') AND n.nspname !~ '^pg_(toast_)?temp_[0-9]+$'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                  WHERE e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                    AND e.objid = c.oid AND e.deptype = 'e')
