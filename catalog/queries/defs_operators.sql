-- Operators, operator families with the members that belong to no class, and
-- operator classes. A commutator or negator that does not stand yet comes to be
-- as a shell, which its own definition fills. An operator that was never
-- defined has no definition. Versions: 13 to 18.
WITH members (class, owner, def, kind, num, lefttype, righttype) AS (
    SELECT d.refclassid, d.refobjid,
           'OPERATOR ' || o.amopstrategy || ' ' || o.amopopr::pg_catalog.regoperator
           || CASE WHEN o.amopsortfamily = 0 THEN '' ELSE ' FOR ORDER BY ' || pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(f.opfname) END,
           1, o.amopstrategy, o.amoplefttype, o.amoprighttype
    FROM pg_catalog.pg_amop o
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_amop'::pg_catalog.regclass AND d.objid = o.oid
     AND (d.refclassid = 'pg_catalog.pg_opclass'::pg_catalog.regclass AND d.deptype = 'i'
       OR d.refclassid = 'pg_catalog.pg_opfamily'::pg_catalog.regclass AND d.deptype = 'a')
    LEFT JOIN pg_catalog.pg_opfamily f ON f.oid = o.amopsortfamily
    LEFT JOIN pg_catalog.pg_namespace n ON n.oid = f.opfnamespace
    WHERE o.oid >= 16384
    UNION ALL
    SELECT d.refclassid, d.refobjid,
           'FUNCTION ' || p.amprocnum || ' (' || pg_catalog.format_type(p.amproclefttype, NULL) || ', '
           || pg_catalog.format_type(p.amprocrighttype, NULL) || ') ' || p.amproc::pg_catalog.oid::pg_catalog.regprocedure,
           2, p.amprocnum, p.amproclefttype, p.amprocrighttype
    FROM pg_catalog.pg_amproc p
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_amproc'::pg_catalog.regclass AND d.objid = p.oid
     AND (d.refclassid = 'pg_catalog.pg_opclass'::pg_catalog.regclass AND d.deptype = 'i'
       OR d.refclassid = 'pg_catalog.pg_opfamily'::pg_catalog.regclass AND d.deptype = 'a')
    WHERE p.oid >= 16384
), listed (class, owner, def) AS (
    SELECT m.class, m.owner, pg_catalog.string_agg(m.def, ', ' ORDER BY m.kind, m.num,
               pg_catalog.format_type(m.lefttype, NULL) COLLATE "C", pg_catalog.format_type(m.righttype, NULL) COLLATE "C")
    FROM members m
    GROUP BY m.class, m.owner
)
SELECT 'pg_operator' AS class, o.oid::pg_catalog.int8 AS oid,
       CASE WHEN o.oprcode = 0 THEN '{}' ELSE ARRAY[
           'CREATE OPERATOR ' || pg_catalog.quote_ident(n.nspname) || '.' || o.oprname || ' (FUNCTION = ' || o.oprcode
           || CASE WHEN o.oprleft = 0 THEN '' ELSE ', LEFTARG = ' || pg_catalog.format_type(o.oprleft, NULL) END
           || CASE WHEN o.oprright = 0 THEN '' ELSE ', RIGHTARG = ' || pg_catalog.format_type(o.oprright, NULL) END
           || CASE WHEN c.oid IS NULL THEN '' ELSE ', COMMUTATOR = OPERATOR(' || pg_catalog.quote_ident(cn.nspname) || '.' || c.oprname || ')' END
           || CASE WHEN g.oid IS NULL THEN '' ELSE ', NEGATOR = OPERATOR(' || pg_catalog.quote_ident(gn.nspname) || '.' || g.oprname || ')' END
           || CASE WHEN o.oprrest = 0 THEN '' ELSE ', RESTRICT = ' || o.oprrest END
           || CASE WHEN o.oprjoin = 0 THEN '' ELSE ', JOIN = ' || o.oprjoin END
           || CASE WHEN o.oprcanhash THEN ', HASHES' ELSE '' END
           || CASE WHEN o.oprcanmerge THEN ', MERGES' ELSE '' END || ')'] END AS def,
       '{}'::pg_catalog.text[] AS secrets
FROM pg_catalog.pg_operator o
JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace
LEFT JOIN pg_catalog.pg_operator c ON c.oid = o.oprcom
LEFT JOIN pg_catalog.pg_namespace cn ON cn.oid = c.oprnamespace
LEFT JOIN pg_catalog.pg_operator g ON g.oid = o.oprnegate
LEFT JOIN pg_catalog.pg_namespace gn ON gn.oid = g.oprnamespace
WHERE o.oid >= 16384
UNION ALL
SELECT 'pg_opfamily', f.oid::pg_catalog.int8,
       ARRAY['CREATE OPERATOR FAMILY ' || s.name]
       || CASE WHEN l.def IS NULL THEN '{}' ELSE ARRAY['ALTER OPERATOR FAMILY ' || s.name || ' ADD ' || l.def] END, '{}'
FROM pg_catalog.pg_opfamily f
JOIN pg_catalog.pg_namespace n ON n.oid = f.opfnamespace
JOIN pg_catalog.pg_am a ON a.oid = f.opfmethod
CROSS JOIN LATERAL (SELECT pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(f.opfname)
                           || ' USING ' || pg_catalog.quote_ident(a.amname)) s(name)
LEFT JOIN listed l ON l.class = 'pg_catalog.pg_opfamily'::pg_catalog.regclass AND l.owner = f.oid
WHERE f.oid >= 16384
UNION ALL
SELECT 'pg_opclass', c.oid::pg_catalog.int8,
       ARRAY['CREATE OPERATOR CLASS ' || pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.opcname)
             || CASE WHEN c.opcdefault THEN ' DEFAULT' ELSE '' END
             || ' FOR TYPE ' || pg_catalog.format_type(c.opcintype, NULL) || ' USING ' || pg_catalog.quote_ident(a.amname)
             || ' FAMILY ' || pg_catalog.quote_ident(fn.nspname) || '.' || pg_catalog.quote_ident(f.opfname) || ' AS '
             || pg_catalog.concat_ws(', ',
                    CASE WHEN c.opckeytype <> 0 OR l.def IS NULL
                         THEN 'STORAGE ' || pg_catalog.format_type(CASE c.opckeytype WHEN 0 THEN c.opcintype ELSE c.opckeytype END, NULL) END,
                    l.def)], '{}'
FROM pg_catalog.pg_opclass c
JOIN pg_catalog.pg_namespace n ON n.oid = c.opcnamespace
JOIN pg_catalog.pg_am a ON a.oid = c.opcmethod
JOIN pg_catalog.pg_opfamily f ON f.oid = c.opcfamily
JOIN pg_catalog.pg_namespace fn ON fn.oid = f.opfnamespace
LEFT JOIN listed l ON l.class = 'pg_catalog.pg_opclass'::pg_catalog.regclass AND l.owner = c.oid
WHERE c.oid >= 16384
