-- Rows that the target refused, by table. PostgreSQL 13 to 18, DB9.
SELECT run, target_schema, target_name, CAST(count(*) AS bigint) AS n
  FROM _pg2db9.reject
 WHERE run = $1 OR $1 = ''
 GROUP BY run, target_schema, target_name
 ORDER BY run, target_schema, target_name
