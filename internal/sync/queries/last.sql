-- The last run of each table, who is at work on it, and when its last good one ended:
-- behind SELECT and the columns of sync_history AS h. The history is passed over
-- twice, however long it is. Minimum server: 13; nothing that DB9 lacks.
, coalesce((
        SELECT r.owner FROM _pg2db9.run AS r WHERE r.run = h.run AND r.lease > now() AND h.ended IS NULL
    ), ''), n.success
FROM _pg2db9.sync_history AS h
JOIN (
    SELECT g.target_schema, g.target_name, max(g.began) AS began, max(CASE WHEN g.verdict IN ('match', 'unverified') THEN g.ended END) AS success
    FROM _pg2db9.sync_history AS g
    GROUP BY g.target_schema, g.target_name
) AS n ON n.target_schema = h.target_schema AND n.target_name = h.target_name AND n.began = h.began
ORDER BY h.run DESC
