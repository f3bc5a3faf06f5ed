-- Sessions of this run, other than the asking one, that hold a lock which the
-- given backend waits for.
SELECT a.pid::bigint, a.backend_start::text
  FROM pg_catalog.pg_stat_activity a
  JOIN _pg2db9.session s ON s.pid = a.pid AND s.backend_start = a.backend_start::text
 WHERE s.run = $1 AND a.pid = ANY (pg_catalog.pg_blocking_pids($2::integer))
