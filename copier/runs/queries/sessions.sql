-- The sessions of pg2db9 in this database, by the name that they give ($1), with
-- what each does and waits for; not the one that asks. PostgreSQL 13 to 18.
SELECT a.pid::bigint AS pid,
       coalesce(a.state, '') AS state,
       coalesce(a.wait_event_type, '') AS wait_type,
       coalesce(a.wait_event, '') AS wait_event,
       coalesce(pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - a.state_change), 0) AS since,
       coalesce(pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - a.xact_start), 0) AS transaction,
       coalesce(pg_catalog.age(a.backend_xmin), 0)::bigint AS xmin_age,
       a.backend_start::text AS started,
       CASE WHEN a.wait_event_type = 'Lock' THEN pg_catalog.pg_blocking_pids(a.pid) ELSE '{}' END::bigint[] AS blocked_by,
       coalesce((SELECT l.mode || ' on ' || coalesce(l.relation::pg_catalog.regclass::text, l.locktype)
                   FROM pg_catalog.pg_locks l
                  WHERE l.pid = a.pid AND NOT l.granted
                  LIMIT 1), '') AS lock
  FROM pg_catalog.pg_stat_activity a
 WHERE a.application_name = $1 AND a.datname = pg_catalog.current_database() AND a.pid <> pg_catalog.pg_backend_pid()
 ORDER BY a.backend_start, a.pid
