-- What CREATE EXTENSION can install on the target. Versions: 13 to 18.
SELECT name::pg_catalog.text FROM pg_catalog.pg_available_extensions ORDER BY 1
