-- Whether the target's ledger has a table of the positions that sequences were set
-- to: there may be no ledger, or an older one. Works on PostgreSQL 13 to 18 and on DB9.
SELECT count(*)::text
FROM information_schema.tables
WHERE table_schema = '_pg2db9' AND table_name = 'sequence'
