-- Tables, views and foreign tables in the schemas $1 of a target whose
-- pg_catalog is not PostgreSQL's, by information_schema. Text alone.
SELECT table_schema::text AS schema,
       table_name::text AS name,
       CASE table_type::text WHEN 'BASE TABLE' THEN 'table' WHEN 'VIEW' THEN 'view' WHEN 'FOREIGN' THEN 'foreign table' ELSE 'table' END AS kind,
       '' AS owner
FROM information_schema.tables
WHERE table_schema::text = ANY ($1::text[])
ORDER BY 1, 2
