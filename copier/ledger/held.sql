-- A condition: the part's row carries our epoch and this batch's token. It stands
-- in statements that take rows away, so that one which runs outside of its
-- transaction, or after a takeover, takes none.
:epoch = (SELECT p.epoch FROM _pg2db9.part p WHERE p.run = :run AND p.part = :part AND p.token = :token)
