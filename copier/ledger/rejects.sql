-- rejects
-- The numbers and digests of refused rows: of one part, or of all with part -1.
SELECT part, "row", digest
  FROM _pg2db9.reject
 WHERE run = $1 AND (part = $2 OR $2 < 0)
 ORDER BY part, "row"
