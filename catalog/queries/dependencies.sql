-- Edges of pg_depend: from each object of the user's to the members of
-- extensions that it needs, and between objects of the user's where one cannot
-- be dropped without the other. A default stands for its column, the rule of a
-- view for the view, a row type for its table, an array for its element, members
-- of an operator class or family for that. Edges that an object has to parts of
-- itself or to its schema, automatic and internal ones are left out, save those
-- to extensions.
-- What lies in the user's objects is told by catalog and OID, which the reader
-- has names for; the members of extensions are named here. Versions: 13 to 18.
WITH member (classid, objid, extname) AS (
    SELECT e.classid, e.objid, x.extname
    FROM pg_catalog.pg_depend e
    JOIN pg_catalog.pg_extension x ON x.oid = e.refobjid
    WHERE e.deptype = 'e' AND e.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
), edge (classid, objid, objsubid, refclassid, refobjid, deptype) AS (
    SELECT CASE WHEN a.oid IS NOT NULL OR r.oid IS NOT NULL THEN 'pg_catalog.pg_class'::pg_catalog.regclass
                WHEN m.refclassid IS NOT NULL THEN m.refclassid ELSE d.classid END,
           COALESCE(a.adrelid, r.ev_class, m.refobjid, d.objid),
           COALESCE(a.adnum, CASE WHEN d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass THEN d.objsubid ELSE 0 END),
           CASE WHEN COALESCE(el.typrelid, t.typrelid, 0) <> 0 THEN 'pg_catalog.pg_class'::pg_catalog.regclass ELSE d.refclassid END,
           COALESCE(NULLIF(COALESCE(el.typrelid, t.typrelid), 0), el.oid, d.refobjid), d.deptype
    FROM pg_catalog.pg_depend d
    LEFT JOIN pg_catalog.pg_attrdef a ON d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND a.oid = d.objid
    LEFT JOIN pg_catalog.pg_rewrite r ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND r.oid = d.objid AND r.rulename = '_RETURN'
    LEFT JOIN pg_catalog.pg_depend m
           ON d.classid IN ('pg_catalog.pg_amop'::pg_catalog.regclass, 'pg_catalog.pg_amproc'::pg_catalog.regclass)
          AND m.classid = d.classid AND m.objid = d.objid AND m.deptype IN ('i', 'a')
          AND m.refclassid IN ('pg_catalog.pg_opclass'::pg_catalog.regclass, 'pg_catalog.pg_opfamily'::pg_catalog.regclass)
    LEFT JOIN pg_catalog.pg_type t ON d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass AND t.oid = d.refobjid
    LEFT JOIN pg_catalog.pg_type el ON el.oid = t.typelem AND el.typarray = t.oid
    WHERE d.objid >= 16384 AND d.refobjid >= 16384 AND d.deptype IN ('n', 'a')
      AND d.refclassid NOT IN ('pg_catalog.pg_namespace'::pg_catalog.regclass, 'pg_catalog.pg_extension'::pg_catalog.regclass)
), mine (classid, objid, objsubid, refclassid, refobjid, extname) AS (
    SELECT DISTINCT e.classid, e.objid, CASE WHEN x.extname IS NULL THEN 0 ELSE e.objsubid END, e.refclassid, e.refobjid, x.extname
    FROM edge e
    LEFT JOIN member x ON x.classid = e.refclassid AND x.objid = e.refobjid
    WHERE (x.extname IS NOT NULL OR e.deptype = 'n')
      AND NOT (e.classid = e.refclassid AND e.objid = e.refobjid)
      AND NOT EXISTS (SELECT FROM member o WHERE o.classid = e.classid AND o.objid = e.objid)
)
SELECT k.relname::pg_catalog.text AS class,
       e.objid::pg_catalog.int8 AS obj,
       COALESCE(a.attname::pg_catalog.text, '') AS "column",
       rk.relname::pg_catalog.text AS ref_class,
       e.refobjid::pg_catalog.int8 AS ref,
       COALESCE(e.extname::pg_catalog.text, '') AS extension,
       COALESCE(i.type, '') AS kind,
       COALESCE(i.schema, '') AS schema,
       pg_catalog.replace(CASE WHEN i.schema IS NULL THEN COALESCE(i.identity, '')
                               ELSE pg_catalog.substr(i.identity, pg_catalog.length(pg_catalog.quote_ident(i.schema)) + 2) END,
                          'pg_catalog.', '') AS name
FROM mine e
JOIN pg_catalog.pg_class k ON k.oid = e.classid
JOIN pg_catalog.pg_class rk ON rk.oid = e.refclassid
LEFT JOIN pg_catalog.pg_attribute a
       ON k.relname = 'pg_class' AND a.attrelid = e.objid AND a.attnum = e.objsubid AND e.objsubid > 0
LEFT JOIN LATERAL pg_catalog.pg_identify_object(e.refclassid, e.refobjid, 0) i ON e.extname IS NOT NULL
