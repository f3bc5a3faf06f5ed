-- Every object of the user's that the model only names: one row each, with the
-- catalog and OID that comments refer to. name carries what tells it from its
-- kin (argument types, USING method). Members of extensions are left out, and
-- so are objects that others make by themselves: row and array types, the
-- multirange of a range with its cast. Objects of the system have OIDs below
-- 16384. Versions: 13 to 18.
WITH ns (oid, nspname) AS (
    SELECT n.oid, n.nspname
    FROM pg_catalog.pg_namespace n
    WHERE n.nspname NOT IN ('pg_toast', '_pg2db9', '_pg2db9_probe') AND n.nspname !~ '^pg_(toast_)?temp_[0-9]+$'
), object (class, oid, kind, schema, name) AS (
    SELECT 'pg_type', t.oid,
           CASE WHEN NOT t.typisdefined THEN 'shell type' ELSE 'base type' END,
           ns.nspname, t.typname::pg_catalog.text
    FROM pg_catalog.pg_type t JOIN ns ON ns.oid = t.typnamespace
    WHERE (t.typtype IN ('b', 'p') OR NOT t.typisdefined)
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_type el WHERE el.oid = t.typelem AND el.typarray = t.oid)
    UNION ALL
    SELECT 'pg_operator', o.oid, 'operator', ns.nspname,
           o.oprname || '(' || CASE WHEN o.oprleft = 0 THEN 'NONE' ELSE pg_catalog.format_type(o.oprleft, NULL) END
               || ',' || CASE WHEN o.oprright = 0 THEN 'NONE' ELSE pg_catalog.format_type(o.oprright, NULL) END || ')'
    FROM pg_catalog.pg_operator o JOIN ns ON ns.oid = o.oprnamespace
    UNION ALL
    SELECT 'pg_opclass', o.oid, 'operator class', ns.nspname, o.opcname || ' USING ' || am.amname
    FROM pg_catalog.pg_opclass o
    JOIN ns ON ns.oid = o.opcnamespace
    JOIN pg_catalog.pg_am am ON am.oid = o.opcmethod
    UNION ALL
    SELECT 'pg_opfamily', o.oid, 'operator family', ns.nspname, o.opfname || ' USING ' || am.amname
    FROM pg_catalog.pg_opfamily o
    JOIN ns ON ns.oid = o.opfnamespace
    JOIN pg_catalog.pg_am am ON am.oid = o.opfmethod
    UNION ALL
    SELECT 'pg_conversion', o.oid, 'conversion', ns.nspname, o.conname
    FROM pg_catalog.pg_conversion o JOIN ns ON ns.oid = o.connamespace
    UNION ALL
    SELECT 'pg_ts_config', o.oid, 'text search configuration', ns.nspname, o.cfgname
    FROM pg_catalog.pg_ts_config o JOIN ns ON ns.oid = o.cfgnamespace
    UNION ALL
    SELECT 'pg_ts_dict', o.oid, 'text search dictionary', ns.nspname, o.dictname
    FROM pg_catalog.pg_ts_dict o JOIN ns ON ns.oid = o.dictnamespace
    UNION ALL
    SELECT 'pg_ts_parser', o.oid, 'text search parser', ns.nspname, o.prsname
    FROM pg_catalog.pg_ts_parser o JOIN ns ON ns.oid = o.prsnamespace
    UNION ALL
    SELECT 'pg_ts_template', o.oid, 'text search template', ns.nspname, o.tmplname
    FROM pg_catalog.pg_ts_template o JOIN ns ON ns.oid = o.tmplnamespace
    UNION ALL
    SELECT 'pg_cast', k.oid, 'cast', NULL,
           pg_catalog.format_type(k.castsource, NULL) || ' AS ' || pg_catalog.format_type(k.casttarget, NULL)
    FROM pg_catalog.pg_cast k
    UNION ALL
    SELECT 'pg_transform', k.oid, 'transform', NULL,
           'FOR ' || pg_catalog.format_type(k.trftype, NULL) || ' LANGUAGE ' || l.lanname
    FROM pg_catalog.pg_transform k JOIN pg_catalog.pg_language l ON l.oid = k.trflang
    UNION ALL
    SELECT 'pg_language', o.oid, 'language', NULL, o.lanname
    FROM pg_catalog.pg_language o
    UNION ALL
    SELECT 'pg_am', o.oid, 'access method', NULL, o.amname
    FROM pg_catalog.pg_am o
    UNION ALL
    SELECT 'pg_publication', o.oid, 'publication', NULL, o.pubname
    FROM pg_catalog.pg_publication o
    UNION ALL
    SELECT 'pg_foreign_data_wrapper', o.oid, 'foreign data wrapper', NULL, o.fdwname
    FROM pg_catalog.pg_foreign_data_wrapper o
    UNION ALL
    SELECT 'pg_foreign_server', o.oid, 'server', NULL, o.srvname
    FROM pg_catalog.pg_foreign_server o
    UNION ALL
    SELECT 'pg_user_mapping', o.umid, 'user mapping', NULL, o.usename || ' SERVER ' || o.srvname
    FROM pg_catalog.pg_user_mappings o
)
SELECT o.class AS class,
       o.oid::pg_catalog.int8 AS oid,
       o.kind AS kind,
       COALESCE(o.schema::pg_catalog.text, '') AS schema,
       COALESCE(o.name, '') AS name,
       CASE WHEN o.class = 'pg_user_mapping' THEN ''
            WHEN o.class = 'pg_transform' THEN pg_catalog.lower(o.name) -- 16 spells it in another way
            ELSE COALESCE((pg_catalog.pg_identify_object(k.oid, o.oid, 0)).identity, '') END AS identity
FROM object o
JOIN pg_catalog.pg_class k ON k.relname = o.class AND k.relnamespace = 'pg_catalog'::pg_catalog.regnamespace
WHERE o.oid >= 16384
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                  WHERE e.classid = k.oid AND e.objid = o.oid AND e.objsubid = 0 AND e.deptype IN ('e', 'i'))
