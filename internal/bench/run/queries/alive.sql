-- Whether the session that made the marker is still there. Pids come again: the
-- moment when it began tells it apart.
SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_stat_activity WHERE pid = CAST($1 AS integer) AND backend_start::text = $2)
