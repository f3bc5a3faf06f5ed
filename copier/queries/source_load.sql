-- What the source guard looks at: how busy others keep the server, their oldest
-- transaction, and how far its replicas are behind, in bytes of WAL (of a
-- standby: itself, and who follows it). Sessions of this run have its role and
-- application name. What the role may not see is counted as hidden. Works on
-- 13 to 18.
WITH others AS (
    SELECT a.state, a.xact_start, a.query = '<insufficient privilege>' AS hidden
      FROM pg_catalog.pg_stat_activity a
     WHERE a.pid <> pg_catalog.pg_backend_pid()
       AND a.usesysid IS NOT NULL
       AND coalesce(a.backend_type, 'client backend') = 'client backend'
       AND NOT (a.usename = session_user AND a.application_name = pg_catalog.current_setting('application_name'))
), here AS (
    SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_receive_lsn() ELSE pg_catalog.pg_current_wal_lsn() END AS lsn
), senders AS (
    SELECT r.state, r.replay_lsn
      FROM pg_catalog.pg_stat_replication r
     WHERE r.state IS NULL OR r.state IN ('catchup', 'streaming')
)
SELECT (SELECT pg_catalog.count(*) FROM others WHERE state IN ('active', 'fastpath function call')) AS active,
       (SELECT coalesce(pg_catalog.max(pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - xact_start)), 0) FROM others)::float8 AS oldest,
       (SELECT pg_catalog.count(*) FROM others WHERE hidden) AS hidden,
       greatest(0,
         (SELECT pg_catalog.max(pg_catalog.pg_wal_lsn_diff(here.lsn, replay_lsn)) FROM senders, here),
         CASE WHEN pg_catalog.pg_is_in_recovery()
              THEN (SELECT pg_catalog.pg_wal_lsn_diff(here.lsn, pg_catalog.pg_last_wal_replay_lsn()) FROM here) END)::bigint AS lag,
       (SELECT pg_catalog.count(*) FROM senders WHERE state IS NULL) AS hidden_senders
