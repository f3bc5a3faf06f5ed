-- Columns of the tables $1.$2 on such a target, and a row with an empty name for
-- a table without columns.
SELECT t.table_schema::text AS schema, t.table_name::text AS "table",
       COALESCE(c.column_name::text, '') AS name,
       COALESCE(c.data_type::text, '') AS type,
       COALESCE(c.is_nullable::text = 'NO', false) AS not_null,
       (c.column_default IS NOT NULL) AS has_default,
       COALESCE(c.is_identity::text = 'YES', false) AS identity,
       COALESCE(c.is_generated::text = 'ALWAYS', false) AS generated
FROM information_schema.tables t
LEFT JOIN information_schema.columns c ON c.table_schema = t.table_schema AND c.table_name = t.table_name
WHERE t.table_type::text = 'BASE TABLE'
  AND t.table_schema::text = ANY ($1::text[]) AND t.table_name::text = ANY ($2::text[])
ORDER BY 1, 2, c.ordinal_position
