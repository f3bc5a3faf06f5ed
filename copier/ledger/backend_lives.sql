-- Whether the backend $1 that started at $2 is still there. A start that may not
-- be seen (another role's session) counts as the one that is asked for.
SELECT EXISTS (SELECT FROM pg_catalog.pg_stat_activity WHERE pid = $1::bigint AND (backend_start IS NULL OR backend_start::text = $2))
