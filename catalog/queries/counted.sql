-- What is only counted, or lies outside of the catalogs of others.sql: large
-- objects and their comments, subscriptions. Of pg_subscription only columns
-- that everybody may read. Versions: 13 to 18.
SELECT 'large object' AS kind, '' AS name, pg_catalog.count(*) AS count
FROM pg_catalog.pg_largeobject_metadata
UNION ALL
SELECT 'comment on large object', '', pg_catalog.count(*)
FROM pg_catalog.pg_description d
WHERE d.classoid = 'pg_catalog.pg_largeobject'::pg_catalog.regclass
UNION ALL
SELECT 'subscription', s.subname::pg_catalog.text, 0
FROM pg_catalog.pg_subscription s
JOIN pg_catalog.pg_database d ON d.oid = s.subdbid AND d.datname = pg_catalog.current_database()
