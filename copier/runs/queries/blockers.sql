-- Who the given sessions are, for people. PostgreSQL 13 to 18.
SELECT pid::bigint AS pid,
       coalesce(usename, '') AS role,
       coalesce(application_name, '') AS application,
       coalesce(client_addr::text, '') AS client,
       coalesce(state, '') AS state,
       coalesce(pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - coalesce(xact_start, state_change)), 0) AS since
  FROM pg_catalog.pg_stat_activity
 WHERE pid = ANY ($1::integer[])
 ORDER BY pid
