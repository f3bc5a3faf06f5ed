-- Raises the epoch of a part: from the commit of this statement on, no writer
-- of an older epoch can record a batch, and so none can commit one. It waits
-- for a session that holds the row with a batch under way. Only the present
-- owner (:epoch) may do it to go on with its own part, or the same call again
-- (:token) whose answer was lost: a writer that was itself fenced off finds no
-- row, and must not come back.
UPDATE _pg2db9.part SET epoch = epoch + 1, token = :token
 WHERE run = :run AND part = :part AND (epoch = :epoch OR token = :token)
RETURNING epoch
