-- Which database of which server this is, without a privilege: the same
-- start time and database mean the same database, by whatever name it was
-- reached. A standby shares system identifier and OIDs with its primary.
-- Versions: 13 to 18.
SELECT d.oid::pg_catalog.int8 AS database_oid,
       d.datname::pg_catalog.text AS database,
       pg_catalog.date_part('epoch', pg_catalog.pg_postmaster_start_time()) AS started,
       pg_catalog.pg_is_in_recovery() AS in_recovery
FROM pg_catalog.pg_database d
WHERE d.datname = pg_catalog.current_database()
