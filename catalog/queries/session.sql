-- Settings under which the server renders names, expressions and constants the
-- same way everywhere. All are local to the caller's transaction: nothing
-- outlives it. began is compared with database.sql's: where they differ, there
-- is no transaction, and the settings are gone. Versions: 13 to 18.
SELECT pg_catalog.date_part('epoch', pg_catalog.transaction_timestamp()) AS began,
       pg_catalog.set_config('search_path', '', true) AS search_path,
       pg_catalog.set_config('quote_all_identifiers', 'off', true) AS quote_all_identifiers,
       pg_catalog.set_config('standard_conforming_strings', 'on', true) AS standard_conforming_strings,
       pg_catalog.set_config('DateStyle', 'ISO, MDY', true) AS datestyle,
       pg_catalog.set_config('IntervalStyle', 'postgres', true) AS intervalstyle,
       pg_catalog.set_config('TimeZone', 'UTC', true) AS timezone,
       pg_catalog.set_config('extra_float_digits', '3', true) AS extra_float_digits,
       pg_catalog.set_config('bytea_output', 'hex', true) AS bytea_output
