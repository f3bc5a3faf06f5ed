-- Marks the part's row with this batch's token. It changes no row when somebody
-- else has raised the epoch; it waits for any session that holds the row with a
-- batch of its own. The token goes when the transaction is rolled back.
UPDATE _pg2db9.part SET token = :token
 WHERE run = :run AND part = :part AND epoch = :epoch
