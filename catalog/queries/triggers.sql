-- Triggers of tables, views and foreign tables: not those inside of constraints
-- and foreign keys, nor those that a partitioned table gives its partitions. kind
-- is tgtype, bit by bit: 1 row, 2 before, 4 insert, 8 delete, 16 update, 32
-- truncate, 64 instead of. Members of extensions and their tables' are left out.
-- Versions: 13 to 18.
SELECT g.oid::pg_catalog.int8 AS oid,
       n.nspname::pg_catalog.text AS schema,
       c.relname::pg_catalog.text AS "table",
       g.tgname::pg_catalog.text AS name,
       COALESCE(pg_catalog.pg_get_triggerdef(g.oid), '') AS def,
       g.tgtype::pg_catalog.int4 AS kind,
       ARRAY(SELECT a.attname::pg_catalog.text
             FROM pg_catalog.unnest(g.tgattr::pg_catalog.int2[]) WITH ORDINALITY u(num, ord)
             JOIN pg_catalog.pg_attribute a ON a.attrelid = g.tgrelid AND a.attnum = u.num
             ORDER BY u.ord) AS columns,
       g.tgqual IS NOT NULL AS has_when,
       pn.nspname::pg_catalog.text AS function_schema,
       p.proname || '(' || pg_catalog.array_to_string(ARRAY(
           SELECT pg_catalog.format_type(u.typ, NULL)
           FROM pg_catalog.unnest(p.proargtypes::pg_catalog.oid[]) WITH ORDINALITY u(typ, ord)
           ORDER BY u.ord), ',') || ')' AS function,
       g.tgconstraint <> 0 AS is_constraint,
       g.tgdeferrable AS deferrable,
       g.tginitdeferred AS deferred,
       COALESCE(g.tgoldtable::pg_catalog.text, '') AS old_table,
       COALESCE(g.tgnewtable::pg_catalog.text, '') AS new_table,
       g.tgenabled::pg_catalog.text AS enabled
FROM pg_catalog.pg_trigger g
JOIN pg_catalog.pg_class c ON c.oid = g.tgrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_proc p ON p.oid = g.tgfoid
JOIN pg_catalog.pg_namespace pn ON pn.oid = p.pronamespace
WHERE NOT g.tgisinternal AND g.tgparentid = 0 AND g.oid >= 16384
  AND n.nspname NOT IN ('pg_toast', '_pg2db9', '_pg2db9_probe') AND n.nspname !~ '^pg_(toast_)?temp_[0-9]+$'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                  WHERE e.deptype = 'e'
                    AND (e.classid = 'pg_catalog.pg_trigger'::pg_catalog.regclass AND e.objid = g.oid
                         OR e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND e.objid = c.oid))
