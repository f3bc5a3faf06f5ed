-- Keys and included columns of indexes, one row each, in order. A collation or
-- operator class is given only where leaving it out would mean another one: an
-- operator class that is its access method's default for some type is no
-- default for a key whose own type has one of its own. What collation an
-- expression has by itself the catalog does not say, so there all but the
-- database's default is given. Versions: 13 to 18.
SELECT i.indexrelid::pg_catalog.int8 AS index,
       u.ord::pg_catalog.int4 AS ord,
       (u.ord > i.indnkeyatts) AS included,
       COALESCE(a.attname::pg_catalog.text, '') AS "column",
       CASE WHEN u.num = 0 THEN COALESCE(pg_catalog.pg_get_indexdef(i.indexrelid, u.ord::pg_catalog.int4, false), '')
            ELSE '' END AS expr,
       COALESCE(cn.nspname::pg_catalog.text, '') AS collation_schema,
       COALESCE(co.collname::pg_catalog.text, '') AS collation,
       COALESCE(opn.nspname::pg_catalog.text, '') AS opclass_schema,
       COALESCE(op.opcname::pg_catalog.text, '') AS opclass,
       COALESCE(i.indoption[u.ord - 1], 0)::pg_catalog.int4 AS option,
       ia.attoptions AS opclass_options
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_class t ON t.oid = i.indrelid
JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
CROSS JOIN LATERAL pg_catalog.unnest(i.indkey::pg_catalog.int2[]) WITH ORDINALITY u(num, ord)
JOIN pg_catalog.pg_attribute ia ON ia.attrelid = i.indexrelid AND ia.attnum = u.ord
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = u.num AND u.num <> 0
LEFT JOIN pg_catalog.pg_type kt ON kt.oid = COALESCE(a.atttypid, ia.atttypid)
LEFT JOIN pg_catalog.pg_collation co
       ON co.oid = i.indcollation[u.ord - 1] AND u.ord <= i.indnkeyatts
      AND co.oid <> COALESCE(a.attcollation, 'pg_catalog.default'::pg_catalog.regcollation)
LEFT JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace
LEFT JOIN pg_catalog.pg_opclass op
       ON op.oid = i.indclass[u.ord - 1] AND u.ord <= i.indnkeyatts
      AND NOT (op.opcdefault
               AND NOT EXISTS (SELECT FROM pg_catalog.pg_opclass o2
                               WHERE o2.opcmethod = op.opcmethod AND o2.opcdefault AND o2.oid <> op.oid
                                 AND o2.opcintype = COALESCE(NULLIF(kt.typbasetype, 0), kt.oid)))
LEFT JOIN pg_catalog.pg_namespace opn ON opn.oid = op.opcnamespace
WHERE (t.relkind IN ('r', 'p', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
       OR t.relkind = 'm' AND t.oid >= 16384)
  AND n.nspname NOT IN ('pg_toast', '_pg2db9', '_pg2db9_probe')
  AND n.nspname !~ '^pg_(toast_)?temp_[0-9]+$'
ORDER BY i.indexrelid, u.ord
