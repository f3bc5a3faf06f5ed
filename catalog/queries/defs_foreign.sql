-- Foreign data wrappers, servers and user mappings. Options that may hold a
-- secret are named in secrets and left out. Those of user mappings, which are
-- secrets as a rule, are not asked for.
-- Versions: 13 to 18.
WITH given (class, oid, option, name, value) AS (
    SELECT 'pg_foreign_data_wrapper', w.oid, o.option, pg_catalog.split_part(o.option, '=', 1), pg_catalog.substr(o.option, pg_catalog.strpos(o.option, '=') + 1)
    FROM pg_catalog.pg_foreign_data_wrapper w
    CROSS JOIN LATERAL pg_catalog.unnest(w.fdwoptions) o(option)
    UNION ALL
    SELECT 'pg_foreign_server', s.oid, o.option, pg_catalog.split_part(o.option, '=', 1), pg_catalog.substr(o.option, pg_catalog.strpos(o.option, '=') + 1)
    FROM pg_catalog.pg_foreign_server s
    CROSS JOIN LATERAL pg_catalog.unnest(s.srvoptions) o(option)
), options (class, oid, list, secrets) AS (
    SELECT g.class, g.oid,
           ' OPTIONS (' || pg_catalog.string_agg(pg_catalog.quote_ident(g.name) || ' ' || pg_catalog.quote_literal(g.value), ', ' ORDER BY g.name COLLATE "C")
                           FILTER (WHERE g.option !~* '^[^=]*(pass|pwd|secret|token|key|credential|auth|cert)[^=]*=|://[^/]*@') || ')',
           pg_catalog.array_agg(g.name ORDER BY g.name COLLATE "C")
               FILTER (WHERE g.option ~* '^[^=]*(pass|pwd|secret|token|key|credential|auth|cert)[^=]*=|://[^/]*@')
    FROM given g
    GROUP BY g.class, g.oid
)
SELECT 'pg_foreign_data_wrapper' AS class, w.oid::pg_catalog.int8 AS oid,
       ARRAY['CREATE FOREIGN DATA WRAPPER ' || pg_catalog.quote_ident(w.fdwname)
             || CASE WHEN w.fdwhandler = 0 THEN '' ELSE ' HANDLER ' || w.fdwhandler::pg_catalog.regproc END
             || CASE WHEN w.fdwvalidator = 0 THEN '' ELSE ' VALIDATOR ' || w.fdwvalidator::pg_catalog.regproc END
             || COALESCE(o.list, '')] AS def,
       COALESCE(o.secrets, '{}') AS secrets
FROM pg_catalog.pg_foreign_data_wrapper w
LEFT JOIN options o ON o.class = 'pg_foreign_data_wrapper' AND o.oid = w.oid
UNION ALL
SELECT 'pg_foreign_server', s.oid::pg_catalog.int8,
       ARRAY['CREATE SERVER ' || pg_catalog.quote_ident(s.srvname)
             || CASE WHEN COALESCE(s.srvtype, '') = '' THEN '' ELSE ' TYPE ' || pg_catalog.quote_literal(s.srvtype) END
             || CASE WHEN COALESCE(s.srvversion, '') = '' THEN '' ELSE ' VERSION ' || pg_catalog.quote_literal(s.srvversion) END
             || ' FOREIGN DATA WRAPPER ' || pg_catalog.quote_ident(w.fdwname) || COALESCE(o.list, '')],
       COALESCE(o.secrets, '{}')
FROM pg_catalog.pg_foreign_server s
JOIN pg_catalog.pg_foreign_data_wrapper w ON w.oid = s.srvfdw
LEFT JOIN options o ON o.class = 'pg_foreign_server' AND o.oid = s.oid
UNION ALL
SELECT 'pg_user_mapping', u.umid::pg_catalog.int8,
       ARRAY['CREATE USER MAPPING FOR ' || CASE u.umuser WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(u.usename) END
             || ' SERVER ' || pg_catalog.quote_ident(u.srvname)],
       ARRAY['options']
FROM pg_catalog.pg_user_mappings u
