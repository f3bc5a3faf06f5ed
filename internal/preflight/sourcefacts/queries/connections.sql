-- What bounds the connections of this role, and how many are open. numbackends
-- is for everyone to read, the rows of pg_stat_activity are not; -1 is no limit.
-- Versions: 13 to 18 (reserved_connections from 16).
SELECT pg_catalog.current_setting('max_connections')::pg_catalog.int8 AS most,
       pg_catalog.current_setting('superuser_reserved_connections')::pg_catalog.int8
         + COALESCE(pg_catalog.current_setting('reserved_connections', true), '0')::pg_catalog.int8 AS reserved,
       (SELECT pg_catalog.sum(numbackends) FROM pg_catalog.pg_stat_database)::pg_catalog.int8 AS used,
       (SELECT d.datconnlimit FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())::pg_catalog.int8 AS database_limit,
       (SELECT s.numbackends FROM pg_catalog.pg_stat_database s WHERE s.datname = pg_catalog.current_database())::pg_catalog.int8 AS database_used,
       (SELECT r.rolconnlimit FROM pg_catalog.pg_roles r WHERE r.rolname = CURRENT_USER)::pg_catalog.int8 AS role_limit,
       (SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_activity a WHERE a.usename = CURRENT_USER)::pg_catalog.int8 AS role_used
