-- Casts, transforms, conversions, languages and access methods. Built-in ones
-- (OIDs below 16384) have no row. Versions: 13 to 18.
SELECT 'pg_cast' AS class, k.oid::pg_catalog.int8 AS oid,
       ARRAY['CREATE CAST (' || pg_catalog.format_type(k.castsource, NULL) || ' AS ' || pg_catalog.format_type(k.casttarget, NULL) || ')'
             || CASE k.castmethod WHEN 'f' THEN ' WITH FUNCTION ' || k.castfunc::pg_catalog.regprocedure
                                  WHEN 'i' THEN ' WITH INOUT' ELSE ' WITHOUT FUNCTION' END
             || CASE k.castcontext WHEN 'a' THEN ' AS ASSIGNMENT' WHEN 'i' THEN ' AS IMPLICIT' ELSE '' END] AS def,
       '{}'::pg_catalog.text[] AS secrets
FROM pg_catalog.pg_cast k
WHERE k.oid >= 16384
UNION ALL
SELECT 'pg_transform', f.oid::pg_catalog.int8,
       ARRAY['CREATE TRANSFORM FOR ' || pg_catalog.format_type(f.trftype, NULL) || ' LANGUAGE ' || pg_catalog.quote_ident(l.lanname) || ' ('
             || pg_catalog.concat_ws(', ',
                    CASE WHEN f.trffromsql <> 0 THEN 'FROM SQL WITH FUNCTION ' || f.trffromsql::pg_catalog.regprocedure END,
                    CASE WHEN f.trftosql <> 0 THEN 'TO SQL WITH FUNCTION ' || f.trftosql::pg_catalog.regprocedure END) || ')'], '{}'
FROM pg_catalog.pg_transform f
JOIN pg_catalog.pg_language l ON l.oid = f.trflang
WHERE f.oid >= 16384
UNION ALL
SELECT 'pg_conversion', c.oid::pg_catalog.int8,
       ARRAY['CREATE ' || CASE WHEN c.condefault THEN 'DEFAULT ' ELSE '' END || 'CONVERSION '
             || pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.conname)
             || ' FOR ' || pg_catalog.quote_literal(pg_catalog.pg_encoding_to_char(c.conforencoding))
             || ' TO ' || pg_catalog.quote_literal(pg_catalog.pg_encoding_to_char(c.contoencoding)) || ' FROM ' || c.conproc], '{}'
FROM pg_catalog.pg_conversion c
JOIN pg_catalog.pg_namespace n ON n.oid = c.connamespace
WHERE c.oid >= 16384
UNION ALL
SELECT 'pg_language', l.oid::pg_catalog.int8,
       ARRAY['CREATE ' || CASE WHEN l.lanpltrusted THEN 'TRUSTED ' ELSE '' END || 'LANGUAGE ' || pg_catalog.quote_ident(l.lanname)
             || ' HANDLER ' || l.lanplcallfoid::pg_catalog.regproc
             || CASE WHEN l.laninline = 0 THEN '' ELSE ' INLINE ' || l.laninline::pg_catalog.regproc END
             || CASE WHEN l.lanvalidator = 0 THEN '' ELSE ' VALIDATOR ' || l.lanvalidator::pg_catalog.regproc END], '{}'
FROM pg_catalog.pg_language l
WHERE l.oid >= 16384 AND l.lanplcallfoid <> 0
UNION ALL
SELECT 'pg_am', a.oid::pg_catalog.int8,
       ARRAY['CREATE ACCESS METHOD ' || pg_catalog.quote_ident(a.amname) || ' TYPE ' || CASE a.amtype WHEN 't' THEN 'TABLE' ELSE 'INDEX' END
             || ' HANDLER ' || a.amhandler], '{}'
FROM pg_catalog.pg_am a
WHERE a.oid >= 16384
