-- Forgets runs of tables that began more than $1 days ago, 1,000 at most at a
-- time, where a later one was good: the last good run of each table, and what came
-- behind it, stays. Minimum server: 13; DB9 bounds the rows of a transaction.
DELETE FROM _pg2db9.sync_history
WHERE (run, target_schema, target_name) IN (
    SELECT h.run, h.target_schema, h.target_name
    FROM _pg2db9.sync_history AS h
    WHERE h.began < now() - $1::integer * interval '1 day'
      AND EXISTS (
          SELECT 1
          FROM _pg2db9.sync_history AS g
          WHERE g.target_schema = h.target_schema AND g.target_name = h.target_name
            AND g.began > h.began AND g.verdict IN ('match', 'unverified')
      )
    LIMIT 1000
)
