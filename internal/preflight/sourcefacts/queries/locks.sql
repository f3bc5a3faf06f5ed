-- How many locks the server has room for, and how many tables of the user's
-- there are to lock. Versions: 13 to 18.
SELECT pg_catalog.current_setting('max_locks_per_transaction')::pg_catalog.int8 AS per_transaction,
       pg_catalog.current_setting('max_locks_per_transaction')::pg_catalog.int8
         * (pg_catalog.current_setting('max_connections')::pg_catalog.int8
            + pg_catalog.current_setting('max_prepared_transactions')::pg_catalog.int8) AS room,
       (SELECT pg_catalog.count(*) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', '_pg2db9', '_pg2db9_probe'))::pg_catalog.int8 AS tables
