-- Constraints of tables. Left out: constraint triggers (they are triggers) and
-- the rows a foreign key to a partitioned table has for each partition it
-- refers to (a parent on the same table), which the server makes by itself.
-- confdelsetcols came with 15, conenforced with 18, where NOT NULL is here
-- too. Versions: 13 to 18.
SELECT k.oid::pg_catalog.int8 AS oid,
       k.conrelid::pg_catalog.int8 AS rel,
       k.conname::pg_catalog.text AS name,
       k.contype::pg_catalog.text AS kind,
       COALESCE(pg_catalog.pg_get_constraintdef(k.oid), '') AS def,
       ARRAY(SELECT a.attname::pg_catalog.text
             FROM pg_catalog.unnest(k.conkey) WITH ORDINALITY u(num, ord)
             JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.num
             ORDER BY u.ord) AS columns,
       CASE WHEN k.contype IN ('p', 'u', 'x') THEN COALESCE(i.relname::pg_catalog.text, '') ELSE '' END AS index,
       k.condeferrable AS deferrable,
       k.condeferred AS deferred,
       k.convalidated AS validated,
       k.connoinherit AS no_inherit,
       (NOT k.conislocal OR k.conparentid <> 0) AS inherited,
       COALESCE((pg_catalog.to_jsonb(k) ->> 'conenforced')::pg_catalog.bool, true) AS enforced,
       COALESCE(fn.nspname::pg_catalog.text, '') AS ref_schema,
       COALESCE(f.relname::pg_catalog.text, '') AS ref_table,
       ARRAY(SELECT a.attname::pg_catalog.text
             FROM pg_catalog.unnest(k.confkey) WITH ORDINALITY u(num, ord)
             JOIN pg_catalog.pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.num
             ORDER BY u.ord) AS ref_columns,
       k.confupdtype::pg_catalog.text AS on_update,
       k.confdeltype::pg_catalog.text AS on_delete,
       k.confmatchtype::pg_catalog.text AS match,
       ARRAY(SELECT a.attname::pg_catalog.text
             FROM pg_catalog.jsonb_array_elements_text(
                      CASE pg_catalog.jsonb_typeof(pg_catalog.to_jsonb(k) -> 'confdelsetcols')
                          WHEN 'array' THEN pg_catalog.to_jsonb(k) -> 'confdelsetcols' ELSE '[]' END)
                  WITH ORDINALITY u(num, ord)
             JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.num::pg_catalog.int2
             ORDER BY u.ord) AS set_columns
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_constraint kp ON kp.oid = k.conparentid
LEFT JOIN pg_catalog.pg_class i ON i.oid = k.conindid
LEFT JOIN pg_catalog.pg_class f ON f.oid = k.confrelid
LEFT JOIN pg_catalog.pg_namespace fn ON fn.oid = f.relnamespace
WHERE k.contype IN ('p', 'u', 'x', 'c', 'f', 'n')
  AND c.relkind IN ('r', 'p', 'f')
  AND (kp.oid IS NULL OR kp.conrelid <> k.conrelid)
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', '_pg2db9', '_pg2db9_probe')
  AND n.nspname !~ '^pg_(toast_)?temp_[0-9]+$'
