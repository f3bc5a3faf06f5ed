-- How many table locks may be taken: half of what the shared lock table has
-- room for, less what is in use. Works on 13 to 18.
SELECT greatest(0,
         pg_catalog.current_setting('max_locks_per_transaction')::integer
         * (pg_catalog.current_setting('max_connections')::integer
            + pg_catalog.current_setting('max_prepared_transactions')::integer)
         / 2
         - (SELECT pg_catalog.count(*) FROM pg_catalog.pg_locks))::integer
