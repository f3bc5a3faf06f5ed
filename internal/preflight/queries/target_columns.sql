-- The columns of the tables $1.$2 on the target, in order. Versions: 13 to 18.
SELECT n.nspname::pg_catalog.text AS schema,
       c.relname::pg_catalog.text AS "table",
       COALESCE(a.attname::pg_catalog.text, '') AS name,
       COALESCE(pg_catalog.format_type(a.atttypid, a.atttypmod), '') AS type,
       COALESCE(a.attnotnull, false) AS not_null,
       COALESCE(a.atthasdef, false) AS has_default,
       COALESCE(a.attidentity <> '', false) AS identity,
       COALESCE(a.attgenerated <> '', false) AS generated
FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.text[])) u(schema, name)
JOIN pg_catalog.pg_namespace n ON n.nspname = u.schema
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = u.name AND c.relkind IN ('r', 'p')
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY 1, 2, a.attnum
