-- Base types: the shell that their functions refer to, then the type; of a
-- shell type the first alone. Array types, which come with their element, have
-- no row. typsubscript came with 14. Versions: 13 to 18.
SELECT 'pg_type' AS class,
       t.oid::pg_catalog.int8 AS oid,
       ARRAY['CREATE TYPE ' || s.name]
       || CASE WHEN t.typisdefined THEN ARRAY[
           'CREATE TYPE ' || s.name || ' (INPUT = ' || t.typinput || ', OUTPUT = ' || t.typoutput
           || CASE WHEN t.typreceive = 0 THEN '' ELSE ', RECEIVE = ' || t.typreceive END
           || CASE WHEN t.typsend = 0 THEN '' ELSE ', SEND = ' || t.typsend END
           || CASE WHEN t.typmodin = 0 THEN '' ELSE ', TYPMOD_IN = ' || t.typmodin END
           || CASE WHEN t.typmodout = 0 THEN '' ELSE ', TYPMOD_OUT = ' || t.typmodout END
           || CASE WHEN t.typanalyze = 0 THEN '' ELSE ', ANALYZE = ' || t.typanalyze END
           || CASE WHEN COALESCE(pg_catalog.to_jsonb(t) ->> 'typsubscript', '-') = '-' THEN ''
                   ELSE ', SUBSCRIPT = ' || (pg_catalog.to_jsonb(t) ->> 'typsubscript') END
           || ', INTERNALLENGTH = ' || CASE WHEN t.typlen < 0 THEN 'VARIABLE' ELSE t.typlen::pg_catalog.text END
           || CASE WHEN t.typbyval THEN ', PASSEDBYVALUE' ELSE '' END
           || ', ALIGNMENT = ' || CASE t.typalign WHEN 'c' THEN 'char' WHEN 's' THEN 'int2' WHEN 'd' THEN 'double' ELSE 'int4' END
           || ', STORAGE = ' || CASE t.typstorage WHEN 'p' THEN 'plain' WHEN 'e' THEN 'external' WHEN 'm' THEN 'main' ELSE 'extended' END
           || ', CATEGORY = ' || pg_catalog.quote_literal(t.typcategory::pg_catalog.text)
           || CASE WHEN t.typispreferred THEN ', PREFERRED = true' ELSE '' END
           || CASE WHEN t.typdefault IS NULL THEN '' ELSE ', DEFAULT = ' || pg_catalog.quote_literal(t.typdefault) END
           || CASE WHEN t.typelem = 0 THEN '' ELSE ', ELEMENT = ' || pg_catalog.format_type(t.typelem, NULL) END
           || ', DELIMITER = ' || pg_catalog.quote_literal(t.typdelim::pg_catalog.text)
           || CASE WHEN t.typcollation = 0 THEN '' ELSE ', COLLATABLE = true' END
           || ')'] ELSE '{}' END AS def,
       '{}'::pg_catalog.text[] AS secrets
FROM pg_catalog.pg_type t
JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
CROSS JOIN LATERAL (SELECT pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(t.typname)) s(name)
WHERE t.oid >= 16384
  AND (t.typtype IN ('b', 'p') OR NOT t.typisdefined)
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_type el WHERE el.oid = t.typelem AND el.typarray = t.oid)
