-- The cluster's identifier. Some managed servers do not let a role ask for it:
-- then the start time decides. Versions: 13 to 18.
SELECT system_identifier::pg_catalog.text FROM pg_catalog.pg_control_system()
