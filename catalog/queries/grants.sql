-- Access control lists, as far as they say more or less than the default does:
-- what initdb or CREATE EXTENSION gave (pg_init_privs), else acldefault. The
-- owner of that time stands for the owner of today. revoked is what the default
-- has and the list has not. kind, schema, name and identity are only of objects
-- that the reader does not know by class and oid: built-in ones, members of
-- extensions and large objects. initdb notes its grants before it makes
-- information_schema, whose views are left out. Versions: 13 to 18.
WITH object (class, oid, sub, type, owner, acl) AS (
    SELECT 'pg_namespace', n.oid, 0, 'n', n.nspowner, n.nspacl
    FROM pg_catalog.pg_namespace n
    WHERE n.nspname <> 'information_schema'
    UNION ALL
    SELECT 'pg_class', c.oid, 0, CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END, c.relowner, c.relacl
    FROM pg_catalog.pg_class c
    WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S') AND c.relpersistence <> 't'
    UNION ALL
    SELECT 'pg_class', a.attrelid, a.attnum, 'c', c.relowner, a.attacl
    FROM pg_catalog.pg_attribute a
    JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
    WHERE NOT a.attisdropped
    UNION ALL
    SELECT 'pg_proc', p.oid, 0, 'f', p.proowner, p.proacl FROM pg_catalog.pg_proc p
    UNION ALL
    SELECT 'pg_type', t.oid, 0, 'T', t.typowner, t.typacl FROM pg_catalog.pg_type t
    UNION ALL
    SELECT 'pg_language', l.oid, 0, 'l', l.lanowner, l.lanacl FROM pg_catalog.pg_language l
    UNION ALL
    SELECT 'pg_foreign_data_wrapper', f.oid, 0, 'F', f.fdwowner, f.fdwacl FROM pg_catalog.pg_foreign_data_wrapper f
    UNION ALL
    SELECT 'pg_foreign_server', f.oid, 0, 'S', f.srvowner, f.srvacl FROM pg_catalog.pg_foreign_server f
    UNION ALL
    SELECT 'pg_largeobject', l.oid, 0, 'L', l.lomowner, l.lomacl FROM pg_catalog.pg_largeobject_metadata l
    UNION ALL
    SELECT 'pg_database', d.oid, 0, 'd', d.datdba, d.datacl
    FROM pg_catalog.pg_database d
    WHERE d.datname = pg_catalog.current_database()
), listed (class, classid, oid, sub, type, owner, acl, init) AS (
    SELECT o.class, k.oid, o.oid, o.sub, o.type::pg_catalog."char", o.owner, o.acl, i.initprivs
    FROM object o
    JOIN pg_catalog.pg_class k ON k.relname = o.class AND k.relnamespace = 'pg_catalog'::pg_catalog.regnamespace
    LEFT JOIN pg_catalog.pg_init_privs i ON i.classoid = k.oid AND i.objoid = o.oid AND i.objsubid = o.sub
    WHERE o.acl IS DISTINCT FROM i.initprivs
), present (class, oid, sub, grantee, grantor, privilege, grantable) AS (
    SELECT l.class, l.oid, l.sub, x.grantee, x.grantor, x.privilege_type, x.is_grantable
    FROM listed l
    CROSS JOIN LATERAL pg_catalog.aclexplode(COALESCE(l.acl, pg_catalog.acldefault(l.type, l.owner))) x
), given (class, oid, sub, grantee, grantor, privilege, grantable) AS (
    SELECT l.class, l.oid, l.sub, CASE x.grantee WHEN x.grantor THEN l.owner ELSE x.grantee END, l.owner, x.privilege_type, x.is_grantable
    FROM listed l
    CROSS JOIN LATERAL pg_catalog.aclexplode(COALESCE(l.init, pg_catalog.acldefault(l.type, l.owner))) x
), differs (class, oid, sub, grantee, grantor, privilege, grantable, revoked) AS (
    SELECT p.*, false
    FROM present p
    WHERE NOT EXISTS (SELECT FROM given g
                      WHERE g.class = p.class AND g.oid = p.oid AND g.sub = p.sub AND g.grantee = p.grantee
                        AND g.privilege = p.privilege AND g.grantable = p.grantable)
    UNION ALL
    SELECT g.*, true
    FROM given g
    WHERE NOT EXISTS (SELECT FROM present p
                      WHERE g.class = p.class AND g.oid = p.oid AND g.sub = p.sub AND g.grantee = p.grantee
                        AND g.privilege = p.privilege)
), entry (class, oid, sub, grantee, grantor, grantable, revoked, privileges) AS (
    SELECT d.class, d.oid, d.sub, d.grantee, d.grantor, d.grantable, d.revoked,
           pg_catalog.array_agg(d.privilege ORDER BY d.privilege COLLATE pg_catalog."C")
    FROM differs d
    GROUP BY 1, 2, 3, 4, 5, 6, 7
)
SELECT e.class AS class,
       e.oid::pg_catalog.int8 AS oid,
       COALESCE(a.attname::pg_catalog.text, '') AS "column",
       CASE e.grantee WHEN 0 THEN '' ELSE pg_catalog.pg_get_userbyid(e.grantee)::pg_catalog.text END AS grantee,
       pg_catalog.pg_get_userbyid(e.grantor)::pg_catalog.text AS grantor,
       e.grantable AS grantable,
       e.revoked AS revoked,
       e.privileges AS privileges,
       COALESCE(i.type, '') AS kind,
       COALESCE(i.schema, '') AS schema,
       COALESCE(i.name, '') AS name,
       COALESCE(i.identity, '') AS identity
FROM entry e
JOIN pg_catalog.pg_class k ON k.relname = e.class AND k.relnamespace = 'pg_catalog'::pg_catalog.regnamespace
LEFT JOIN pg_catalog.pg_attribute a ON e.sub <> 0 AND a.attrelid = e.oid AND a.attnum = e.sub
LEFT JOIN pg_catalog.pg_class r ON e.class = 'pg_class' AND r.oid = e.oid
LEFT JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace
LEFT JOIN LATERAL pg_catalog.pg_identify_object(k.oid, e.oid, 0) i
       ON e.oid < 16384 OR e.class = 'pg_largeobject'
       OR EXISTS (SELECT FROM pg_catalog.pg_depend x WHERE x.classid = k.oid AND x.objid = e.oid AND x.deptype = 'e')
WHERE COALESCE(n.nspname, '') NOT IN ('_pg2db9', '_pg2db9_probe', 'pg_toast')
  AND NOT (COALESCE(n.nspname, '') = 'information_schema' AND e.oid < 16384)
