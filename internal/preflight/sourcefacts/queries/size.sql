-- How many bytes the database takes. Versions: 13 to 18.
SELECT pg_catalog.pg_database_size(pg_catalog.current_database())::pg_catalog.int8
