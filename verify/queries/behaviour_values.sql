-- Defaults, identities and generation expressions of tables: the expression,
-- the sequences that a default takes numbers from, quoted, with the number that
-- comes next, and whether it calls a function of somebody's that may act on more
-- than its result. Versions: 13 to 18.
SELECT n.nspname AS schema, c.relname AS "table", a.attname AS "column",
       pg_catalog.format_type(a.atttypid, a.atttypmod) AS type,
       CASE WHEN a.attgenerated <> '' THEN 'generated' WHEN a.attidentity <> '' THEN 'identity' ELSE 'default' END AS how,
       COALESCE(pg_catalog.pg_get_expr(d.adbin, d.adrelid), '') AS expression,
       COALESCE((SELECT pg_catalog.string_agg(DISTINCT pg_catalog.quote_ident(sn.nspname) || '.' || pg_catalog.quote_ident(s.relname), chr(10))
                 FROM pg_catalog.pg_depend p
                 JOIN pg_catalog.pg_class s ON s.relkind = 'S'
                  AND (p.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND p.objid = d.oid
                       AND p.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND p.refobjid = s.oid
                    OR p.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND p.objid = s.oid AND p.deptype = 'i'
                       AND p.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND p.refobjid = c.oid AND p.refobjsubid = a.attnum)
                 JOIN pg_catalog.pg_namespace sn ON sn.oid = s.relnamespace), '') AS sequences,
       EXISTS (SELECT FROM pg_catalog.pg_depend p
               JOIN pg_catalog.pg_proc f ON p.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND f.oid = p.refobjid
               JOIN pg_catalog.pg_language l ON l.oid = f.prolang
               WHERE p.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND p.objid = d.oid
                 AND f.provolatile = 'v' AND l.lanname NOT IN ('internal', 'c')) AS acts
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p')
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attnum > 0 AND NOT a.attisdropped AND (d.oid IS NOT NULL OR a.attidentity <> '')
