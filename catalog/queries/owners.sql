-- Whose every object is. The reader keeps the objects that it knows, so those of
-- the system and of extensions fall away. public belongs to whom initdb gave it
-- to, unless it was given away: then it is not listed. Large objects are content,
-- and may be millions: their owners are not read. Versions: 13 to 18.
SELECT o.class AS class,
       o.oid::pg_catalog.int8 AS oid,
       pg_catalog.pg_get_userbyid(o.owner)::pg_catalog.text AS owner
FROM (
    SELECT 'pg_namespace', n.oid, n.nspowner
    FROM pg_catalog.pg_namespace n
    WHERE n.nspname <> 'public'
       OR n.nspowner <> 10 AND pg_catalog.pg_get_userbyid(n.nspowner) <> 'pg_database_owner' -- from 14 on
    UNION ALL
    SELECT 'pg_class', c.oid, c.relowner FROM pg_catalog.pg_class c
    WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S') AND c.relpersistence <> 't'
    UNION ALL
    SELECT 'pg_type', t.oid, t.typowner FROM pg_catalog.pg_type t
    UNION ALL
    SELECT 'pg_proc', p.oid, p.proowner FROM pg_catalog.pg_proc p
    UNION ALL
    SELECT 'pg_operator', o.oid, o.oprowner FROM pg_catalog.pg_operator o
    UNION ALL
    SELECT 'pg_opclass', o.oid, o.opcowner FROM pg_catalog.pg_opclass o
    UNION ALL
    SELECT 'pg_opfamily', o.oid, o.opfowner FROM pg_catalog.pg_opfamily o
    UNION ALL
    SELECT 'pg_collation', o.oid, o.collowner FROM pg_catalog.pg_collation o
    UNION ALL
    SELECT 'pg_conversion', o.oid, o.conowner FROM pg_catalog.pg_conversion o
    UNION ALL
    SELECT 'pg_ts_config', o.oid, o.cfgowner FROM pg_catalog.pg_ts_config o
    UNION ALL
    SELECT 'pg_ts_dict', o.oid, o.dictowner FROM pg_catalog.pg_ts_dict o
    UNION ALL
    SELECT 'pg_statistic_ext', o.oid, o.stxowner FROM pg_catalog.pg_statistic_ext o
    UNION ALL
    SELECT 'pg_language', o.oid, o.lanowner FROM pg_catalog.pg_language o
    UNION ALL
    SELECT 'pg_event_trigger', o.oid, o.evtowner FROM pg_catalog.pg_event_trigger o
    UNION ALL
    SELECT 'pg_publication', o.oid, o.pubowner FROM pg_catalog.pg_publication o
    UNION ALL
    SELECT 'pg_foreign_data_wrapper', o.oid, o.fdwowner FROM pg_catalog.pg_foreign_data_wrapper o
    UNION ALL
    SELECT 'pg_foreign_server', o.oid, o.srvowner FROM pg_catalog.pg_foreign_server o
    UNION ALL
    SELECT 'pg_database', d.oid, d.datdba FROM pg_catalog.pg_database d
) o (class, oid, owner)
WHERE o.oid >= 16384 OR o.class IN ('pg_namespace', 'pg_database')
