-- The cluster's identifier; not for every role of a managed server. Versions: 13 to 18.
SELECT system_identifier::pg_catalog.text FROM pg_catalog.pg_control_system()
