-- The columns of a table that are written, each with the type that its values have
-- (that of a domain is the type below it) and the server's statistics. PostgreSQL 13
-- and later.
-- $1: the table's oid; $2: whether statistics are those of all partitions
WITH RECURSIVE base (attnum, typ, typmod, domain) AS (
	SELECT a.attnum, a.atttypid, a.atttypmod, false
	FROM pg_catalog.pg_attribute a
	WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
	UNION ALL
	SELECT b.attnum, t.typbasetype, t.typtypmod, true
	FROM base b JOIN pg_catalog.pg_type t ON t.oid = b.typ
	WHERE t.typtype = 'd'
)
SELECT a.attname::text AS name, n.nspname::text AS type_schema, t.typname::text AS type_name, t.typtype::text AS kind,
	pg_catalog.format_type(b.typ, b.typmod) AS type, pg_catalog.format_type(a.atttypid, a.atttypmod) AS declared, b.typmod AS typmod,
	b.domain AS domain, coalesce(e.typname::text, '') AS element, coalesce(e.typtype::text, '') AS element_kind, coalesce(en.nspname::text, '') AS element_schema,
	ARRAY(SELECT l.enumlabel::text FROM pg_catalog.pg_enum l WHERE l.enumtypid = coalesce(e.oid, t.oid) ORDER BY l.enumsortorder) AS labels,
	t.typlen = -1 AND a.attstorage IN ('x', 'e') AS outside,
	coalesce((SELECT i.indnkeyatts = 1 AND a.attnum = i.indkey[0] FROM pg_catalog.pg_index i WHERE i.indrelid = $1 AND i.indisprimary), false) AS key,
	s.null_frac IS NOT NULL AS known, coalesce(s.null_frac, 0)::float8 AS nulls, coalesce(s.avg_width, 0)::float8 AS width,
	coalesce(s.n_distinct, 0)::float8 AS distinct_values, coalesce(s.histogram_bounds::text, '') AS bounds
FROM base b
JOIN pg_catalog.pg_attribute a ON a.attrelid = $1 AND a.attnum = b.attnum
JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
JOIN pg_catalog.pg_namespace cn ON cn.oid = c.relnamespace
JOIN pg_catalog.pg_type t ON t.oid = b.typ
JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'
LEFT JOIN pg_catalog.pg_namespace en ON en.oid = e.typnamespace
LEFT JOIN pg_catalog.pg_stats s ON s.schemaname = cn.nspname AND s.tablename = c.relname AND s.attname = a.attname AND s.inherited = $2
WHERE t.typtype <> 'd'
ORDER BY a.attnum
