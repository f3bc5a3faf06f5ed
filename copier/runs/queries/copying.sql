-- Rows and bytes that COPY has taken in transactions under way. PostgreSQL 14
-- to 18.
SELECT pid::bigint AS pid, bytes_processed::bigint AS bytes, tuples_processed::bigint AS tuples
  FROM pg_catalog.pg_stat_progress_copy
 WHERE datname = pg_catalog.current_database()
