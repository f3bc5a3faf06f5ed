-- Publications with their tables, columns, row filters and schemas. Those three
-- came with 15, the choice of generated columns with 18. Versions: 13 to 18.
WITH pub (oid, name, alltables, options) AS (
    SELECT p.oid, p.pubname, p.puballtables,
           ' WITH (publish = ' || pg_catalog.quote_literal(pg_catalog.concat_ws(', ',
               CASE WHEN p.pubinsert THEN 'insert' END, CASE WHEN p.pubupdate THEN 'update' END,
               CASE WHEN p.pubdelete THEN 'delete' END, CASE WHEN p.pubtruncate THEN 'truncate' END))
           || CASE WHEN p.pubviaroot THEN ', publish_via_partition_root = true' ELSE '' END
           || CASE WHEN pg_catalog.to_jsonb(p) ->> 'pubgencols' = 's' THEN ', publish_generated_columns = stored' ELSE '' END || ')'
    FROM pg_catalog.pg_publication p
), filter (pub, schema, rel, qual) AS (
    SELECT v.pubname, v.schemaname, v.tablename, pg_catalog.to_jsonb(v) ->> 'rowfilter'
    FROM pg_catalog.pg_publication_tables v
    WHERE v.pubname IN (SELECT p.pubname FROM pg_catalog.pg_publication p WHERE NOT p.puballtables)
      AND pg_catalog.to_jsonb(v) ->> 'rowfilter' IS NOT NULL
), tables (pub, list) AS (
    SELECT r.prpubid, pg_catalog.string_agg(
               CASE WHEN c.relkind = 'p' THEN '' ELSE 'ONLY ' END || s.name
               || COALESCE(' (' || a.list || ')', '') || COALESCE(' WHERE (' || f.qual || ')', ''), ', ' ORDER BY s.name COLLATE "C")
    FROM pg_catalog.pg_publication_rel r
    JOIN pg_catalog.pg_publication p ON p.oid = r.prpubid
    JOIN pg_catalog.pg_class c ON c.oid = r.prrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    CROSS JOIN LATERAL (SELECT pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname)) s(name)
    LEFT JOIN filter f ON f.pub = p.pubname AND f.schema = n.nspname AND f.rel = c.relname
    LEFT JOIN LATERAL (
        SELECT pg_catalog.string_agg(pg_catalog.quote_ident(t.attname), ', ' ORDER BY t.attnum)
        FROM pg_catalog.jsonb_array_elements_text(COALESCE(NULLIF(pg_catalog.to_jsonb(r) -> 'prattrs', 'null'), '[]')) x(num)
        JOIN pg_catalog.pg_attribute t ON t.attrelid = r.prrelid AND t.attnum = x.num::pg_catalog.int2
    ) a(list) ON true
    GROUP BY r.prpubid
), schemas (pub, list) AS ( -- from pg_depend: 13 and 14 have no pg_publication_namespace
    SELECT d.refobjid, pg_catalog.string_agg(pg_catalog.quote_ident(n.nspname), ', ' ORDER BY n.nspname COLLATE "C")
    FROM pg_catalog.pg_depend d
    JOIN pg_catalog.pg_depend e ON e.classid = d.classid AND e.objid = d.objid AND e.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass
    JOIN pg_catalog.pg_namespace n ON n.oid = e.refobjid
    WHERE d.classid = pg_catalog.to_regclass('pg_catalog.pg_publication_namespace')
      AND d.refclassid = 'pg_catalog.pg_publication'::pg_catalog.regclass
    GROUP BY d.refobjid
)
SELECT 'pg_publication' AS class, p.oid::pg_catalog.int8 AS oid,
       ARRAY['CREATE PUBLICATION ' || pg_catalog.quote_ident(p.name)
             || CASE WHEN p.alltables THEN ' FOR ALL TABLES'
                     ELSE COALESCE(' FOR ' || NULLIF(pg_catalog.concat_ws(', ', 'TABLE ' || t.list, 'TABLES IN SCHEMA ' || m.list), ''), '') END
             || p.options] AS def,
       '{}'::pg_catalog.text[] AS secrets
FROM pub p
LEFT JOIN tables t ON t.pub = p.oid
LEFT JOIN schemas m ON m.pub = p.oid
