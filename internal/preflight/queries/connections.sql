-- How many more connections this role can open: what the server, the database
-- and the role leave free. numbackends is readable by everyone, the rows of
-- pg_stat_activity are not. Versions: 13 to 18 (reserved_connections from 16).
SELECT LEAST(
         pg_catalog.current_setting('max_connections')::pg_catalog.int8
           - pg_catalog.current_setting('superuser_reserved_connections')::pg_catalog.int8
           - COALESCE(pg_catalog.current_setting('reserved_connections', true), '0')::pg_catalog.int8
           - (SELECT pg_catalog.sum(numbackends) FROM pg_catalog.pg_stat_database),
         (SELECT CASE WHEN d.datconnlimit < 0 THEN NULL ELSE d.datconnlimit - s.numbackends END
          FROM pg_catalog.pg_database d JOIN pg_catalog.pg_stat_database s ON s.datid = d.oid
          WHERE d.datname = pg_catalog.current_database()),
         (SELECT CASE WHEN r.rolconnlimit < 0 THEN NULL
                      ELSE r.rolconnlimit - (SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_activity a WHERE a.usename = r.rolname) END
          FROM pg_catalog.pg_roles r WHERE r.rolname = CURRENT_USER)
       )::pg_catalog.int8 AS free
