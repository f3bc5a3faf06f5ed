-- Tables, partitioned tables, partitions and foreign tables. Options of the
-- TOAST table are named toast.option, as CREATE TABLE takes them; of a foreign
-- table's, those that may hold a secret are only named. $1 asks for
-- the sizes, which opens each table's files (and waits for who holds the table
-- ACCESS EXCLUSIVE). What was never analysed has -1 rows; 13 says 0. Versions:
-- 13 to 18.
SELECT c.oid::pg_catalog.int8 AS oid,
       n.nspname::pg_catalog.text AS schema,
       c.relname::pg_catalog.text AS name,
       c.relkind::pg_catalog.text AS kind,
       c.reltype::pg_catalog.int8 AS row_type,
       (c.relpersistence = 'u') AS unlogged,
       COALESCE(am.amname::pg_catalog.text, '') AS access_method,
       c.relrowsecurity AS row_security,
       c.relforcerowsecurity AS force_row_security,
       c.reloptions || ARRAY(SELECT 'toast.' || o FROM pg_catalog.unnest(tc.reloptions) o) AS options,
       c.relreplident::pg_catalog.text AS replica_identity,
       COALESCE(sp.spcname::pg_catalog.text, '') AS tablespace,
       COALESCE(yn.nspname::pg_catalog.text, '') AS of_schema,
       COALESCE(y.typname::pg_catalog.text, '') AS of_type,
       COALESCE(fs.srvname::pg_catalog.text, '') AS server,
       o.options AS foreign_options,
       o.secrets AS foreign_secrets,
       c.relispartition AS is_partition,
       CASE WHEN c.relkind = 'p' THEN COALESCE(pg_catalog.pg_get_partkeydef(c.oid), '') ELSE '' END AS partition_key,
       COALESCE(pg_catalog.pg_get_expr(c.relpartbound, c.oid), '') AS partition_bound,
       CASE WHEN $1::pg_catalog.bool AND c.relkind = 'r'
            THEN COALESCE(pg_catalog.pg_relation_size(c.oid), 0) ELSE 0 END AS heap_bytes,
       CASE WHEN $1::pg_catalog.bool AND c.relkind = 'r' AND c.reltoastrelid <> 0
            THEN COALESCE(pg_catalog.pg_relation_size(c.reltoastrelid), 0) ELSE 0 END AS toast_bytes,
       CASE WHEN c.relpages = 0 AND c.reltuples = 0
                 AND pg_catalog.current_setting('server_version_num')::pg_catalog.int4 < 140000
            THEN -1 ELSE c.reltuples::pg_catalog.int8 END AS rows_guess
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_class tc ON tc.oid = c.reltoastrelid
LEFT JOIN pg_catalog.pg_am am ON am.oid = c.relam
LEFT JOIN pg_catalog.pg_tablespace sp ON sp.oid = c.reltablespace
LEFT JOIN pg_catalog.pg_type y ON y.oid = c.reloftype
LEFT JOIN pg_catalog.pg_namespace yn ON yn.oid = y.typnamespace
LEFT JOIN pg_catalog.pg_foreign_table ft ON ft.ftrelid = c.oid
LEFT JOIN pg_catalog.pg_foreign_server fs ON fs.oid = ft.ftserver
CROSS JOIN LATERAL (
    SELECT ARRAY(SELECT x.o FROM pg_catalog.unnest(ft.ftoptions) x(o) WHERE x.o !~* '^[^=]*(pass|pwd|secret|token|key|credential|auth|cert)[^=]*=|://[^/]*@'),
           ARRAY(SELECT pg_catalog.split_part(x.o, '=', 1) FROM pg_catalog.unnest(ft.ftoptions) x(o)
                 WHERE x.o ~* '^[^=]*(pass|pwd|secret|token|key|credential|auth|cert)[^=]*=|://[^/]*@')
) o(options, secrets)
WHERE c.relkind IN ('r', 'p', 'f')
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', '_pg2db9', '_pg2db9_probe')
  AND n.nspname !~ '^pg_(toast_)?temp_[0-9]+$'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                  WHERE e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                    AND e.objid = c.oid AND e.deptype = 'e')
