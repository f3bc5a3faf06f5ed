-- Indexes of tables and materialized views, those behind constraints too.
-- indnullsnotdistinct came with 15. $1 asks for the sizes.
-- Versions: 13 to 18.
SELECT i.indexrelid::pg_catalog.int8 AS oid,
       i.indrelid::pg_catalog.int8 AS rel,
       c.relname::pg_catalog.text AS name,
       COALESCE(pg_catalog.pg_get_indexdef(i.indexrelid), '') AS def,
       am.amname::pg_catalog.text AS method,
       i.indisunique AS "unique",
       i.indisprimary AS "primary",
       COALESCE(k.conname::pg_catalog.text, '') AS "constraint",
       (i.indisvalid AND i.indisready AND i.indislive) AS valid,
       COALESCE(pg_catalog.pg_get_expr(i.indpred, i.indrelid), '') AS predicate,
       COALESCE((pg_catalog.to_jsonb(i) ->> 'indnullsnotdistinct')::pg_catalog.bool, false) AS nulls_not_distinct,
       i.indisclustered AS clustered,
       i.indisreplident AS replica_identity,
       c.reloptions AS options,
       COALESCE(sp.spcname::pg_catalog.text, '') AS tablespace,
       CASE WHEN $1::pg_catalog.bool AND c.relkind = 'i'
            THEN COALESCE(pg_catalog.pg_relation_size(c.oid), 0) ELSE 0 END AS bytes
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_class t ON t.oid = i.indrelid
JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
JOIN pg_catalog.pg_am am ON am.oid = c.relam
LEFT JOIN pg_catalog.pg_constraint k ON k.conindid = i.indexrelid AND k.conrelid = i.indrelid AND k.contype IN ('p', 'u', 'x')
LEFT JOIN pg_catalog.pg_tablespace sp ON sp.oid = c.reltablespace
WHERE (t.relkind IN ('r', 'p', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
       OR t.relkind = 'm' AND t.oid >= 16384)
  AND n.nspname NOT IN ('pg_toast', '_pg2db9', '_pg2db9_probe')
  AND n.nspname !~ '^pg_(toast_)?temp_[0-9]+$'
