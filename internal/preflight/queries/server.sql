-- What a server says of itself and of this session. Versions: 13 to 18.
SELECT pg_catalog.version() AS version,
       pg_catalog.current_setting('server_version_num')::pg_catalog.int4 AS version_num,
       pg_catalog.current_setting('server_encoding') AS encoding,
       (pg_catalog.current_setting('transaction_read_only') = 'on') AS read_only,
       CURRENT_USER::pg_catalog.text AS role
