-- Steps that were begun, and not done. PostgreSQL 13 to 18, DB9.
SELECT run, step
  FROM _pg2db9.step
 WHERE state <> 'done' AND (run = $1 OR $1 = '')
 ORDER BY run, step
