-- Takes a run's lease: $1 run, $2 who takes it, $3 and $4 its backend here. It is
-- free when it was given back, when it ran out by this server's clock, or when
-- the owner seen ($6) was found to have no backend any more ($5).
UPDATE _pg2db9.run
   SET owner = $2, owner_pid = $3, owner_start = $4, lease = now() + interval '15 seconds', changed = now()
 WHERE run = $1 AND (owner = $2 OR lease IS NULL OR lease <= now() OR ($5::boolean AND owner = $6))
