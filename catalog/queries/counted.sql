-- What is only counted, or lies outside of the catalogs of others.sql: large
-- objects and their comments, subscriptions, security labels, settings of the database (names
-- only: values may be secrets), privileges and owners that are not the
-- default. Of pg_subscription only columns that everybody may read.
-- Versions: 13 to 18.
WITH db (oid, datdba) AS (
    SELECT d.oid, d.datdba FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()
), ns (oid, nspname, nspacl, nspowner) AS (
    SELECT n.oid, n.nspname, n.nspacl, n.nspowner
    FROM pg_catalog.pg_namespace n
    WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', '_pg2db9', '_pg2db9_probe')
      AND n.nspname !~ '^pg_(toast_)?temp_[0-9]+$'
), owned (class, oid, sub, owner, acl) AS (
    SELECT 'pg_catalog.pg_namespace'::pg_catalog.regclass, ns.oid, 0,
           CASE WHEN ns.nspname = 'public' THEN (SELECT db.datdba FROM db) ELSE ns.nspowner END, ns.nspacl
    FROM ns
    UNION ALL
    SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, c.oid, 0, c.relowner, c.relacl
    FROM pg_catalog.pg_class c JOIN ns ON ns.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S')
    UNION ALL
    SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, a.attrelid, a.attnum::pg_catalog.int4, NULL, a.attacl
    FROM pg_catalog.pg_attribute a
    JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
    JOIN ns ON ns.oid = c.relnamespace
    WHERE a.attacl IS NOT NULL AND NOT a.attisdropped
    UNION ALL
    SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass, p.oid, 0, p.proowner, p.proacl
    FROM pg_catalog.pg_proc p JOIN ns ON ns.oid = p.pronamespace
    UNION ALL
    SELECT 'pg_catalog.pg_type'::pg_catalog.regclass, t.oid, 0, t.typowner, t.typacl
    FROM pg_catalog.pg_type t JOIN ns ON ns.oid = t.typnamespace
    WHERE t.typrelid = 0 AND t.typelem = 0
    UNION ALL
    SELECT 'pg_catalog.pg_foreign_server'::pg_catalog.regclass, f.oid, 0, f.srvowner, f.srvacl
    FROM pg_catalog.pg_foreign_server f
    UNION ALL
    SELECT 'pg_catalog.pg_foreign_data_wrapper'::pg_catalog.regclass, f.oid, 0, f.fdwowner, f.fdwacl
    FROM pg_catalog.pg_foreign_data_wrapper f
    UNION ALL
    SELECT 'pg_catalog.pg_language'::pg_catalog.regclass, l.oid, 0, NULL, l.lanacl
    FROM pg_catalog.pg_language l
), mine (owner, acl, init) AS (
    SELECT o.owner, o.acl, i.initprivs
    FROM owned o
    LEFT JOIN pg_catalog.pg_init_privs i ON i.classoid = o.class AND i.objoid = o.oid AND i.objsubid = o.sub
    WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                      WHERE e.classid = o.class AND e.objid = o.oid AND e.deptype = 'e')
)
SELECT 'large object' AS kind, '' AS name, pg_catalog.count(*) AS count
FROM pg_catalog.pg_largeobject_metadata
UNION ALL
SELECT 'comment on large object', '', pg_catalog.count(*)
FROM pg_catalog.pg_description d
WHERE d.classoid = 'pg_catalog.pg_largeobject'::pg_catalog.regclass
UNION ALL
SELECT 'security label', '', pg_catalog.count(*)
FROM pg_catalog.pg_seclabel l
UNION ALL
SELECT 'privileges', '', pg_catalog.count(*)
FROM mine m WHERE m.acl IS DISTINCT FROM m.init
UNION ALL
SELECT 'owner', '', pg_catalog.count(*)
FROM mine m WHERE m.owner IS NOT NULL AND m.owner <> (SELECT db.datdba FROM db)
UNION ALL
SELECT 'subscription', s.subname::pg_catalog.text, 0
FROM pg_catalog.pg_subscription s JOIN db ON db.oid = s.subdbid
UNION ALL
SELECT 'setting',
       pg_catalog.split_part(u.setting, '=', 1)
           || CASE WHEN s.setrole = 0 THEN '' ELSE ' OF ROLE ' || pg_catalog.pg_get_userbyid(s.setrole) END, 0
FROM pg_catalog.pg_db_role_setting s
JOIN db ON db.oid = s.setdatabase
CROSS JOIN LATERAL pg_catalog.unnest(s.setconfig) u(setting)
