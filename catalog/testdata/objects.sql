-- What a database holds, catalog by catalog, as lines of text: the other side of
-- the test of everything. It shares no text with the queries of the reader.
-- Left out is, each time with its reason: what initdb made (OIDs below 16384),
-- what a CREATE of something else made, what belongs to an extension.
WITH RECURSIVE theirs (classid, objid) AS ( -- an extension's members, and what goes with a member
    SELECT classid, objid FROM pg_catalog.pg_depend WHERE deptype = 'e'
    UNION
    SELECT d.classid, d.objid
    FROM pg_catalog.pg_depend d
    JOIN theirs ON theirs.classid = d.refclassid AND theirs.objid = d.refobjid
    WHERE d.deptype IN ('a', 'i', 'P', 'S')
), mine AS ( -- OIDs of the user's, by catalog
    SELECT 'pg_class'::regclass AS c, oid FROM pg_catalog.pg_class WHERE oid >= 16384
        AND relkind <> 't'                                                        -- TOAST comes with its table
        AND NOT (relkind = 'i' AND relnamespace = 'pg_toast'::regnamespace)       -- and so does its index
        AND relpersistence <> 't'                                                 -- ends with its session
    UNION ALL SELECT 'pg_type'::regclass, oid FROM pg_catalog.pg_type t WHERE oid >= 16384
        AND NOT (typtype = 'c')                                                   -- of a relation: see pg_class
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_type e WHERE e.typarray = t.oid) -- an array comes with its element
        AND typtype <> 'm'                                                        -- a multirange with its range
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_namespace n WHERE n.oid = t.typnamespace AND n.nspname ~ '^pg_temp')
    UNION ALL SELECT 'pg_proc'::regclass, p.oid FROM pg_catalog.pg_proc p WHERE p.oid >= 16384
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_type t WHERE t.typtype IN ('r', 'm') AND t.oid >= 16384
                        AND t.typname = p.proname AND t.typnamespace = p.pronamespace) -- a constructor comes with its range
    UNION ALL SELECT 'pg_constraint'::regclass, k.oid FROM pg_catalog.pg_constraint k WHERE k.oid >= 16384
        AND k.contype <> 't'                                                      -- a constraint trigger: see pg_trigger
        AND NOT (k.contype = 'n' AND k.contypid <> 0)                             -- typnotnull
        AND NOT (k.contype = 'n' AND k.convalidated AND NOT k.connoinherit        -- attnotnull, under the parent's name or the one that the server gives
                 AND (NOT k.conislocal OR k.conname = (SELECT c.relname || '_' || a.attname || '_not_null' FROM pg_catalog.pg_class c
                      JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.conkey[1] WHERE c.oid = k.conrelid)))
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint up WHERE up.oid = k.conparentid AND up.conrelid = k.conrelid) -- to a partition of what is referred to
    UNION ALL SELECT 'pg_trigger'::regclass, oid FROM pg_catalog.pg_trigger WHERE oid >= 16384
        AND NOT tgisinternal AND tgparentid = 0                                   -- of foreign keys; of a partitioned table's partitions
    UNION ALL SELECT 'pg_rewrite'::regclass, oid FROM pg_catalog.pg_rewrite WHERE oid >= 16384
        AND ev_type <> '1'                                                        -- a view's query
    UNION ALL SELECT 'pg_policy'::regclass, oid FROM pg_catalog.pg_policy WHERE oid >= 16384
    UNION ALL SELECT 'pg_operator'::regclass, oid FROM pg_catalog.pg_operator WHERE oid >= 16384
    UNION ALL SELECT 'pg_opclass'::regclass, oid FROM pg_catalog.pg_opclass WHERE oid >= 16384
    UNION ALL SELECT 'pg_opfamily'::regclass, oid FROM pg_catalog.pg_opfamily WHERE oid >= 16384
    UNION ALL SELECT 'pg_cast'::regclass, k.oid FROM pg_catalog.pg_cast k WHERE k.oid >= 16384
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_type t WHERE t.oid = k.casttarget AND t.typtype = 'm') -- comes with its range
    UNION ALL SELECT 'pg_collation'::regclass, oid FROM pg_catalog.pg_collation WHERE oid >= 16384
    UNION ALL SELECT 'pg_conversion'::regclass, oid FROM pg_catalog.pg_conversion WHERE oid >= 16384
    UNION ALL SELECT 'pg_ts_config'::regclass, oid FROM pg_catalog.pg_ts_config WHERE oid >= 16384
    UNION ALL SELECT 'pg_ts_dict'::regclass, oid FROM pg_catalog.pg_ts_dict WHERE oid >= 16384
    UNION ALL SELECT 'pg_ts_parser'::regclass, oid FROM pg_catalog.pg_ts_parser WHERE oid >= 16384
    UNION ALL SELECT 'pg_ts_template'::regclass, oid FROM pg_catalog.pg_ts_template WHERE oid >= 16384
    UNION ALL SELECT 'pg_statistic_ext'::regclass, oid FROM pg_catalog.pg_statistic_ext WHERE oid >= 16384
    UNION ALL SELECT 'pg_publication'::regclass, oid FROM pg_catalog.pg_publication WHERE oid >= 16384
    UNION ALL SELECT 'pg_event_trigger'::regclass, oid FROM pg_catalog.pg_event_trigger WHERE oid >= 16384
    UNION ALL SELECT 'pg_foreign_data_wrapper'::regclass, oid FROM pg_catalog.pg_foreign_data_wrapper WHERE oid >= 16384
    UNION ALL SELECT 'pg_foreign_server'::regclass, oid FROM pg_catalog.pg_foreign_server WHERE oid >= 16384
    UNION ALL SELECT 'pg_user_mapping'::regclass, oid FROM pg_catalog.pg_user_mapping WHERE oid >= 16384
    UNION ALL SELECT 'pg_language'::regclass, oid FROM pg_catalog.pg_language WHERE oid >= 16384
    UNION ALL SELECT 'pg_am'::regclass, oid FROM pg_catalog.pg_am WHERE oid >= 16384
    UNION ALL SELECT 'pg_transform'::regclass, oid FROM pg_catalog.pg_transform WHERE oid >= 16384
    UNION ALL SELECT 'pg_namespace'::regclass, oid FROM pg_catalog.pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
    UNION ALL SELECT 'pg_extension'::regclass, oid FROM pg_catalog.pg_extension WHERE oid >= 16384
    UNION ALL SELECT 'pg_default_acl'::regclass, oid FROM pg_catalog.pg_default_acl WHERE oid >= 16384
    UNION ALL SELECT 'pg_database'::regclass, oid FROM pg_catalog.pg_database WHERE datname = current_database()
    UNION ALL SELECT 'pg_largeobject'::regclass, oid FROM pg_catalog.pg_largeobject_metadata
), ours AS (
    SELECT c, oid FROM mine EXCEPT SELECT classid, objid FROM theirs
), o (id) AS (
    SELECT m.oid FROM ours m
), named AS ( -- relations and types by their full name
    SELECT c.oid, n.nspname || '.' || c.relname AS name, c.relkind, c.reltype
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
), arguments AS (
    SELECT p.oid, replace(pg_catalog.oidvectortypes(p.proargtypes), ', ', ',') AS list FROM pg_catalog.pg_proc p
)
SELECT concat_ws(' ', 'pg_class', CASE relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned' WHEN 'f' THEN 'foreign' WHEN 'c' THEN 'composite'
           WHEN 'S' THEN 'sequence' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'i' THEN 'index' WHEN 'I' THEN 'index' ELSE relkind::text END, name)
    FROM named JOIN ours ON ours.oid = named.oid AND c = 'pg_class'::regclass
UNION ALL SELECT concat_ws(' ', 'pg_index', i.name, t.name)
    FROM pg_catalog.pg_index x JOIN named i ON i.oid = x.indexrelid JOIN named t ON t.oid = x.indrelid
    JOIN ours ON ours.oid = i.oid AND c = 'pg_class'::regclass
UNION ALL SELECT concat_ws(' ', 'pg_inherits', i.name, t.name)
    FROM pg_catalog.pg_inherits x JOIN named i ON i.oid = x.inhrelid JOIN named t ON t.oid = x.inhparent
    JOIN ours ON ours.oid = i.oid AND c = 'pg_class'::regclass
UNION ALL SELECT concat_ws(' ', 'pg_attribute', n.name, a.attname)
    FROM pg_catalog.pg_attribute a JOIN named n ON n.oid = a.attrelid AND n.relkind IN ('r', 'p', 'f', 'c', 'v', 'm')
    JOIN ours ON ours.oid = n.oid AND c = 'pg_class'::regclass WHERE a.attnum > 0 AND NOT a.attisdropped
UNION ALL SELECT concat_ws(' ', 'pg_foreign_table', n.name, s.srvname)
    FROM pg_catalog.pg_foreign_table f JOIN named n ON n.oid = f.ftrelid JOIN pg_catalog.pg_foreign_server s ON s.oid = f.ftserver
UNION ALL SELECT concat_ws(' ', 'pg_type', CASE WHEN NOT t.typisdefined THEN 'shell type' WHEN t.typtype = 'b' THEN 'base type' WHEN t.typtype = 'e' THEN 'enum'
           WHEN t.typtype = 'd' THEN 'domain' WHEN t.typtype = 'r' THEN 'range type' ELSE t.typtype::text END, n.nspname || '.' || t.typname)
    FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace JOIN ours ON ours.oid = t.oid AND c = 'pg_type'::regclass
UNION ALL SELECT concat_ws(' ', 'pg_enum', n.nspname || '.' || t.typname, e.enumlabel)
    FROM pg_catalog.pg_enum e JOIN pg_catalog.pg_type t ON t.oid = e.enumtypid
    JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace JOIN ours ON ours.oid = t.oid AND c = 'pg_type'::regclass
UNION ALL SELECT concat_ws(' ', 'pg_proc', CASE p.prokind WHEN 'f' THEN 'function' WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' WHEN 'w' THEN 'window function' END,
           n.nspname || '.' || p.proname || '(' || a.list || ')')
    FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace JOIN arguments a ON a.oid = p.oid
    JOIN ours ON ours.oid = p.oid AND c = 'pg_proc'::regclass
UNION ALL SELECT CASE WHEN k.conrelid <> 0 THEN concat_ws(' ', 'pg_constraint', 'table', r.name, k.conname)
                      ELSE concat_ws(' ', 'pg_constraint', 'domain', n.nspname || '.' || t.typname, k.conname) END
    FROM pg_catalog.pg_constraint k JOIN ours ON ours.oid = k.oid AND c = 'pg_constraint'::regclass
    LEFT JOIN named r ON r.oid = k.conrelid LEFT JOIN pg_catalog.pg_type t ON t.oid = k.contypid LEFT JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
    WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_class x WHERE x.oid = k.conrelid AND x.relpersistence = 't')
UNION ALL SELECT concat_ws(' ', 'pg_trigger', n.name, g.tgname)
    FROM pg_catalog.pg_trigger g JOIN named n ON n.oid = g.tgrelid JOIN ours ON ours.oid = g.oid AND c = 'pg_trigger'::regclass
UNION ALL SELECT concat_ws(' ', 'pg_rewrite', n.name, g.rulename)
    FROM pg_catalog.pg_rewrite g JOIN named n ON n.oid = g.ev_class JOIN ours ON ours.oid = g.oid AND c = 'pg_rewrite'::regclass
UNION ALL SELECT concat_ws(' ', 'pg_policy', n.name, g.polname)
    FROM pg_catalog.pg_policy g JOIN named n ON n.oid = g.polrelid JOIN ours ON ours.oid = g.oid AND c = 'pg_policy'::regclass
UNION ALL SELECT concat_ws(' ', 'pg_statistic_ext', t.name, n.nspname || '.' || s.stxname)
    FROM pg_catalog.pg_statistic_ext s JOIN named t ON t.oid = s.stxrelid JOIN pg_catalog.pg_namespace n ON n.oid = s.stxnamespace
    JOIN ours ON ours.oid = s.oid AND c = 'pg_statistic_ext'::regclass
UNION ALL SELECT concat_ws(' ', 'pg_operator', n.nspname || '.' || o.oprname || '(' || CASE o.oprleft WHEN 0 THEN 'NONE' ELSE o.oprleft::regtype::text END || ',' || o.oprright::regtype || ')')
    FROM pg_catalog.pg_operator o JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace JOIN ours ON ours.oid = o.oid AND c = 'pg_operator'::regclass
UNION ALL SELECT concat_ws(' ', 'pg_opclass', n.nspname || '.' || o.opcname, 'USING', am.amname)
    FROM pg_catalog.pg_opclass o JOIN pg_catalog.pg_namespace n ON n.oid = o.opcnamespace JOIN pg_catalog.pg_am am ON am.oid = o.opcmethod
    JOIN ours ON ours.oid = o.oid AND c = 'pg_opclass'::regclass
UNION ALL SELECT concat_ws(' ', 'pg_opfamily', n.nspname || '.' || o.opfname, 'USING', am.amname)
    FROM pg_catalog.pg_opfamily o JOIN pg_catalog.pg_namespace n ON n.oid = o.opfnamespace JOIN pg_catalog.pg_am am ON am.oid = o.opfmethod
    JOIN ours ON ours.oid = o.oid AND c = 'pg_opfamily'::regclass
UNION ALL SELECT concat_ws(' ', 'pg_cast', k.castsource::regtype, 'AS', k.casttarget::regtype)
    FROM pg_catalog.pg_cast k JOIN ours ON ours.oid = k.oid AND c = 'pg_cast'::regclass
UNION ALL SELECT concat_ws(' ', 'pg_transform', 'FOR', k.trftype::regtype, 'LANGUAGE', l.lanname)
    FROM pg_catalog.pg_transform k JOIN pg_catalog.pg_language l ON l.oid = k.trflang JOIN ours ON ours.oid = k.oid AND c = 'pg_transform'::regclass
UNION ALL SELECT concat_ws(' ', c::text, n.nspname || '.' || coalesce(co.collname, cv.conname, cf.cfgname, td.dictname, tp.prsname, tt.tmplname))
    FROM ours
    LEFT JOIN pg_catalog.pg_collation co ON c = 'pg_collation'::regclass AND co.oid = ours.oid
    LEFT JOIN pg_catalog.pg_conversion cv ON c = 'pg_conversion'::regclass AND cv.oid = ours.oid
    LEFT JOIN pg_catalog.pg_ts_config cf ON c = 'pg_ts_config'::regclass AND cf.oid = ours.oid
    LEFT JOIN pg_catalog.pg_ts_dict td ON c = 'pg_ts_dict'::regclass AND td.oid = ours.oid
    LEFT JOIN pg_catalog.pg_ts_parser tp ON c = 'pg_ts_parser'::regclass AND tp.oid = ours.oid
    LEFT JOIN pg_catalog.pg_ts_template tt ON c = 'pg_ts_template'::regclass AND tt.oid = ours.oid
    JOIN pg_catalog.pg_namespace n ON n.oid = coalesce(collnamespace, connamespace, cfgnamespace, dictnamespace, prsnamespace, tmplnamespace)
UNION ALL SELECT concat_ws(' ', c::text, coalesce(pubname, evtname, fdwname, srvname, lanname, amname, nspname, extname))
    FROM ours
    LEFT JOIN pg_catalog.pg_publication p ON c = 'pg_publication'::regclass AND p.oid = ours.oid
    LEFT JOIN pg_catalog.pg_event_trigger e ON c = 'pg_event_trigger'::regclass AND e.oid = ours.oid
    LEFT JOIN pg_catalog.pg_foreign_data_wrapper w ON c = 'pg_foreign_data_wrapper'::regclass AND w.oid = ours.oid
    LEFT JOIN pg_catalog.pg_foreign_server s ON c = 'pg_foreign_server'::regclass AND s.oid = ours.oid
    LEFT JOIN pg_catalog.pg_language l ON c = 'pg_language'::regclass AND l.oid = ours.oid
    LEFT JOIN pg_catalog.pg_am a ON c = 'pg_am'::regclass AND a.oid = ours.oid
    LEFT JOIN pg_catalog.pg_namespace n ON c = 'pg_namespace'::regclass AND n.oid = ours.oid
    LEFT JOIN pg_catalog.pg_extension x ON c = 'pg_extension'::regclass AND x.oid = ours.oid
    WHERE c IN ('pg_publication'::regclass, 'pg_event_trigger'::regclass, 'pg_foreign_data_wrapper'::regclass, 'pg_foreign_server'::regclass,
                'pg_language'::regclass, 'pg_am'::regclass, 'pg_namespace'::regclass, 'pg_extension'::regclass)
UNION ALL SELECT concat_ws(' ', 'pg_user_mapping', CASE u.umuser WHEN 0 THEN 'public' ELSE u.umuser::regrole::text END, 'SERVER', s.srvname)
    FROM pg_catalog.pg_user_mapping u JOIN pg_catalog.pg_foreign_server s ON s.oid = u.umserver
UNION ALL SELECT concat_ws(' ', 'pg_default_acl', CASE WHEN n.nspname IS NULL THEN '' ELSE n.nspname || '.' END || 'FOR ROLE ' || d.defaclrole::regrole,
           'ON', CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'f' THEN 'FUNCTIONS' END)
    FROM pg_catalog.pg_default_acl d LEFT JOIN pg_catalog.pg_namespace n ON n.oid = d.defaclnamespace
UNION ALL SELECT 'pg_largeobject_metadata ' FROM pg_catalog.pg_largeobject_metadata
UNION ALL SELECT 'pg_subscription ' || s.subname FROM pg_catalog.pg_subscription s JOIN pg_catalog.pg_database d ON d.oid = s.subdbid AND d.datname = current_database()
UNION ALL SELECT 'pg_db_role_setting ' || split_part(unnest(setconfig), '=', 1) || CASE setrole WHEN 0 THEN '' ELSE ' OF ROLE ' || setrole::regrole END
    FROM pg_catalog.pg_db_role_setting s JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase AND d.datname = current_database()
UNION ALL SELECT concat_ws(' ', 'pg_description', d.description)
    FROM pg_catalog.pg_description d LEFT JOIN named t ON d.classoid = 'pg_type'::regclass AND t.reltype = d.objoid -- of a composite type
    JOIN ours ON ours.oid = coalesce(t.oid, d.objoid) AND c = CASE WHEN t.oid IS NULL THEN d.classoid ELSE 'pg_class'::regclass END AND c <> 'pg_largeobject'::regclass
    WHERE NOT (d.classoid = 'pg_namespace'::regclass AND d.description = 'standard public schema')
      AND d.description NOT IN (SELECT comment FROM pg_catalog.pg_available_extensions WHERE d.classoid = 'pg_extension'::regclass AND comment IS NOT NULL)
UNION ALL SELECT 'pg_description ' || description FROM pg_catalog.pg_shdescription d JOIN ours ON ours.oid = d.objoid AND c = d.classoid
UNION ALL SELECT 'pg_description_of_large_object ' FROM pg_catalog.pg_description WHERE classoid = 'pg_largeobject'::regclass
