-- Raises the epochs of the parts $2 to $3 of a run that this process holds the
-- lease of: from the commit of this statement on no writer before it can record
-- a batch, and so none can commit one. It waits for sessions that hold a row.
UPDATE _pg2db9.part SET epoch = epoch + 1, token = '' WHERE run = $1 AND part BETWEEN $2 AND $3
RETURNING part, epoch
