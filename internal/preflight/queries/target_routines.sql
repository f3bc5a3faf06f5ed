-- The user's routines in the schemas $1 of the target, by their names and the
-- types of their arguments; those of extensions and of types are left out.
-- Versions: 13 to 18.
SELECT n.nspname::pg_catalog.text AS schema,
       p.proname::pg_catalog.text AS plain,
       p.proname || '(' || pg_catalog.array_to_string(ARRAY(
           SELECT pg_catalog.format_type(u.typ, NULL)
           FROM pg_catalog.unnest(p.proargtypes::pg_catalog.oid[]) WITH ORDINALITY u(typ, ord)
           ORDER BY u.ord), ',') || ')' AS name
FROM pg_catalog.pg_proc p
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname = ANY ($1::pg_catalog.text[])
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                  WHERE e.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND e.objid = p.oid AND e.deptype IN ('e', 'i'))
