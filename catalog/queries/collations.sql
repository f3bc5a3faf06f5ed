-- Collations of the user's. The locale of ICU's stands in collcollate up to 14,
-- in colliculocale up to 16 and in colllocale since; rules came with 16, the
-- provider builtin with 17. Versions: 13 to 18.
SELECT c.oid::pg_catalog.int8 AS oid,
       n.nspname::pg_catalog.text AS schema,
       c.collname::pg_catalog.text AS name,
       CASE c.collprovider WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' WHEN 'd' THEN 'default' ELSE 'libc' END AS provider,
       c.collisdeterministic AS deterministic,
       COALESCE(CASE c.collprovider WHEN 'c' THEN '' ELSE COALESCE(x.row ->> 'colllocale', x.row ->> 'colliculocale', x.row ->> 'collcollate') END, '') AS locale,
       COALESCE(CASE c.collprovider WHEN 'c' THEN x.row ->> 'collcollate' END, '') AS "collate",
       COALESCE(CASE c.collprovider WHEN 'c' THEN x.row ->> 'collctype' END, '') AS ctype,
       COALESCE(x.row ->> 'collicurules', '') AS rules,
       CASE WHEN c.collencoding < 0 THEN '' ELSE pg_catalog.pg_encoding_to_char(c.collencoding)::pg_catalog.text END AS encoding
FROM pg_catalog.pg_collation c
JOIN pg_catalog.pg_namespace n ON n.oid = c.collnamespace
CROSS JOIN LATERAL (SELECT pg_catalog.to_jsonb(c)) x("row")
WHERE c.oid >= 16384
  AND n.nspname NOT IN ('pg_toast', '_pg2db9', '_pg2db9_probe')
  AND n.nspname !~ '^pg_(toast_)?temp_[0-9]+$'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                  WHERE e.classid = 'pg_catalog.pg_collation'::pg_catalog.regclass AND e.objid = c.oid AND e.deptype = 'e')
