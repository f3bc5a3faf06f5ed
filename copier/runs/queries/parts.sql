-- What the parts of each run add up to. Of a part that is under way as many of
-- its estimated bytes are counted as it has committed, but never more than all.
-- PostgreSQL 13 to 18, DB9.
SELECT p.run,
       CAST(count(*) AS bigint) AS parts,
       CAST(coalesce(sum(s.final), 0) AS bigint) AS done,
       CAST(coalesce(sum(CASE WHEN s.final = 0 THEN 1 ELSE 0 END), 0) AS bigint) AS begun,
       CAST(sum(CASE WHEN p.failed <> '' THEN 1 ELSE 0 END) AS bigint) AS failed,
       CAST(coalesce(sum(s.total), 0) AS bigint) AS rows_done,
       CAST(coalesce(sum(s.bytes), 0) AS bigint) AS bytes,
       CAST(sum(p.bytes) AS bigint) AS estimated,
       CAST(sum(CASE WHEN s.final = 1 THEN p.bytes WHEN s.bytes IS NULL THEN 0 WHEN s.bytes < p.bytes THEN s.bytes ELSE p.bytes END) AS bigint) AS estimated_done,
       CAST(EXTRACT(EPOCH FROM max(s.committed)) AS double precision) AS committed
  FROM _pg2db9.part p
  LEFT JOIN (SELECT run, part, sum(last - first) AS total, sum(bytes) AS bytes, max(CASE WHEN final THEN 1 ELSE 0 END) AS final, max(committed) AS committed
               FROM _pg2db9.span
              WHERE run = $1 OR $1 = ''
              GROUP BY run, part) s ON s.run = p.run AND s.part = p.part
 WHERE p.run = $1 OR $1 = ''
 GROUP BY p.run
