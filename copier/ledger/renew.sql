-- Renews the lease of a run ($1) that is still ours ($2), from the backend $3 of
-- the start $4.
UPDATE _pg2db9.run SET lease = now() + interval '15 seconds', owner_pid = $3, owner_start = $4, changed = now()
 WHERE run = $1 AND owner = $2
