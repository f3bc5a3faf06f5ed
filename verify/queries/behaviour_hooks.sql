-- What acts when rows of a table are written: triggers of the user's and rules,
-- enabled in some way. Always says that session_replication_role does not keep
-- it from acting. Those of a partition act on its roots' rows too. Versions: 13 to 18.
SELECT n.nspname AS schema, c.relname AS "table", 'trigger ' || t.tgname AS name, t.tgenabled IN ('A', 'R') AS always
FROM pg_catalog.pg_trigger t
CROSS JOIN LATERAL (SELECT t.tgrelid UNION SELECT a.relid FROM pg_catalog.pg_partition_ancestors(t.tgrelid) a) r(relid)
JOIN pg_catalog.pg_class c ON c.oid = r.relid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE NOT t.tgisinternal AND t.tgenabled <> 'D' AND t.tgtype::pg_catalog.int4 & 28 <> 0
UNION ALL
SELECT n.nspname, c.relname, 'rule ' || r.rulename, r.ev_enabled IN ('A', 'R')
FROM pg_catalog.pg_rewrite r
JOIN pg_catalog.pg_class c ON c.oid = r.ev_class AND c.relkind IN ('r', 'p')
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE r.ev_enabled <> 'D' AND r.ev_type IN ('2', '3', '4')
