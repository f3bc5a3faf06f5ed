-- reject
-- Records a row that the target refused, before the span that it is taken out
--   of. The table's name is fed by the part's row while that carries our epoch
--   and this batch's token, else it is NULL, which the columns refuse (23502): so
--   no row is recorded outside of its batch's transaction.
INSERT INTO _pg2db9.reject (run, part, "row", target_schema, target_name, key, sqlstate, message, length, digest, bytes, columns)
VALUES (:run, :part, :row,
  (SELECT p.target_schema FROM _pg2db9.part p WHERE p.run = :run AND p.part = :part AND p.epoch = :epoch AND p.token = :token),
  (SELECT p.target_name FROM _pg2db9.part p WHERE p.run = :run AND p.part = :part AND p.epoch = :epoch AND p.token = :token),
  :values)
