-- Installed extensions without plpgsql, which every database has. config are
-- the member tables whose rows pg_dump would carry. Versions: 13 to 18.
SELECT x.oid::pg_catalog.int8 AS oid,
       x.extname::pg_catalog.text AS name,
       n.nspname::pg_catalog.text AS schema,
       x.extversion AS version,
       ARRAY(SELECT cn.nspname::pg_catalog.text
             FROM pg_catalog.unnest(x.extconfig) WITH ORDINALITY u(oid, ord)
             JOIN pg_catalog.pg_class c ON c.oid = u.oid
             JOIN pg_catalog.pg_namespace cn ON cn.oid = c.relnamespace
             WHERE c.relkind IN ('r', 'p') ORDER BY u.ord) AS config_schemas,
       ARRAY(SELECT c.relname::pg_catalog.text
             FROM pg_catalog.unnest(x.extconfig) WITH ORDINALITY u(oid, ord)
             JOIN pg_catalog.pg_class c ON c.oid = u.oid
             JOIN pg_catalog.pg_namespace cn ON cn.oid = c.relnamespace
             WHERE c.relkind IN ('r', 'p') ORDER BY u.ord) AS config_tables
FROM pg_catalog.pg_extension x
JOIN pg_catalog.pg_namespace n ON n.oid = x.extnamespace
WHERE x.extname <> 'plpgsql'
