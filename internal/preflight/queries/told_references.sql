-- The tables that foreign keys of such a target point to: the names of the
-- constraints are those of one schema's constraints, of several tables perhaps.
SELECT DISTINCT r.constraint_schema::text AS schema, '' AS "table", r.constraint_name::text AS name, true AS foreign_key,
       u.table_schema::text AS referenced_schema, u.table_name::text AS referenced
FROM information_schema.referential_constraints r
JOIN information_schema.constraint_column_usage u
  ON u.constraint_schema = r.constraint_schema AND u.constraint_name = r.constraint_name
WHERE r.constraint_schema::text = ANY ($1::text[])
ORDER BY 1, 3, 5, 6
