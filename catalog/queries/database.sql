-- The database itself. search_path and began are read back: they are session.sql's
-- only inside the transaction that it ran in. money_zero is rendered by lc_monetary;
-- its digits tell how many stand after the point. Versions: 13 to 18.
SELECT pg_catalog.date_part('epoch', pg_catalog.transaction_timestamp()) AS began,
       pg_catalog.current_setting('server_version_num')::pg_catalog.int4 AS server_version,
       pg_catalog.current_setting('search_path') AS search_path,
       pg_catalog.current_setting('server_encoding') AS encoding,
       pg_catalog.pg_is_in_recovery() AS in_recovery,
       d.oid::pg_catalog.int8 AS oid,
       d.datname::pg_catalog.text AS name,
       COALESCE(d.datcollate::pg_catalog.text, '') AS collate,
       COALESCE(d.datctype::pg_catalog.text, '') AS ctype,
       0::pg_catalog.money::pg_catalog.text AS money_zero
FROM pg_catalog.pg_database d
WHERE d.datname = pg_catalog.current_database()
