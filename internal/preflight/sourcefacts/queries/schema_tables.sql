-- How many tables each schema holds that no extension made. Versions: 13 to 18.
SELECT n.nspname::pg_catalog.text AS name, pg_catalog.count(c.oid)::pg_catalog.int8 AS tables
FROM pg_catalog.pg_namespace n
LEFT JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relkind IN ('r', 'p', 'f')
     AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                     WHERE e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                       AND e.objid = c.oid AND e.deptype = 'e')
WHERE n.nspname = ANY ($1::pg_catalog.text[])
GROUP BY 1 ORDER BY 1
