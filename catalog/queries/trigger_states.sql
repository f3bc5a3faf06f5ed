-- Partitions on which the copy of a partitioned table's trigger is enabled in
-- another way than the trigger itself, however deep. Versions: 13 to 18.
WITH RECURSIVE copy (root, oid, relid, enabled) AS (
    SELECT g.tgparentid, g.oid, g.tgrelid, g.tgenabled
    FROM pg_catalog.pg_trigger g
    JOIN pg_catalog.pg_trigger up ON up.oid = g.tgparentid AND up.tgparentid = 0 AND NOT up.tgisinternal
    UNION ALL
    SELECT copy.root, g.oid, g.tgrelid, g.tgenabled
    FROM copy
    JOIN pg_catalog.pg_trigger g ON g.tgparentid = copy.oid
)
SELECT copy.root::pg_catalog.int8 AS root,
       n.nspname::pg_catalog.text AS schema,
       c.relname::pg_catalog.text AS name,
       copy.enabled::pg_catalog.text AS enabled
FROM copy
JOIN pg_catalog.pg_trigger g ON g.oid = copy.root
JOIN pg_catalog.pg_class c ON c.oid = copy.relid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE copy.enabled <> g.tgenabled
