-- Runs of the command $1, other than $2, that nobody holds and that did not come to
-- their end; and those, of any command, of which only a part of the records is left:
-- whoever took them away was interrupted.
SELECT run FROM _pg2db9.run WHERE command = $1 AND run <> $2 AND (lease IS NULL OR lease <= now())
 UNION
SELECT x.run
  FROM (SELECT run FROM _pg2db9.part UNION SELECT run FROM _pg2db9.span UNION SELECT run FROM _pg2db9.session) x
  LEFT JOIN _pg2db9.run r ON r.run = x.run
 WHERE r.run IS NULL
 ORDER BY run
