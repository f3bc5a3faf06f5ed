-- What decides whether a standby cancels a long read. Versions: 13 to 18.
SELECT pg_catalog.current_setting('hot_standby_feedback') = 'on' AS feedback,
       (SELECT s.setting::pg_catalog.int8 FROM pg_catalog.pg_settings s WHERE s.name = 'max_standby_streaming_delay') AS streaming_delay_ms,
       (SELECT s.setting::pg_catalog.int8 FROM pg_catalog.pg_settings s WHERE s.name = 'max_standby_archive_delay') AS archive_delay_ms,
       COALESCE(pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - pg_catalog.pg_last_xact_replay_timestamp()), -1) AS behind_seconds
