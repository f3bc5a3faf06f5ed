-- Comments on anything, with the name of the column where there is one. The
-- reader keeps those on objects it knows, so comments of system objects and of
-- extensions' members fall away. "standard public schema" is what initdb
-- writes; CREATE EXTENSION writes what pg_available_extensions says. Versions:
-- 13 to 18.
SELECT k.relname::pg_catalog.text AS class,
       d.objoid::pg_catalog.int8 AS oid,
       d.objsubid::pg_catalog.int4 AS sub,
       COALESCE(a.attname::pg_catalog.text, '') AS "column",
       d.description AS text
FROM pg_catalog.pg_description d
JOIN pg_catalog.pg_class k ON k.oid = d.classoid
LEFT JOIN pg_catalog.pg_attribute a ON d.objsubid <> 0 AND k.relname = 'pg_class'
      AND a.attrelid = d.objoid AND a.attnum = d.objsubid
LEFT JOIN pg_catalog.pg_extension x ON k.relname = 'pg_extension' AND x.oid = d.objoid
LEFT JOIN pg_catalog.pg_available_extensions v ON v.name = x.extname
WHERE (d.objoid >= 16384 AND k.relnamespace = 'pg_catalog'::pg_catalog.regnamespace
       AND d.description IS DISTINCT FROM v.comment)
   OR (d.classoid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND d.description <> 'standard public schema')
UNION ALL
SELECT 'pg_database', d.oid::pg_catalog.int8, 0, '', s.description
FROM pg_catalog.pg_shdescription s
JOIN pg_catalog.pg_database d ON d.oid = s.objoid AND d.datname = pg_catalog.current_database()
WHERE s.classoid = 'pg_catalog.pg_database'::pg_catalog.regclass
