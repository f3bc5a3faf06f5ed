-- Constraints of the tables in the schemas $1 of such a target.
SELECT table_schema::text AS schema, table_name::text AS "table", constraint_name::text AS name,
       (constraint_type::text = 'FOREIGN KEY') AS foreign_key, '' AS referenced_schema, '' AS referenced
FROM information_schema.table_constraints
WHERE table_schema::text = ANY ($1::text[])
ORDER BY 1, 2, 3
