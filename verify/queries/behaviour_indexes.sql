-- Indexes with what proves them: whether they are valid, ready and live, the
-- first key and the predicate as SQL, and their names on all partitions, one a
-- line: a violation is told by the partition's. Versions: 13 to 18.
SELECT n.nspname AS schema, c.relname AS "table", x.relname AS name, c.relkind AS kind,
       i.indisvalid AND i.indisready AND i.indislive AS built, m.amname AS method, i.indisunique AS "unique",
       pg_catalog.pg_get_indexdef(i.indexrelid, 1, true) AS key,
       COALESCE(pg_catalog.pg_get_expr(i.indpred, i.indrelid), '') AS predicate,
       COALESCE((SELECT pg_catalog.string_agg(p.relname, chr(10)) FROM pg_catalog.pg_partition_tree(i.indexrelid) t
                 JOIN pg_catalog.pg_class p ON p.oid = t.relid), x.relname) AS names
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
JOIN pg_catalog.pg_am m ON m.oid = x.relam
JOIN pg_catalog.pg_class c ON c.oid = i.indrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'm')
