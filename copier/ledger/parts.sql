-- The parts of a run, as they were planned or cut further.
SELECT part, target_schema, target_name, relation_schema, relation_name, first_block, end_block, lower_key, upper_key, bytes, taken, epoch, failed
  FROM _pg2db9.part WHERE run = $1 ORDER BY part
