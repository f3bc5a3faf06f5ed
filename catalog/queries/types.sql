-- Every pair of type and modifier that a column of a table or view, a
-- composite's field, a domain's base, a range's subtype or a routine's argument or result has (and
-- the states of aggregates), so that format_type runs once per pair, not per column.
-- An array is told by its element's typarray: int2vector and name have
-- elements too, and are none. An array, a multirange and a row type belong to
-- the extension of their element, range or table; 17 and later say so only
-- there. format_type reads what stands now: changed says that the type was
-- dropped or renamed since. Versions: 13 to 18.
WITH used (typid, typmod) AS (
    SELECT a.atttypid, a.atttypmod
    FROM pg_catalog.pg_attribute a
    JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE (c.relkind IN ('r', 'p', 'f', 'c') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
           OR c.relkind IN ('v', 'm') AND c.oid >= 16384)
      AND a.attnum > 0 AND NOT a.attisdropped
      AND n.nspname NOT IN ('pg_toast', '_pg2db9', '_pg2db9_probe')
      AND n.nspname !~ '^pg_(toast_)?temp_[0-9]+$'
    UNION
    SELECT t.typbasetype, t.typtypmod
    FROM pg_catalog.pg_type t
    WHERE t.typtype = 'd'
    UNION
    SELECT u.typ, -1
    FROM pg_catalog.pg_proc p
    LEFT JOIN pg_catalog.pg_aggregate a ON a.aggfnoid = p.oid
    CROSS JOIN LATERAL pg_catalog.unnest(COALESCE(p.proallargtypes, p.proargtypes::pg_catalog.oid[])
                                         || p.prorettype || a.aggtranstype || a.aggmtranstype) u(typ)
    WHERE p.oid >= 16384
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                      WHERE e.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND e.objid = p.oid AND e.deptype IN ('e', 'i'))
    UNION
    SELECT r.rngsubtype, -1
    FROM pg_catalog.pg_range r
    WHERE r.rngtypid >= 16384
)
SELECT u.typid::pg_catalog.int8 AS oid,
       u.typmod AS mod,
       pg_catalog.format_type(u.typid, u.typmod) AS text,
       (el.oid IS NOT NULL) AS is_array,
       n.nspname::pg_catalog.text AS schema,
       b.typname::pg_catalog.text AS name,
       b.typtype::pg_catalog.text AS kind,
       (n.nspname <> 'pg_catalog'
          AND pg_catalog.format_type(b.oid, NULL) <> pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(b.typname)) AS changed,
       COALESCE((SELECT x.extname::pg_catalog.text
                 FROM pg_catalog.pg_depend e
                 JOIN pg_catalog.pg_extension x ON x.oid = e.refobjid
                 WHERE e.deptype = 'e'
                   AND e.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
                   AND ((e.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND e.objid = b.oid)
                     OR (e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND e.objid = b.typrelid)
                     OR (e.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND e.objid IN (
                             SELECT r.rngtypid FROM pg_catalog.pg_range r
                             WHERE b.typtype = 'm'
                               AND (pg_catalog.to_jsonb(r) ->> 'rngmultitypid')::pg_catalog.oid = b.oid)))
                 LIMIT 1), '') AS extension
FROM used u
JOIN pg_catalog.pg_type t ON t.oid = u.typid
LEFT JOIN pg_catalog.pg_type el ON el.oid = t.typelem AND el.typarray = t.oid
JOIN pg_catalog.pg_type b ON b.oid = COALESCE(el.oid, t.oid)
JOIN pg_catalog.pg_namespace n ON n.oid = b.typnamespace
