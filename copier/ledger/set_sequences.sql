-- Records where sequences were set, so that a later verification knows it when the
-- source's have gone on. :rows are rows of the five columns. Works on PostgreSQL 13
-- to 18 and on DB9.
INSERT INTO _pg2db9.sequence (target_schema, target_name, run, last_value, is_called)
VALUES :rows
ON CONFLICT (target_schema, target_name) DO UPDATE
SET run = excluded.run, last_value = excluded.last_value, is_called = excluded.is_called, changed = now()
