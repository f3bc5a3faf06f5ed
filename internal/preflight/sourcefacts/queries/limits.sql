-- Limits of time that this session began with, and whether it could lift them:
-- reset_val is what the server, the database or the role gave it.
-- Versions: 13 to 18.
SELECT s.name::pg_catalog.text AS name,
       COALESCE(s.reset_val, '')::pg_catalog.text AS given,
       s.setting::pg_catalog.text AS now,
       s.source::pg_catalog.text AS source
FROM pg_catalog.pg_settings s
WHERE s.name IN ('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'idle_session_timeout', 'transaction_timeout')
  AND (s.reset_val <> '0' OR s.setting <> '0')
ORDER BY 1
