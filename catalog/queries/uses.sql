-- What defaults, constraints, indexes, domains, partition keys, views, routines,
-- triggers, rules, policies and the rarer kinds depend on: user-defined objects
-- and extensions' members (OIDs from 16384 on; built-in ones are always there).
-- The own table or view, a foreign key's other table, a domain's base with what
-- is the base's, and the type of a typed table are told elsewhere and left out.
-- A view's are those of its _RETURN rule; up to 14 a generated column's hang on
-- the column; an operator class's include those of its operators
-- and functions, a family's those of its members without a class, a
-- publication's those of its tables.
-- Arrays stand for their element, multiranges for their range. Columns of tables
-- and views are named by what reads them: views, rules, routines with a body in
-- SQL, triggers, policies. Versions: 13 to 18.
WITH multirange (rngtypid, rngmultitypid) AS (
    SELECT g.rngtypid, (pg_catalog.to_jsonb(g) ->> 'rngmultitypid')::pg_catalog.oid -- from 14 on
    FROM pg_catalog.pg_range g
    WHERE g.rngtypid >= 16384
), raw (class, obj, own, refclass, refobj, refsub) AS (
    SELECT 'pg_attrdef', a.oid, a.adrelid, d.refclassid, d.refobjid, 0
    FROM pg_catalog.pg_depend d
    JOIN pg_catalog.pg_attrdef a ON a.oid = d.objid
    WHERE d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND d.deptype = 'n'
    UNION ALL
    SELECT 'pg_attrdef', a.oid, a.adrelid, d.refclassid, d.refobjid, 0
    FROM pg_catalog.pg_depend d
    JOIN pg_catalog.pg_attrdef a ON a.adrelid = d.objid AND a.adnum = d.objsubid
    WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype = 'a'
    UNION ALL
    SELECT 'pg_constraint', k.oid, k.conrelid, d.refclassid, d.refobjid, 0
    FROM pg_catalog.pg_depend d
    JOIN pg_catalog.pg_constraint k ON k.oid = d.objid
    WHERE d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass AND d.deptype = 'n'
      AND NOT (d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = k.confrelid)
    UNION ALL
    SELECT 'pg_class', c.oid, COALESCE(i.indrelid, c.oid), d.refclassid, d.refobjid, 0
    FROM pg_catalog.pg_depend d
    JOIN pg_catalog.pg_class c ON c.oid = d.objid AND c.relkind IN ('i', 'I', 'p')
    LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
    WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objsubid = 0 AND d.deptype = 'n'
      AND NOT (d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass AND d.refobjid = c.reloftype)
    UNION ALL
    SELECT 'pg_class', r.ev_class, r.ev_class, d.refclassid, d.refobjid, d.refobjsubid
    FROM pg_catalog.pg_depend d
    JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid AND r.rulename = '_RETURN'
    WHERE d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.deptype = 'n'
    UNION ALL
    SELECT 'pg_type', t.oid, 0, d.refclassid, d.refobjid, 0
    FROM pg_catalog.pg_depend d
    JOIN pg_catalog.pg_type t ON t.oid = d.objid AND t.typtype = 'd'
    WHERE d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND d.deptype = 'n'
      AND NOT (d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass AND d.refobjid = t.typbasetype)
      AND NOT (d.refclassid = 'pg_catalog.pg_collation'::pg_catalog.regclass AND d.refobjid = t.typcollation)
      AND NOT (d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass
               AND d.refobjid IN (t.typinput, t.typoutput, t.typreceive, t.typsend))
    UNION ALL
    SELECT CASE WHEN r2.oid IS NULL THEN k.relname ELSE 'pg_publication' END, COALESCE(r2.prpubid, d.objid),
           COALESCE(r.ev_class, g.tgrelid, p.polrelid, s.stxrelid, 0), d.refclassid, d.refobjid, d.refobjsubid
    FROM pg_catalog.pg_depend d
    JOIN pg_catalog.pg_class k ON k.oid = d.classid AND k.relnamespace = 'pg_catalog'::pg_catalog.regnamespace
    LEFT JOIN pg_catalog.pg_rewrite r ON k.relname = 'pg_rewrite' AND r.oid = d.objid
    LEFT JOIN pg_catalog.pg_trigger g ON k.relname = 'pg_trigger' AND g.oid = d.objid
    LEFT JOIN pg_catalog.pg_policy p ON k.relname = 'pg_policy' AND p.oid = d.objid
    LEFT JOIN pg_catalog.pg_statistic_ext s ON k.relname = 'pg_statistic_ext' AND s.oid = d.objid
    LEFT JOIN pg_catalog.pg_publication_rel r2 ON k.relname = 'pg_publication_rel' AND r2.oid = d.objid
    WHERE d.deptype IN ('n', 'a') AND d.refobjid >= 16384
      AND (k.relname IN ('pg_proc', 'pg_trigger', 'pg_policy', 'pg_statistic_ext', 'pg_operator', 'pg_opclass', 'pg_opfamily',
                         'pg_cast', 'pg_transform', 'pg_conversion', 'pg_language', 'pg_am', 'pg_event_trigger',
                         'pg_ts_config', 'pg_ts_dict', 'pg_ts_parser', 'pg_ts_template',
                         'pg_foreign_data_wrapper', 'pg_foreign_server', 'pg_user_mapping', 'pg_publication_rel')
           OR k.relname = 'pg_rewrite' AND r.rulename <> '_RETURN'
           OR k.relname = 'pg_type' AND EXISTS (SELECT FROM pg_catalog.pg_type t WHERE t.oid = d.objid AND t.typtype IN ('b', 'r')))
      AND NOT (k.relname = 'pg_trigger' AND g.tgisinternal)
    UNION ALL
    SELECT 'pg_opfamily', o.refobjid, 0, d.refclassid, d.refobjid, 0
    FROM pg_catalog.pg_depend d
    JOIN pg_catalog.pg_depend o
      ON o.classid = d.classid AND o.objid = d.objid AND o.deptype = 'a'
     AND o.refclassid = 'pg_catalog.pg_opfamily'::pg_catalog.regclass
    WHERE d.classid IN ('pg_catalog.pg_amop'::pg_catalog.regclass, 'pg_catalog.pg_amproc'::pg_catalog.regclass)
      AND d.refclassid IN ('pg_catalog.pg_operator'::pg_catalog.regclass, 'pg_catalog.pg_proc'::pg_catalog.regclass)
    UNION ALL
    SELECT 'pg_opclass', o.objid, 0, d.refclassid, d.refobjid, 0
    FROM pg_catalog.pg_depend d
    JOIN pg_catalog.pg_depend o
      ON o.classid = 'pg_catalog.pg_opclass'::pg_catalog.regclass AND o.deptype IN ('n', 'a', 'i')
     AND o.refclassid = 'pg_catalog.pg_opfamily'::pg_catalog.regclass
    LEFT JOIN pg_catalog.pg_amop ao ON d.classid = 'pg_catalog.pg_amop'::pg_catalog.regclass AND ao.oid = d.objid
    LEFT JOIN pg_catalog.pg_amproc ap ON d.classid = 'pg_catalog.pg_amproc'::pg_catalog.regclass AND ap.oid = d.objid
    WHERE d.classid IN ('pg_catalog.pg_amop'::pg_catalog.regclass, 'pg_catalog.pg_amproc'::pg_catalog.regclass)
      AND COALESCE(ao.amopfamily, ap.amprocfamily) = o.refobjid
      AND d.refclassid IN ('pg_catalog.pg_operator'::pg_catalog.regclass, 'pg_catalog.pg_proc'::pg_catalog.regclass)
), dep (class, obj, refclass, refobj, refsub) AS (
    SELECT DISTINCT d.class, d.obj, d.refclass, COALESCE(rg.rngtypid, el.oid, d.refobj), d.refsub
    FROM raw d
    LEFT JOIN pg_catalog.pg_type ty
           ON d.refclass = 'pg_catalog.pg_type'::pg_catalog.regclass AND ty.oid = d.refobj
    LEFT JOIN pg_catalog.pg_type el ON el.oid = ty.typelem AND el.typarray = ty.oid
    LEFT JOIN multirange rg ON rg.rngmultitypid = COALESCE(el.oid, ty.oid)
    WHERE d.refobj >= 16384
      AND NOT (d.refclass = 'pg_catalog.pg_type'::pg_catalog.regclass AND d.class = 'pg_type' AND COALESCE(rg.rngtypid, el.oid, d.refobj) = d.obj)
      AND NOT (d.refclass = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobj = d.own)
      AND (COALESCE(el.typrelid, ty.typrelid, 0) = 0 OR COALESCE(el.typrelid, ty.typrelid) <> d.own)
), ref (class, obj, refclass, refobj, refsub, kind, schema, name) AS (
    SELECT d.class, d.obj, d.refclass, d.refobj, d.refsub, 'routine', n.nspname,
           p.proname || '(' || pg_catalog.array_to_string(ARRAY(
               SELECT pg_catalog.format_type(u.typ, NULL)
               FROM pg_catalog.unnest(p.proargtypes::pg_catalog.oid[]) WITH ORDINALITY u(typ, ord)
               ORDER BY u.ord), ',') || ')'
    FROM dep d
    JOIN pg_catalog.pg_proc p ON d.refclass = 'pg_catalog.pg_proc'::pg_catalog.regclass AND p.oid = d.refobj
    JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    UNION ALL
    SELECT d.class, d.obj, d.refclass, d.refobj, d.refsub, 'operator', n.nspname,
           o.oprname || '(' || CASE WHEN o.oprleft = 0 THEN 'NONE' ELSE pg_catalog.format_type(o.oprleft, NULL) END
               || ',' || CASE WHEN o.oprright = 0 THEN 'NONE' ELSE pg_catalog.format_type(o.oprright, NULL) END || ')'
    FROM dep d
    JOIN pg_catalog.pg_operator o ON d.refclass = 'pg_catalog.pg_operator'::pg_catalog.regclass AND o.oid = d.refobj
    JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace
    UNION ALL
    SELECT d.class, d.obj, d.refclass, d.refobj, d.refsub, 'operator class', n.nspname, o.opcname || ' USING ' || am.amname
    FROM dep d
    JOIN pg_catalog.pg_opclass o ON d.refclass = 'pg_catalog.pg_opclass'::pg_catalog.regclass AND o.oid = d.refobj
    JOIN pg_catalog.pg_am am ON am.oid = o.opcmethod
    JOIN pg_catalog.pg_namespace n ON n.oid = o.opcnamespace
    UNION ALL
    SELECT d.class, d.obj, d.refclass, d.refobj, d.refsub, 'operator family', n.nspname, o.opfname || ' USING ' || am.amname
    FROM dep d
    JOIN pg_catalog.pg_opfamily o ON d.refclass = 'pg_catalog.pg_opfamily'::pg_catalog.regclass AND o.oid = d.refobj
    JOIN pg_catalog.pg_am am ON am.oid = o.opfmethod
    JOIN pg_catalog.pg_namespace n ON n.oid = o.opfnamespace
    UNION ALL
    SELECT d.class, d.obj, d.refclass, d.refobj, d.refsub, 'text search parser', n.nspname, o.prsname
    FROM dep d
    JOIN pg_catalog.pg_ts_parser o ON d.refclass = 'pg_catalog.pg_ts_parser'::pg_catalog.regclass AND o.oid = d.refobj
    JOIN pg_catalog.pg_namespace n ON n.oid = o.prsnamespace
    UNION ALL
    SELECT d.class, d.obj, d.refclass, d.refobj, d.refsub, 'text search template', n.nspname, o.tmplname
    FROM dep d
    JOIN pg_catalog.pg_ts_template o ON d.refclass = 'pg_catalog.pg_ts_template'::pg_catalog.regclass AND o.oid = d.refobj
    JOIN pg_catalog.pg_namespace n ON n.oid = o.tmplnamespace
    UNION ALL
    SELECT d.class, d.obj, d.refclass, d.refobj, d.refsub, 'language', NULL, o.lanname
    FROM dep d
    JOIN pg_catalog.pg_language o ON d.refclass = 'pg_catalog.pg_language'::pg_catalog.regclass AND o.oid = d.refobj
    UNION ALL
    SELECT d.class, d.obj, d.refclass, d.refobj, d.refsub, 'access method', NULL, o.amname
    FROM dep d
    JOIN pg_catalog.pg_am o ON d.refclass = 'pg_catalog.pg_am'::pg_catalog.regclass AND o.oid = d.refobj
    UNION ALL
    SELECT d.class, d.obj, d.refclass, d.refobj, d.refsub, 'foreign data wrapper', NULL, o.fdwname
    FROM dep d
    JOIN pg_catalog.pg_foreign_data_wrapper o ON d.refclass = 'pg_catalog.pg_foreign_data_wrapper'::pg_catalog.regclass AND o.oid = d.refobj
    UNION ALL
    SELECT d.class, d.obj, d.refclass, d.refobj, d.refsub, 'server', NULL, o.srvname
    FROM dep d
    JOIN pg_catalog.pg_foreign_server o ON d.refclass = 'pg_catalog.pg_foreign_server'::pg_catalog.regclass AND o.oid = d.refobj
    UNION ALL
    SELECT d.class, d.obj, d.refclass, d.refobj, d.refsub,
           CASE WHEN c.relkind = 'v' THEN 'view' WHEN c.relkind = 'm' THEN 'materialized view'
                WHEN c.relkind IN ('r', 'p', 'f') THEN 'table' ELSE 'type' END,
           n.nspname, t.typname
    FROM dep d
    JOIN pg_catalog.pg_type t ON d.refclass = 'pg_catalog.pg_type'::pg_catalog.regclass AND t.oid = d.refobj
    JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
    LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid
    UNION ALL
    SELECT d.class, d.obj, d.refclass, d.refobj, d.refsub, 'collation', n.nspname, o.collname
    FROM dep d
    JOIN pg_catalog.pg_collation o ON d.refclass = 'pg_catalog.pg_collation'::pg_catalog.regclass AND o.oid = d.refobj
    JOIN pg_catalog.pg_namespace n ON n.oid = o.collnamespace
    UNION ALL
    SELECT d.class, d.obj, d.refclass, d.refobj, d.refsub, 'text search configuration', n.nspname, o.cfgname
    FROM dep d
    JOIN pg_catalog.pg_ts_config o ON d.refclass = 'pg_catalog.pg_ts_config'::pg_catalog.regclass AND o.oid = d.refobj
    JOIN pg_catalog.pg_namespace n ON n.oid = o.cfgnamespace
    UNION ALL
    SELECT d.class, d.obj, d.refclass, d.refobj, d.refsub, 'text search dictionary', n.nspname, o.dictname
    FROM dep d
    JOIN pg_catalog.pg_ts_dict o ON d.refclass = 'pg_catalog.pg_ts_dict'::pg_catalog.regclass AND o.oid = d.refobj
    JOIN pg_catalog.pg_namespace n ON n.oid = o.dictnamespace
    UNION ALL
    SELECT d.class, d.obj, d.refclass, d.refobj, d.refsub,
           CASE c.relkind WHEN 'S' THEN 'sequence' WHEN 'v' THEN 'view'
                WHEN 'm' THEN 'materialized view' ELSE 'table' END,
           n.nspname, c.relname
    FROM dep d
    JOIN pg_catalog.pg_class c ON d.refclass = 'pg_catalog.pg_class'::pg_catalog.regclass AND c.oid = d.refobj
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'f', 'S', 'v', 'm')
)
SELECT r.class AS class,
       r.obj::pg_catalog.int8 AS obj,
       r.kind AS kind,
       COALESCE(r.schema::pg_catalog.text, '') AS schema,
       r.name::pg_catalog.text AS name,
       COALESCE(a.attname::pg_catalog.text, '') AS "column",
       COALESCE(x.extname::pg_catalog.text, '') AS extension
FROM ref r
LEFT JOIN pg_catalog.pg_depend e ON e.classid = r.refclass AND e.objid = r.refobj AND e.deptype = 'e'
LEFT JOIN pg_catalog.pg_extension x ON x.oid = e.refobjid
LEFT JOIN pg_catalog.pg_attribute a
       ON r.refsub > 0 AND r.refclass = 'pg_catalog.pg_class'::pg_catalog.regclass AND a.attrelid = r.refobj AND a.attnum = r.refsub
