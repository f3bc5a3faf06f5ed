-- Sizes of the tables of the given schemas that are stored as heaps, in bytes:
-- heap, TOAST, and one block. From the file system, not from statistics.
--
-- $1: schema names. Minimum server: 13, PostgreSQL itself.
SELECT n.nspname::text AS schema_name,
       c.relname::text AS table_name,
       coalesce(pg_catalog.pg_relation_size(c.oid), 0)::bigint AS heap_bytes,
       coalesce(pg_catalog.pg_relation_size(nullif(c.reltoastrelid, 0)), 0)::bigint AS toast_bytes,
       pg_catalog.current_setting('block_size')::bigint AS block_bytes
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_am AS m ON m.oid = c.relam
WHERE c.relkind = 'r' AND m.amname = 'heap' AND n.nspname::text = ANY ($1::text[])
