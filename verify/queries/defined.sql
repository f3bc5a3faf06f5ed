-- What hangs on the tables and views of the given schemas and on their columns, each
-- as the server itself writes it, and the state that it is in where that is another
-- than valid and enabled. NOT NULL is the columns', also where the server keeps it
-- among the constraints.
--
-- $1: schema names. Minimum server: 13, PostgreSQL itself. Selects text alone; it is
-- to be run with an empty search_path, so that every name is written with its schema.
SELECT n.nspname::text AS schema_name, c.relname::text AS relation_name, o.kind AS kind, coalesce(o.name, '') AS name, coalesce(o.definition, '') AS definition, o.state AS state
FROM (
    SELECT k.conrelid, 'constraint', k.conname::text, pg_catalog.pg_get_constraintdef(k.oid)::text,
           CASE WHEN NOT coalesce(i.indisvalid AND i.indisready, true) THEN 'invalid'
                WHEN EXISTS (SELECT FROM pg_catalog.pg_trigger AS t WHERE t.tgconstraint = k.oid AND t.tgisinternal AND t.tgenabled::text <> 'O') THEN 'disabled'
                ELSE '' END
    FROM pg_catalog.pg_constraint AS k
    LEFT JOIN pg_catalog.pg_index AS i ON i.indexrelid = k.conindid AND k.contype IN ('p', 'u', 'x')
    WHERE k.conrelid <> 0 AND k.contype <> 'n' AND k.contype <> 't'
    UNION ALL
    SELECT i.indrelid, 'index', x.relname::text, pg_catalog.pg_get_indexdef(i.indexrelid)::text,
           CASE WHEN i.indisvalid AND i.indisready THEN '' ELSE 'invalid' END
    FROM pg_catalog.pg_index AS i
    JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid
    UNION ALL
    SELECT t.tgrelid, 'trigger', t.tgname::text, pg_catalog.pg_get_triggerdef(t.oid)::text,
           CASE t.tgenabled::text WHEN 'O' THEN '' WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'enabled for replicas' ELSE 'always enabled' END
    FROM pg_catalog.pg_trigger AS t
    WHERE NOT t.tgisinternal
    UNION ALL
    SELECT r.ev_class, 'rule', r.rulename::text, pg_catalog.pg_get_ruledef(r.oid)::text,
           CASE r.ev_enabled::text WHEN 'O' THEN '' WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'enabled for replicas' ELSE 'always enabled' END
    FROM pg_catalog.pg_rewrite AS r
    WHERE r.rulename::text <> '_RETURN'
    UNION ALL
    SELECT p.polrelid, 'policy', p.polname::text,
           pg_catalog.concat_ws(' ', CASE WHEN p.polpermissive THEN 'permissive' ELSE 'restrictive' END, 'for ' || p.polcmd::text, 'to ' || coalesce(roles.names, 'public'),
               'using ' || pg_catalog.pg_get_expr(p.polqual, p.polrelid), 'with check ' || pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid)),
           ''
    FROM pg_catalog.pg_policy AS p
    LEFT JOIN LATERAL (
        SELECT pg_catalog.string_agg(a.rolname::text, ', ' ORDER BY a.rolname::text) AS names FROM pg_catalog.pg_roles AS a WHERE a.oid = ANY (p.polroles)
    ) AS roles ON true
    UNION ALL
    SELECT s.oid, 'row security', '', CASE WHEN s.relforcerowsecurity THEN 'forced' ELSE 'enabled' END, ''
    FROM pg_catalog.pg_class AS s
    WHERE s.relrowsecurity
    UNION ALL
    SELECT d.adrelid, CASE WHEN a.attgenerated::text = '' THEN 'default' ELSE 'generated' END, a.attname::text, pg_catalog.pg_get_expr(d.adbin, d.adrelid)::text, ''
    FROM pg_catalog.pg_attrdef AS d
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
    UNION ALL
    SELECT s.oid, 'partitions', '', pg_catalog.pg_get_partkeydef(s.oid)::text, ''
    FROM pg_catalog.pg_class AS s
    WHERE s.relkind = 'p'
    UNION ALL
    SELECT h.inhrelid, 'parent', pg_catalog.concat(m.nspname, '.', b.relname), coalesce(pg_catalog.pg_get_expr(s.relpartbound, s.oid), 'inherits')::text, ''
    FROM pg_catalog.pg_inherits AS h
    JOIN pg_catalog.pg_class AS s ON s.oid = h.inhrelid
    JOIN pg_catalog.pg_class AS b ON b.oid = h.inhparent
    JOIN pg_catalog.pg_namespace AS m ON m.oid = b.relnamespace
    WHERE s.relkind IN ('r', 'p', 'f')
    UNION ALL
    SELECT v.oid, CASE v.relkind WHEN 'm' THEN 'materialized view' ELSE 'view' END, '', pg_catalog.pg_get_viewdef(v.oid)::text,
           CASE WHEN v.relispopulated THEN '' ELSE 'not populated' END
    FROM pg_catalog.pg_class AS v
    WHERE v.relkind IN ('v', 'm')
) AS o (relid, kind, name, definition, state)
JOIN pg_catalog.pg_class AS c ON c.oid = o.relid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname::text = ANY ($1::text[])
