-- Prepared transactions: they hold locks and xmin until somebody ends them.
-- Versions: 13 to 18.
SELECT p.gid::pg_catalog.text AS gid,
       p.owner::pg_catalog.text AS owner,
       p.database::pg_catalog.text AS database,
       pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - p.prepared) AS seconds,
       pg_catalog.age(p.transaction)::pg_catalog.int8 AS xmin_age
FROM pg_catalog.pg_prepared_xacts p
ORDER BY 4 DESC, 1
