-- How pg_catalog describes the tables of the catalogs' probe, as one text that
-- PostgreSQL 13 to 18 give alike. No OID leaves the server, and none is cast to
-- regclass: OIDs of a target may be wider than PostgreSQL's.
SELECT CASE pg_catalog.format_type(v.atttypid, v.atttypmod) WHEN 'character varying(7)' THEN 'varchar(7)' ELSE 'other' END
       || ' typmod ' || v.atttypmod::text
       || ' ' || i.attidentity::text
       || ' ' || g.attgenerated::text
       || ' ' || pg_catalog.pg_get_constraintdef(k.oid)
FROM pg_catalog.pg_namespace AS n
JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = 'p26'
JOIN pg_catalog.pg_attribute AS v ON v.attrelid = c.oid AND v.attname = 'v' AND v.attnotnull AND v.atthasdef
JOIN pg_catalog.pg_constraint AS k ON k.conrelid = c.oid AND k.contype = 'p'
JOIN pg_catalog.pg_class AS ci ON ci.relnamespace = n.oid AND ci.relname = 'p26_id'
JOIN pg_catalog.pg_attribute AS i ON i.attrelid = ci.oid AND i.attname = 'id'
JOIN pg_catalog.pg_class AS cg ON cg.relnamespace = n.oid AND cg.relname = 'p26_gen'
JOIN pg_catalog.pg_attribute AS g ON g.attrelid = cg.oid AND g.attname = 'b'
WHERE n.nspname = '_pg2db9_probe'
