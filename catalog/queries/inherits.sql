-- Parents of tables (inheritance and partitions) and of indexes, in order.
-- Versions: 13 to 18.
SELECT i.inhrelid::pg_catalog.int8 AS child,
       n.nspname::pg_catalog.text AS schema,
       p.relname::pg_catalog.text AS name
FROM pg_catalog.pg_inherits i
JOIN pg_catalog.pg_class p ON p.oid = i.inhparent
JOIN pg_catalog.pg_namespace n ON n.oid = p.relnamespace
ORDER BY i.inhrelid, i.inhseqno
