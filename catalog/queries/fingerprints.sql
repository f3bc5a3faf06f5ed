-- What must not change of a table between the snapshot and its lock. A table
-- is looked up by OID ($3, 0 for none) and, where that is gone, by name.
-- relfilenode is read as a column: under a snapshot it is the snapshot's,
-- while pg_relation_filenode() and format_type() read the live catalog.
-- Versions: 13 to 18.
WITH wanted (schema, name, oid, ord) AS (
    SELECT u.schema, u.name, u.oid, u.ord
    FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.text[]),
                    pg_catalog.unnest($3::pg_catalog.int8[])) WITH ORDINALITY u(schema, name, oid, ord)
), found (ord, oid) AS (
    SELECT w.ord,
           COALESCE((SELECT c.oid FROM pg_catalog.pg_class c WHERE c.oid = w.oid::pg_catalog.oid),
                    (SELECT c.oid
                     FROM pg_catalog.pg_class c
                     JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                     WHERE n.nspname = w.schema AND c.relname = w.name))
    FROM wanted w
)
SELECT f.ord::pg_catalog.int4 AS ord,
       c.oid::pg_catalog.int8 AS oid,
       n.nspname::pg_catalog.text AS schema,
       c.relname::pg_catalog.text AS name,
       c.relkind::pg_catalog.text AS kind,
       c.relfilenode::pg_catalog.int8 AS filenode,
       a.nums, a.names, a.types, a.mods, a.texts,
       p.oids AS parent_oids, p.names AS parent_names,
       k.oids AS child_oids, k.names AS child_names
FROM found f
JOIN pg_catalog.pg_class c ON c.oid = f.oid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (
    SELECT pg_catalog.array_agg(a.attnum::pg_catalog.int4 ORDER BY a.attnum) AS nums,
           pg_catalog.array_agg(a.attname::pg_catalog.text ORDER BY a.attnum) AS names,
           pg_catalog.array_agg(a.atttypid::pg_catalog.int8 ORDER BY a.attnum) AS types,
           pg_catalog.array_agg(a.atttypmod ORDER BY a.attnum) AS mods,
           pg_catalog.array_agg(pg_catalog.format_type(a.atttypid, a.atttypmod) ORDER BY a.attnum) AS texts
    FROM pg_catalog.pg_attribute a
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
) a
CROSS JOIN LATERAL (
    SELECT pg_catalog.array_agg(i.inhparent::pg_catalog.int8 ORDER BY i.inhparent) AS oids,
           pg_catalog.array_agg(rn.nspname || '.' || r.relname ORDER BY i.inhparent) AS names
    FROM pg_catalog.pg_inherits i
    JOIN pg_catalog.pg_class r ON r.oid = i.inhparent
    JOIN pg_catalog.pg_namespace rn ON rn.oid = r.relnamespace
    WHERE i.inhrelid = c.oid
) p
CROSS JOIN LATERAL (
    SELECT pg_catalog.array_agg(i.inhrelid::pg_catalog.int8 ORDER BY i.inhrelid) AS oids,
           pg_catalog.array_agg(rn.nspname || '.' || r.relname ORDER BY i.inhrelid) AS names
    FROM pg_catalog.pg_inherits i
    JOIN pg_catalog.pg_class r ON r.oid = i.inhrelid
    JOIN pg_catalog.pg_namespace rn ON rn.oid = r.relnamespace
    WHERE i.inhparent = c.oid
) k
ORDER BY f.ord
