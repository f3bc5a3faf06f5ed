-- Installed extensions without plpgsql, which every database has. config are
-- the member tables whose rows pg_dump would carry, config_rows their number,
-- -1 where the reader may not look. Versions: 13 to 18.
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
             WHERE c.relkind IN ('r', 'p') ORDER BY u.ord) AS config_tables,
       ARRAY(SELECT CASE WHEN pg_catalog.has_table_privilege(c.oid, 'SELECT')
                         THEN pg_catalog.substring(pg_catalog.query_to_xml(
                                  'SELECT pg_catalog.count(*) AS n FROM ' || c.oid::pg_catalog.regclass || ' ' || COALESCE(x.extcondition[u.ord], ''),
                                  false, true, '')::pg_catalog.text, '<n>([0-9]+)</n>')::pg_catalog.int8 ELSE -1 END
             FROM pg_catalog.unnest(x.extconfig) WITH ORDINALITY u(oid, ord)
             JOIN pg_catalog.pg_class c ON c.oid = u.oid
             WHERE c.relkind IN ('r', 'p') ORDER BY u.ord) AS config_rows,
       (SELECT pg_catalog.count(*) FROM pg_catalog.pg_depend d
        WHERE d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND d.refobjid = x.oid AND d.deptype = 'e') AS members
FROM pg_catalog.pg_extension x
JOIN pg_catalog.pg_namespace n ON n.oid = x.extnamespace
WHERE x.extname <> 'plpgsql'
