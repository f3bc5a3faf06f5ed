-- Constraints and indexes on the tables and materialized views of the given
-- schemas, and what fills columns that a row leaves out, each as the server writes its definition, and what is wrong with an
-- index: one that a build left behind is there, and holds nothing.
--
-- $1: schema names. Minimum server: 13, PostgreSQL itself. Selects text alone.
SELECT n.nspname::text AS schema_name, c.relname::text AS table_name, 'constraint' AS kind, k.conname::text AS name,
       pg_catalog.pg_get_constraintdef(k.oid)::text AS definition,
       CASE WHEN NOT coalesce(i.indisvalid AND i.indisready, true) THEN 'invalid' ELSE '' END AS flaw
FROM pg_catalog.pg_constraint AS k
JOIN pg_catalog.pg_class AS c ON c.oid = k.conrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_index AS i ON i.indexrelid = k.conindid AND k.contype IN ('p', 'u', 'x')
WHERE n.nspname::text = ANY ($1::text[])
UNION ALL
SELECT n.nspname::text, c.relname::text, 'index', x.relname::text,
       pg_catalog.pg_get_indexdef(i.indexrelid)::text,
       CASE WHEN NOT (i.indisvalid AND i.indisready) THEN 'invalid' ELSE '' END
FROM pg_catalog.pg_index AS i
JOIN pg_catalog.pg_class AS c ON c.oid = i.indrelid
JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname::text = ANY ($1::text[])
UNION ALL
SELECT n.nspname::text, c.relname::text, CASE WHEN a.attgenerated::text = '' THEN 'default' ELSE 'generated' END, a.attname::text,
       pg_catalog.pg_get_expr(d.adbin, d.adrelid)::text, ''
FROM pg_catalog.pg_attrdef AS d
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
JOIN pg_catalog.pg_class AS c ON c.oid = d.adrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname::text = ANY ($1::text[])
