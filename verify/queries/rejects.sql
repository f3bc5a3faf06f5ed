-- The rows that the target refused while it was copied, of each table those of
-- the last run that loaded it. The two comments below stand for what is asked for
-- of each row itself, and for names of tables. Works on PostgreSQL 13 to 18 and on DB9.
SELECT j.target_schema, j.target_name, j.digest, j.columns, /* bytes */ AS bytes
FROM _pg2db9.reject j
JOIN _pg2db9.run r ON r.run = j.run
WHERE j.target_name IN (/* names */)
  AND NOT EXISTS (
    SELECT 1
    FROM _pg2db9.part p
    JOIN _pg2db9.run n ON n.run = p.run
    WHERE p.target_schema = j.target_schema
      AND p.target_name = j.target_name
      AND n.started > r.started
)
