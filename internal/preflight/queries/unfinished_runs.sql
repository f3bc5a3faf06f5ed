-- Runs of pg2db9 into this target that did not come to their end.
SELECT run, state FROM _pg2db9.run WHERE state NOT IN ('loaded', 'done') ORDER BY run
