-- Security labels of the database and of what is in it. kind, schema, name and
-- identity are of objects that the reader may not know. Versions: 13 to 18.
SELECT k.relname::pg_catalog.text AS class,
       l.objoid::pg_catalog.int8 AS oid,
       COALESCE(a.attname::pg_catalog.text, '') AS "column",
       l.provider AS provider,
       l.label AS label,
       COALESCE(i.type, '') AS kind,
       COALESCE(i.schema, '') AS schema,
       COALESCE(i.name, '') AS name,
       COALESCE(i.identity, '') AS identity
FROM (
    SELECT s.classoid, s.objoid, s.objsubid, s.provider, s.label FROM pg_catalog.pg_seclabel s
    UNION ALL
    SELECT s.classoid, s.objoid, 0, s.provider, s.label
    FROM pg_catalog.pg_shseclabel s
    JOIN pg_catalog.pg_database d ON d.oid = s.objoid AND d.datname = pg_catalog.current_database()
    WHERE s.classoid = 'pg_catalog.pg_database'::pg_catalog.regclass
) l
JOIN pg_catalog.pg_class k ON k.oid = l.classoid
LEFT JOIN pg_catalog.pg_attribute a ON l.objsubid <> 0 AND k.relname = 'pg_class' AND a.attrelid = l.objoid AND a.attnum = l.objsubid
CROSS JOIN LATERAL pg_catalog.pg_identify_object(l.classoid, l.objoid, 0) i
