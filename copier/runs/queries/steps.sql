-- Steps after the rows that are not done, and how many are. PostgreSQL 13 to
-- 18, DB9.
SELECT run, state, CASE WHEN state = 'done' THEN '' ELSE step END AS step, max(error) AS error, CAST(count(*) AS bigint) AS n
  FROM _pg2db9.step
 WHERE run = $1 OR $1 = ''
 GROUP BY run, state, CASE WHEN state = 'done' THEN '' ELSE step END
 ORDER BY 1, 2, 3
