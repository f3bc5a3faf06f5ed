-- What defaults, constraints, indexes, domains, partition keys and views
-- depend on by their expressions: user-defined objects and extensions' members
-- (OIDs from 16384 on; built-in ones are always there). The own table or view,
-- a foreign key's other table, a domain's base with what is the base's, and the
-- type of a typed table are told elsewhere and left out. A view's are those of
-- its _RETURN rule; up to 14 a generated column's hang on the column. Arrays
-- stand for their element. Versions: 13 to 18.
WITH raw (class, obj, own, refclass, refobj) AS (
    SELECT 'pg_attrdef', a.oid, a.adrelid, d.refclassid, d.refobjid
    FROM pg_catalog.pg_depend d
    JOIN pg_catalog.pg_attrdef a ON a.oid = d.objid
    WHERE d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND d.deptype = 'n'
    UNION ALL
    SELECT 'pg_attrdef', a.oid, a.adrelid, d.refclassid, d.refobjid
    FROM pg_catalog.pg_depend d
    JOIN pg_catalog.pg_attrdef a ON a.adrelid = d.objid AND a.adnum = d.objsubid
    WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype = 'a'
    UNION ALL
    SELECT 'pg_constraint', k.oid, k.conrelid, d.refclassid, d.refobjid
    FROM pg_catalog.pg_depend d
    JOIN pg_catalog.pg_constraint k ON k.oid = d.objid
    WHERE d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass AND d.deptype = 'n'
      AND NOT (d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = k.confrelid)
    UNION ALL
    SELECT 'pg_class', c.oid, COALESCE(i.indrelid, c.oid), d.refclassid, d.refobjid
    FROM pg_catalog.pg_depend d
    JOIN pg_catalog.pg_class c ON c.oid = d.objid AND c.relkind IN ('i', 'I', 'p')
    LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
    WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objsubid = 0 AND d.deptype = 'n'
      AND NOT (d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass AND d.refobjid = c.reloftype)
    UNION ALL
    SELECT 'pg_class', r.ev_class, r.ev_class, d.refclassid, d.refobjid
    FROM pg_catalog.pg_depend d
    JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid AND r.rulename = '_RETURN'
    WHERE d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.deptype = 'n'
    UNION ALL
    SELECT 'pg_type', t.oid, 0, d.refclassid, d.refobjid
    FROM pg_catalog.pg_depend d
    JOIN pg_catalog.pg_type t ON t.oid = d.objid AND t.typtype = 'd'
    WHERE d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND d.deptype = 'n'
      AND NOT (d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass AND d.refobjid = t.typbasetype)
      AND NOT (d.refclassid = 'pg_catalog.pg_collation'::pg_catalog.regclass AND d.refobjid = t.typcollation)
      AND NOT (d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass
               AND d.refobjid IN (t.typinput, t.typoutput, t.typreceive, t.typsend))
), dep (class, obj, refclass, refobj) AS (
    SELECT DISTINCT d.class, d.obj, d.refclass, COALESCE(el.oid, d.refobj)
    FROM raw d
    LEFT JOIN pg_catalog.pg_type ty
           ON d.refclass = 'pg_catalog.pg_type'::pg_catalog.regclass AND ty.oid = d.refobj
    LEFT JOIN pg_catalog.pg_type el ON el.oid = ty.typelem AND el.typarray = ty.oid
    WHERE d.refobj >= 16384
      AND NOT (d.refclass = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobj = d.own)
      AND (COALESCE(el.typrelid, ty.typrelid, 0) = 0 OR COALESCE(el.typrelid, ty.typrelid) <> d.own)
), ref (class, obj, refclass, refobj, kind, schema, name) AS (
    SELECT d.class, d.obj, d.refclass, d.refobj, 'routine', n.nspname,
           p.proname || '(' || pg_catalog.array_to_string(ARRAY(
               SELECT pg_catalog.format_type(u.typ, NULL)
               FROM pg_catalog.unnest(p.proargtypes::pg_catalog.oid[]) WITH ORDINALITY u(typ, ord)
               ORDER BY u.ord), ',') || ')'
    FROM dep d
    JOIN pg_catalog.pg_proc p ON d.refclass = 'pg_catalog.pg_proc'::pg_catalog.regclass AND p.oid = d.refobj
    JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    UNION ALL
    SELECT d.class, d.obj, d.refclass, d.refobj, 'operator', n.nspname,
           o.oprname || '(' || CASE WHEN o.oprleft = 0 THEN 'NONE' ELSE pg_catalog.format_type(o.oprleft, NULL) END
               || ',' || CASE WHEN o.oprright = 0 THEN 'NONE' ELSE pg_catalog.format_type(o.oprright, NULL) END || ')'
    FROM dep d
    JOIN pg_catalog.pg_operator o ON d.refclass = 'pg_catalog.pg_operator'::pg_catalog.regclass AND o.oid = d.refobj
    JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace
    UNION ALL
    SELECT d.class, d.obj, d.refclass, d.refobj, 'operator class', n.nspname, o.opcname
    FROM dep d
    JOIN pg_catalog.pg_opclass o ON d.refclass = 'pg_catalog.pg_opclass'::pg_catalog.regclass AND o.oid = d.refobj
    JOIN pg_catalog.pg_namespace n ON n.oid = o.opcnamespace
    UNION ALL
    SELECT d.class, d.obj, d.refclass, d.refobj,
           CASE WHEN c.relkind = 'v' THEN 'view' WHEN c.relkind = 'm' THEN 'materialized view'
                WHEN c.relkind IN ('r', 'p', 'f') THEN 'table' ELSE 'type' END,
           n.nspname, t.typname
    FROM dep d
    JOIN pg_catalog.pg_type t ON d.refclass = 'pg_catalog.pg_type'::pg_catalog.regclass AND t.oid = d.refobj
    JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
    LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid
    UNION ALL
    SELECT d.class, d.obj, d.refclass, d.refobj, 'collation', n.nspname, o.collname
    FROM dep d
    JOIN pg_catalog.pg_collation o ON d.refclass = 'pg_catalog.pg_collation'::pg_catalog.regclass AND o.oid = d.refobj
    JOIN pg_catalog.pg_namespace n ON n.oid = o.collnamespace
    UNION ALL
    SELECT d.class, d.obj, d.refclass, d.refobj, 'text search configuration', n.nspname, o.cfgname
    FROM dep d
    JOIN pg_catalog.pg_ts_config o ON d.refclass = 'pg_catalog.pg_ts_config'::pg_catalog.regclass AND o.oid = d.refobj
    JOIN pg_catalog.pg_namespace n ON n.oid = o.cfgnamespace
    UNION ALL
    SELECT d.class, d.obj, d.refclass, d.refobj, 'text search dictionary', n.nspname, o.dictname
    FROM dep d
    JOIN pg_catalog.pg_ts_dict o ON d.refclass = 'pg_catalog.pg_ts_dict'::pg_catalog.regclass AND o.oid = d.refobj
    JOIN pg_catalog.pg_namespace n ON n.oid = o.dictnamespace
    UNION ALL
    SELECT d.class, d.obj, d.refclass, d.refobj,
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
       r.schema::pg_catalog.text AS schema,
       r.name::pg_catalog.text AS name,
       COALESCE(x.extname::pg_catalog.text, '') AS extension
FROM ref r
LEFT JOIN pg_catalog.pg_depend e ON e.classid = r.refclass AND e.objid = r.refobj AND e.deptype = 'e'
LEFT JOIN pg_catalog.pg_extension x ON x.oid = e.refobjid
