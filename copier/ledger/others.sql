-- The run, other than $1, that somebody holds by this server's clock and that
-- began first.
SELECT run, command, owner, owner_pid, owner_start, lease::text
  FROM _pg2db9.run
 WHERE run <> $1 AND lease > now()
 ORDER BY started, run LIMIT 1
