-- The server, the database and the role of this session. A GUC that a version
-- or a service does not have is ''. Versions: 13 to 18.
SELECT pg_catalog.version()::pg_catalog.text AS version,
       pg_catalog.current_setting('server_version_num')::pg_catalog.int4 AS version_num,
       pg_catalog.current_database()::pg_catalog.text AS database,
       pg_catalog.current_setting('server_encoding') AS encoding,
       d.datcollate::pg_catalog.text AS collate,
       d.datctype::pg_catalog.text AS ctype,
       COALESCE(pg_catalog.current_setting('lc_monetary', true), '') AS monetary,
       pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()) AS now,
       pg_catalog.date_part('epoch', pg_catalog.pg_postmaster_start_time()) AS started,
       pg_catalog.pg_is_in_recovery() AS in_recovery,
       r.rolname::pg_catalog.text AS role,
       r.rolsuper AS superuser,
       r.rolbypassrls AS bypass_rls,
       r.rolreplication AS replication,
       pg_catalog.pg_has_role(r.oid, 'pg_monitor', 'USAGE') OR pg_catalog.pg_has_role(r.oid, 'pg_read_all_stats', 'USAGE') AS monitor,
       COALESCE(pg_catalog.current_setting('wal_level', true), '') AS wal_level
FROM pg_catalog.pg_database d, pg_catalog.pg_roles r
WHERE d.datname = pg_catalog.current_database() AND r.rolname = CURRENT_USER
