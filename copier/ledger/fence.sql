-- Fences off every other run's writers of a table that is about to be emptied:
-- $1 schema, $2 name, $3 this run.
UPDATE _pg2db9.part SET epoch = epoch + 1, token = ''
 WHERE target_schema = $1 AND target_name = $2 AND run <> $3
