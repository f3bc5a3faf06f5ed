-- Records a batch. The subselect gives NULL, which the column refuses (23502),
--   unless the part's row still carries our epoch (nobody took the part over)
--   and this batch's token (the transaction that holds the rows is this one),
--   and unless the batch before it is recorded (or this is the first).
-- The primary key refuses (23505) a batch that is recorded already.
INSERT INTO _pg2db9.span (run, part, first, last, bytes, digest, final, epoch)
VALUES (:run, :part, :first, :last, :bytes, :digest, :final,
  (SELECT p.epoch FROM _pg2db9.part p
    WHERE p.run = :run AND p.part = :part AND p.epoch = :epoch AND p.token = :token
      AND (:first = 0 OR EXISTS (SELECT 1 FROM _pg2db9.span s
            WHERE s.run = :run AND s.part = :part AND s.last = :first))))
