-- Live columns of tables and views, and fields of composite types. Ordered by
-- number, so that the reader only appends. Views may stand in any schema. attcompression came with 14;
-- attstattarget is NULL for the default on 17 and later, -1 before.
-- Versions: 13 to 18.
SELECT a.attrelid::pg_catalog.int8 AS rel,
       a.attnum::pg_catalog.int4 AS num,
       a.attname::pg_catalog.text AS name,
       a.atttypid::pg_catalog.int8 AS type,
       a.atttypmod AS mod,
       a.attnotnull AS not_null,
       COALESCE(d.oid::pg_catalog.int8, 0) AS default_oid,
       COALESCE(pg_catalog.pg_get_expr(d.adbin, d.adrelid), '') AS "default",
       COALESCE(cn.nspname::pg_catalog.text, '') AS collation_schema,
       COALESCE(co.collname::pg_catalog.text, '') AS collation,
       a.attidentity::pg_catalog.text AS identity,
       a.attgenerated::pg_catalog.text AS generated,
       a.attislocal AS local,
       CASE WHEN a.attstorage <> t.typstorage THEN a.attstorage::pg_catalog.text ELSE '' END AS storage,
       COALESCE(a.attstattarget::pg_catalog.int4, -1) AS stats_target,
       COALESCE(pg_catalog.to_jsonb(a) ->> 'attcompression', '') AS compression,
       a.attoptions AS options,
       a.attfdwoptions AS foreign_options
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum AND a.atthasdef
LEFT JOIN pg_catalog.pg_collation co ON co.oid = a.attcollation AND a.attcollation <> t.typcollation
LEFT JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace
WHERE (c.relkind IN ('r', 'p', 'f', 'c') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
       OR c.relkind IN ('v', 'm') AND c.oid >= 16384)
  AND a.attnum > 0 AND NOT a.attisdropped
  AND n.nspname NOT IN ('pg_toast', '_pg2db9', '_pg2db9_probe')
  AND n.nspname !~ '^pg_(toast_)?temp_[0-9]+$'
ORDER BY a.attrelid, a.attnum
