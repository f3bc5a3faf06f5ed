-- Functions, procedures, window functions and aggregates of the user's, with
-- what CREATE AGGREGATE says of the latter. Members of extensions and what types
-- bring with them (the constructors of ranges and multiranges depend on the range
-- internally) are left out. name carries the types of the arguments that tell the
-- routine from others of its name, as references to it do. def, arguments,
-- identity_args and returns come from functions that read what stands now; def is
-- NULL where the routine is gone. starts is how its text must begin: CREATE, kind
-- and name as they are here. prosqlbody is there from 14 on. Versions: 13 to 18.
WITH routine (oid, func) AS (
    SELECT p.oid, pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(p.proname)
    FROM pg_catalog.pg_proc p
    JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
)
SELECT p.oid::pg_catalog.int8 AS oid,
       n.nspname::pg_catalog.text AS schema,
       p.proname || '(' || pg_catalog.array_to_string(ARRAY(
           SELECT pg_catalog.format_type(u.typ, NULL)
           FROM pg_catalog.unnest(p.proargtypes::pg_catalog.oid[]) WITH ORDINALITY u(typ, ord)
           ORDER BY u.ord), ',') || ')' AS name,
       p.proname::pg_catalog.text AS plain,
       p.prokind::pg_catalog.text AS kind,
       COALESCE(pg_catalog.pg_get_function_identity_arguments(p.oid), '') AS identity_args,
       COALESCE(pg_catalog.pg_get_function_arguments(p.oid), '') AS arguments,
       COALESCE(p.proallargtypes, p.proargtypes::pg_catalog.oid[])::pg_catalog.int8[] AS arg_types,
       p.proargmodes::pg_catalog.text[] AS arg_modes,
       p.proargnames AS arg_names,
       p.pronargdefaults::pg_catalog.int4 AS defaults,
       COALESCE(pg_catalog.pg_get_function_result(p.oid), '') AS returns,
       p.prorettype::pg_catalog.int8 AS returns_type,
       p.proretset AS returns_set,
       l.lanname::pg_catalog.text AS language,
       CASE WHEN p.prokind <> 'a' THEN pg_catalog.pg_get_functiondef(p.oid) END AS def,
       'CREATE OR REPLACE ' || CASE p.prokind WHEN 'p' THEN 'PROCEDURE ' ELSE 'FUNCTION ' END
           || pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(p.proname) || '(' AS starts,
       p.prosrc AS body,
       (pg_catalog.to_jsonb(p) ->> 'prosqlbody') IS NOT NULL AS sql_body,
       p.provolatile::pg_catalog.text AS volatility,
       p.proparallel::pg_catalog.text AS parallel,
       p.proisstrict AS strict,
       p.prosecdef AS security_definer,
       p.proleakproof AS leakproof,
       p.proconfig AS settings,
       COALESCE(a.aggkind::pg_catalog.text, '') AS agg_kind,
       pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(p.proname) AS quoted,
       COALESCE((SELECT r.func FROM routine r WHERE r.oid = a.aggtransfn), '') AS agg_trans,
       COALESCE(pg_catalog.format_type(a.aggtranstype, NULL), '') AS agg_type,
       COALESCE(a.aggtransspace, 0) AS agg_space,
       a.agginitval AS agg_init,
       COALESCE((SELECT r.func FROM routine r WHERE r.oid = a.aggfinalfn), '') AS agg_final,
       COALESCE(a.aggfinalextra, false) AS agg_final_extra,
       COALESCE(a.aggfinalmodify::pg_catalog.text, '') AS agg_final_modify,
       COALESCE((SELECT r.func FROM routine r WHERE r.oid = a.aggcombinefn), '') AS agg_combine,
       COALESCE((SELECT r.func FROM routine r WHERE r.oid = a.aggserialfn), '') AS agg_serial,
       COALESCE((SELECT r.func FROM routine r WHERE r.oid = a.aggdeserialfn), '') AS agg_deserial,
       COALESCE((SELECT r.func FROM routine r WHERE r.oid = a.aggmtransfn), '') AS agg_moving_trans,
       COALESCE((SELECT r.func FROM routine r WHERE r.oid = a.aggminvtransfn), '') AS agg_moving_inverse,
       COALESCE(pg_catalog.format_type(NULLIF(a.aggmtranstype, 0), NULL), '') AS agg_moving_type,
       COALESCE(a.aggmtransspace, 0) AS agg_moving_space,
       a.aggminitval AS agg_moving_init,
       COALESCE((SELECT r.func FROM routine r WHERE r.oid = a.aggmfinalfn), '') AS agg_moving_final,
       COALESCE(a.aggmfinalextra, false) AS agg_moving_final_extra,
       COALESCE(a.aggmfinalmodify::pg_catalog.text, '') AS agg_moving_final_modify,
       COALESCE((SELECT 'OPERATOR(' || pg_catalog.quote_ident(os.nspname) || '.' || o.oprname || ')'
                 FROM pg_catalog.pg_operator o
                 JOIN pg_catalog.pg_namespace os ON os.oid = o.oprnamespace
                 WHERE o.oid = a.aggsortop), '') AS agg_sort
FROM pg_catalog.pg_proc p
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
JOIN pg_catalog.pg_language l ON l.oid = p.prolang
LEFT JOIN pg_catalog.pg_aggregate a ON a.aggfnoid = p.oid
WHERE p.oid >= 16384
  AND n.nspname NOT IN ('pg_toast', '_pg2db9', '_pg2db9_probe') AND n.nspname !~ '^pg_(toast_)?temp_[0-9]+$'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                  WHERE e.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND e.objid = p.oid AND e.deptype IN ('e', 'i'))
