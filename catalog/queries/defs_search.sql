-- Text search parsers, templates, dictionaries and configurations. The token
-- types of a configuration are named by its parser. Versions: 13 to 18.
SELECT 'pg_ts_parser' AS class, p.oid::pg_catalog.int8 AS oid,
       ARRAY['CREATE TEXT SEARCH PARSER ' || pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(p.prsname)
             || ' (START = ' || p.prsstart || ', GETTOKEN = ' || p.prstoken || ', END = ' || p.prsend
             || CASE WHEN p.prsheadline = 0 THEN '' ELSE ', HEADLINE = ' || p.prsheadline END
             || ', LEXTYPES = ' || p.prslextype || ')'] AS def,
       '{}'::pg_catalog.text[] AS secrets
FROM pg_catalog.pg_ts_parser p
JOIN pg_catalog.pg_namespace n ON n.oid = p.prsnamespace
WHERE p.oid >= 16384
UNION ALL
SELECT 'pg_ts_template', t.oid::pg_catalog.int8,
       ARRAY['CREATE TEXT SEARCH TEMPLATE ' || pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(t.tmplname)
             || ' (' || CASE WHEN t.tmplinit = 0 THEN '' ELSE 'INIT = ' || t.tmplinit || ', ' END || 'LEXIZE = ' || t.tmpllexize || ')'], '{}'
FROM pg_catalog.pg_ts_template t
JOIN pg_catalog.pg_namespace n ON n.oid = t.tmplnamespace
WHERE t.oid >= 16384
UNION ALL
SELECT 'pg_ts_dict', d.oid::pg_catalog.int8,
       ARRAY['CREATE TEXT SEARCH DICTIONARY ' || pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(d.dictname)
             || ' (TEMPLATE = ' || pg_catalog.quote_ident(tn.nspname) || '.' || pg_catalog.quote_ident(t.tmplname)
             || CASE WHEN COALESCE(d.dictinitoption, '') = '' THEN '' ELSE ', ' || d.dictinitoption END || ')'], '{}'
FROM pg_catalog.pg_ts_dict d
JOIN pg_catalog.pg_namespace n ON n.oid = d.dictnamespace
JOIN pg_catalog.pg_ts_template t ON t.oid = d.dicttemplate
JOIN pg_catalog.pg_namespace tn ON tn.oid = t.tmplnamespace
WHERE d.oid >= 16384
UNION ALL
SELECT 'pg_ts_config', c.oid::pg_catalog.int8,
       ARRAY['CREATE TEXT SEARCH CONFIGURATION ' || s.name || ' (PARSER = ' || pg_catalog.quote_ident(pn.nspname) || '.' || pg_catalog.quote_ident(p.prsname) || ')']
       || ARRAY(SELECT 'ALTER TEXT SEARCH CONFIGURATION ' || s.name || ' ADD MAPPING FOR ' || pg_catalog.quote_ident(k.alias) || ' WITH '
                       || pg_catalog.string_agg(pg_catalog.quote_ident(dn.nspname) || '.' || pg_catalog.quote_ident(d.dictname), ', ' ORDER BY m.mapseqno)
                FROM pg_catalog.pg_ts_config_map m
                JOIN pg_catalog.ts_token_type(c.cfgparser) k ON k.tokid = m.maptokentype
                JOIN pg_catalog.pg_ts_dict d ON d.oid = m.mapdict
                JOIN pg_catalog.pg_namespace dn ON dn.oid = d.dictnamespace
                WHERE m.mapcfg = c.oid
                GROUP BY k.tokid, k.alias
                ORDER BY k.tokid), '{}'
FROM pg_catalog.pg_ts_config c
JOIN pg_catalog.pg_namespace n ON n.oid = c.cfgnamespace
JOIN pg_catalog.pg_ts_parser p ON p.oid = c.cfgparser
JOIN pg_catalog.pg_namespace pn ON pn.oid = p.prsnamespace
CROSS JOIN LATERAL (SELECT pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.cfgname)) s(name)
WHERE c.oid >= 16384
