-- All runs of the ledger, the last begun first.
SELECT run, command, tool, source, profile, schema_hash, plan_hash, options, snapshot, taken,
       kept_snapshot, kept_by, kept_pid, kept_start, target_started, state, owner, started, changed
  FROM _pg2db9.run ORDER BY started DESC, run DESC
