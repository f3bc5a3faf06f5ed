-- How many tables of the user's such a target holds.
SELECT count(*)
FROM information_schema.tables
WHERE table_type::text = 'BASE TABLE'
  AND table_schema::text NOT IN ('pg_catalog', 'information_schema', '_pg2db9', '_pg2db9_probe', 'cron', 'extensions')
