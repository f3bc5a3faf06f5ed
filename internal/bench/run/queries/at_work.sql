-- How many sessions of this measurement the server works for, and how many of
-- them wait for the network in the direction of the rows. From 10 on; where the
-- role may not see wait events, or there are none, waiting is NULL.
SELECT count(*) FILTER (WHERE state = 'active'),
       count(*) FILTER (WHERE state = 'active' AND wait_event_type = 'Client'),
       count(*) FILTER (WHERE state IS NOT NULL)
FROM pg_catalog.pg_stat_activity
WHERE application_name = $1 AND datname = pg_catalog.current_database() AND pid <> pg_catalog.pg_backend_pid()
