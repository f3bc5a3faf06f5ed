-- Replication slots, what WAL they keep and how far back their xmin holds
-- vacuum. Versions: 13 to 18.
SELECT s.slot_name::pg_catalog.text AS name,
       COALESCE(s.plugin::pg_catalog.text, '') AS plugin,
       s.slot_type AS kind,
       COALESCE(s.database::pg_catalog.text, '') AS database,
       s.active AS active,
       GREATEST(COALESCE(pg_catalog.age(s.xmin), 0), COALESCE(pg_catalog.age(s.catalog_xmin), 0))::pg_catalog.int8 AS xmin_age,
       COALESCE(pg_catalog.pg_wal_lsn_diff(
         CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn() ELSE pg_catalog.pg_current_wal_lsn() END,
         s.restart_lsn), 0)::pg_catalog.int8 AS retained
FROM pg_catalog.pg_replication_slots s
ORDER BY 1
