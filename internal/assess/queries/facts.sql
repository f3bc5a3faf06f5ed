-- What the source shows at this moment of features that DB9 lacks: advisory
-- locks held in this database, predicate locks of SERIALIZABLE transactions,
-- and the isolation level that transactions get. Versions: 13 to 18.
SELECT (SELECT pg_catalog.count(*) FROM pg_catalog.pg_locks l
        WHERE l.locktype = 'advisory' AND l.granted
          AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()))::pg_catalog.int8 AS advisory_locks,
       (SELECT pg_catalog.count(*) FROM pg_catalog.pg_locks l
        WHERE l.mode = 'SIReadLock'
          AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()))::pg_catalog.int8 AS predicate_locks,
       pg_catalog.current_setting('default_transaction_isolation') AS isolation
