-- What acts on the target when rows are written. Of kind hook: triggers of the
-- user's and rules, "firm" where session_replication_role does not keep them from
-- acting; those of a partition act on its roots' rows too. Of kind delete and
-- update: tables whose rows a foreign key changes when one that they refer to is
-- deleted or updated. Of kind refers: the columns that foreign keys refer to, and
-- the tables that have those. Of kind partitioned: tables that hold no rows themselves.
-- Versions: 13 to 18.
SELECT 'hook' AS kind, n.nspname::text AS schema, c.relname::text AS "table", 'trigger ' || t.tgname AS name, t.tgenabled IN ('A', 'R') AS firm, '' AS other_schema, '' AS other_table
FROM pg_catalog.pg_trigger t
CROSS JOIN LATERAL (SELECT t.tgrelid UNION SELECT a.relid FROM pg_catalog.pg_partition_ancestors(t.tgrelid) a) r(relid)
JOIN pg_catalog.pg_class c ON c.oid = r.relid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE NOT t.tgisinternal AND t.tgenabled <> 'D' AND t.tgtype::pg_catalog.int4 & 28 <> 0
UNION ALL
SELECT 'hook', n.nspname, c.relname, 'rule ' || r.rulename, r.ev_enabled IN ('A', 'R'), '', ''
FROM pg_catalog.pg_rewrite r
JOIN pg_catalog.pg_class c ON c.oid = r.ev_class AND c.relkind IN ('r', 'p')
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE r.ev_enabled <> 'D' AND r.ev_type IN ('2', '3', '4')
UNION ALL
SELECT k.kind, n.nspname, c.relname, f.conname, false, o.nspname, d.relname
FROM pg_catalog.pg_constraint f
CROSS JOIN LATERAL (VALUES ('delete', f.confdeltype), ('update', f.confupdtype)) k(kind, does)
JOIN pg_catalog.pg_class c ON c.oid = f.confrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_class d ON d.oid = f.conrelid AND d.relkind = 'r'
JOIN pg_catalog.pg_namespace o ON o.oid = d.relnamespace
WHERE f.contype = 'f' AND k.does IN ('c', 'n', 'd')
UNION ALL
SELECT 'refers', n.nspname, c.relname, a.attname, false, o.nspname, d.relname
FROM pg_catalog.pg_constraint f
JOIN pg_catalog.pg_class c ON c.oid = f.confrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = f.confrelid AND a.attnum = ANY (f.confkey)
JOIN pg_catalog.pg_class p ON p.oid = f.conrelid
JOIN pg_catalog.pg_class d ON d.oid = coalesce(pg_catalog.pg_partition_root(f.conrelid), f.conrelid)
JOIN pg_catalog.pg_namespace o ON o.oid = d.relnamespace
WHERE f.contype = 'f' AND (f.conparentid = 0 OR NOT p.relispartition)
UNION ALL
SELECT 'partitioned', n.nspname, c.relname, '', false, '', ''
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'p'
