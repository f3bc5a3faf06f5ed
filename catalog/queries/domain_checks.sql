-- Checks of domains. The NOT NULL rows that 17 and later keep here too say no
-- more than typnotnull and are left out. Versions: 13 to 18.
SELECT k.oid::pg_catalog.int8 AS oid,
       k.contypid::pg_catalog.int8 AS domain,
       k.conname::pg_catalog.text AS name,
       COALESCE(pg_catalog.pg_get_constraintdef(k.oid), '') AS def,
       k.convalidated AS validated
FROM pg_catalog.pg_constraint k
WHERE k.contypid <> 0 AND k.contype = 'c'
