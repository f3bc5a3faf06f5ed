-- All recorded batches of a run, in order. It is believed only after the part
-- was taken over, or after the durable commit.
SELECT part, first, last, bytes, digest, final
  FROM _pg2db9.span
 WHERE run = $1 AND (part = $2 OR $2 < 0)
 ORDER BY part, first
