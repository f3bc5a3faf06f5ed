-- What acts when rows of the table $1.$2 are written, and who refers to them:
-- triggers and rules that act on writes (acts: 'O' in ordinary sessions, 'A' in all),
-- and foreign keys in both directions, with their actions as pg_constraint has them,
-- the other table, and the columns that are referred to. PostgreSQL 13 to 18.
WITH t AS (
    SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = $1 AND c.relname = $2
)
SELECT 'trigger' AS kind, g.tgname::text AS name, g.tgenabled::text AS acts,
       '' AS schema, '' AS other, '' AS on_delete, '' AS on_update, ARRAY[]::text[] AS columns
  FROM pg_catalog.pg_trigger g JOIN t ON t.oid = g.tgrelid
 WHERE NOT g.tgisinternal AND g.tgenabled IN ('O', 'A')
UNION ALL
SELECT 'rule', r.rulename::text, r.ev_enabled::text, '', '', '', '', ARRAY[]::text[]
  FROM pg_catalog.pg_rewrite r JOIN t ON t.oid = r.ev_class
 WHERE r.ev_type <> '1' AND r.ev_enabled IN ('O', 'A')
UNION ALL
SELECT CASE WHEN f.confrelid = t.oid THEN 'incoming' ELSE 'outgoing' END, f.conname::text, '',
       n.nspname::text, o.relname::text, f.confdeltype::text, f.confupdtype::text,
       ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a
              WHERE a.attrelid = f.confrelid AND a.attnum = ANY (f.confkey) ORDER BY a.attnum)
  FROM pg_catalog.pg_constraint f
  JOIN t ON t.oid IN (f.conrelid, f.confrelid)
  JOIN pg_catalog.pg_class o ON o.oid = CASE WHEN f.confrelid = t.oid THEN f.conrelid ELSE f.confrelid END
  JOIN pg_catalog.pg_namespace n ON n.oid = o.relnamespace
 WHERE f.contype = 'f' AND f.conparentid = 0
 ORDER BY 1, 2
