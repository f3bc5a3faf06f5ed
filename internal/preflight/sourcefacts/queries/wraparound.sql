-- How old the oldest transaction and multixact identifiers of each database
-- are: the server stops for want of new ones when any database comes near 2^31.
-- Oldest first. Versions: 13 to 18.
SELECT d.datname::pg_catalog.text AS database,
       pg_catalog.age(d.datfrozenxid)::pg_catalog.int8 AS xids,
       pg_catalog.mxid_age(d.datminmxid)::pg_catalog.int8 AS multixacts,
       pg_catalog.current_setting('autovacuum_freeze_max_age')::pg_catalog.int8 AS freeze_max_age
FROM pg_catalog.pg_database d
ORDER BY GREATEST(pg_catalog.age(d.datfrozenxid), pg_catalog.mxid_age(d.datminmxid)) DESC, 1
