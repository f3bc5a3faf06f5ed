-- Who holds the lease of run $1, and until when.
SELECT owner, owner_pid, owner_start, coalesce(lease::text, ''), coalesce(lease > now(), false)
  FROM _pg2db9.run WHERE run = $1
