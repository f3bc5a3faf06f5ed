-- Who waits for ACCESS EXCLUSIVE on a table that one of our backends ($1) has
-- locked. Works on 13 to 18.
SELECT held.pid::bigint AS ours,
       w.pid::bigint AS waiter,
       w.relation::bigint AS relation,
       coalesce(n.nspname || '.' || c.relname, w.relation::text) AS name
  FROM pg_catalog.pg_locks w
  JOIN pg_catalog.pg_locks held ON held.locktype = 'relation' AND held.database = w.database AND held.relation = w.relation
                               AND held.granted AND held.pid = ANY ($1::bigint[])
  LEFT JOIN pg_catalog.pg_class c ON c.oid = w.relation
  LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE w.locktype = 'relation' AND NOT w.granted AND w.mode = 'AccessExclusiveLock'
   AND w.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
