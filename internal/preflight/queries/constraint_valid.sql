-- Whether the constraint $3 of the table $1.$2 holds for all of its rows: one that
-- was added NOT VALID does not say so. Works on PostgreSQL 13 to 18.
SELECT coalesce(bool_and(k.convalidated), true) AS valid
  FROM pg_catalog.pg_constraint k
  JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = $1 AND c.relname = $2 AND k.conname = $3
