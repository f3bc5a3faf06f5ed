-- Raises the epoch of a part: from the commit of this statement on, no writer
-- of an older epoch can record a batch, and so none can commit one. It waits
-- for a session that holds the row with a batch under way.
UPDATE _pg2db9.part SET epoch = epoch + 1, token = ''
 WHERE run = :run AND part = :part
RETURNING epoch
