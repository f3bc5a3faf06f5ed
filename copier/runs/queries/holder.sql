-- The backend that keeps a snapshot on the source, if it lives. PostgreSQL 13
-- to 18.
SELECT coalesce(pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - xact_start), 0) AS held,
       coalesce(pg_catalog.age(backend_xmin), 0)::bigint AS xmin_age
  FROM pg_catalog.pg_stat_activity
 WHERE pid = $1 AND (backend_start::text = $2 OR $2 = '')
