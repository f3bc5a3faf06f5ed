-- Runs, newest first; one with its id. Times are seconds since 1970 by the
-- target's own clock: no other is asked, and no server's way to print a time
-- matters. PostgreSQL 13 to 18, DB9.
SELECT run, command, tool, source, profile, options, state, snapshot, taken, kept_snapshot, kept_by, kept_pid, kept_start,
       owner, owner_pid, owner_start,
       CAST(EXTRACT(EPOCH FROM lease) AS double precision) AS lease,
       CAST(EXTRACT(EPOCH FROM started) AS double precision) AS started,
       CAST(EXTRACT(EPOCH FROM changed) AS double precision) AS changed,
       CAST(EXTRACT(EPOCH FROM now()) AS double precision) AS asked
  FROM _pg2db9.run
 WHERE run = $1 OR $1 = ''
 ORDER BY started DESC, run DESC
