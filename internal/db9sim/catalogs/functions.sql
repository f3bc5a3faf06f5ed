-- Functions of pg_catalog that take the OID of an object: all forms of each
-- name, with the types of their parameters. Those of other names take or give
-- OIDs that clients do not have from catalogs. Versions: 13 to 18.
SELECT p.proname,
       pg_catalog.array_to_string(ARRAY(SELECT t.typname FROM pg_catalog.unnest(p.proargtypes::pg_catalog.oid[]) WITH ORDINALITY u (oid, n)
                                        JOIN pg_catalog.pg_type t ON t.oid = u.oid ORDER BY u.n), ',') AS args,
       pg_catalog.format_type(p.prorettype, NULL) AS result
FROM pg_catalog.pg_proc p
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace AND n.nspname = 'pg_catalog'
WHERE p.prokind = 'f' AND NOT p.proretset AND p.provariadic = 0
  AND (p.proname LIKE 'pg\_get\_%' AND p.proname NOT LIKE 'pg\_get\_replica%' OR p.proname LIKE 'has\_%\_privilege' OR p.proname LIKE 'pg\_%\_is\_visible'
       OR p.proname IN ('format_type', 'obj_description', 'col_description', 'shobj_description', 'pg_relation_size',
                        'pg_table_size', 'pg_total_relation_size', 'pg_indexes_size', 'pg_relation_is_publishable',
                        'row_security_active', 'pg_sequence_last_value', 'pg_database_size', 'pg_index_column_has_property'))
  AND EXISTS (SELECT FROM pg_catalog.pg_proc o
              WHERE o.proname = p.proname AND o.pronamespace = p.pronamespace
                AND o.proargtypes::pg_catalog.oid[] && ARRAY['oid'::pg_catalog.regtype, 'regclass'::pg_catalog.regtype]::pg_catalog.oid[])
ORDER BY 1, 2
