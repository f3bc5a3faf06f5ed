-- Where the target's sequences were set, as the ledger has it: a source in use has
-- gone on since. Works on PostgreSQL 13 to 18 and on DB9.
SELECT target_schema, target_name, last_value::text, is_called::text
FROM _pg2db9.sequence
