-- A standby takes no writes. Versions: 13 to 18.
SELECT pg_catalog.pg_is_in_recovery()
