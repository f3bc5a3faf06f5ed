-- Transactions of others that are open for longer than $1 seconds, oldest first.
-- Those of other roles show without pg_read_all_stats as a process and nothing
-- else: they are counted as hidden. No statement's text: it may hold a secret.
-- Versions: 13 to 18.
SELECT a.pid::pg_catalog.int8 AS pid,
       COALESCE(a.usename::pg_catalog.text, '') AS role,
       COALESCE(a.datname::pg_catalog.text, '') AS database,
       COALESCE(a.application_name, '') AS application,
       COALESCE(a.state, '') AS state,
       COALESCE(pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - a.xact_start), 0) AS seconds,
       COALESCE(pg_catalog.age(a.backend_xmin), 0)::pg_catalog.int8 AS xmin_age,
       false AS hidden
FROM pg_catalog.pg_stat_activity a
WHERE a.pid <> pg_catalog.pg_backend_pid()
  AND a.backend_type = 'client backend'
  AND a.xact_start < pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => $1::pg_catalog.float8)
UNION ALL
SELECT a.pid::pg_catalog.int8, '', '', '', '', 0, 0, true
FROM pg_catalog.pg_stat_activity a
WHERE a.backend_type IS NULL AND a.usename IS NOT NULL AND a.pid <> pg_catalog.pg_backend_pid()
ORDER BY 6 DESC, 1
