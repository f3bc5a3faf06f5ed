-- Parts whose tables were given up, and why. PostgreSQL 13 to 18, DB9.
SELECT run, part, target_schema, target_name, failed
  FROM _pg2db9.part
 WHERE failed <> '' AND (run = $1 OR $1 = '')
 ORDER BY run, part
