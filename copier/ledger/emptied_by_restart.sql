-- Whether the server was restarted since $1 (a text that an earlier read gave),
-- and which tables a crash would have emptied: those that are not logged.
-- Works on PostgreSQL 13 to 18.
SELECT pg_catalog.pg_postmaster_start_time()::text AS started,
       ARRAY(SELECT n.nspname || '.' || c.relname
               FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
              WHERE c.relpersistence = 'u' AND c.relkind = 'r'
                AND pg_catalog.pg_postmaster_start_time()::text <> $1) AS emptied
