-- Range types. The multirange came with 14; operator class and collation are
-- told where they are not the subtype's own. Versions: 13 to 18.
SELECT t.oid::pg_catalog.int8 AS oid,
       n.nspname::pg_catalog.text AS schema,
       t.typname::pg_catalog.text AS name,
       r.rngsubtype::pg_catalog.int8 AS subtype,
       COALESCE(mn.nspname::pg_catalog.text, '') AS multirange_schema,
       COALESCE(m.typname::pg_catalog.text, '') AS multirange,
       CASE WHEN o.opcdefault THEN '' ELSE opn.nspname::pg_catalog.text END AS opclass_schema,
       CASE WHEN o.opcdefault THEN '' ELSE o.opcname::pg_catalog.text END AS opclass,
       COALESCE(cn.nspname::pg_catalog.text, '') AS collation_schema,
       COALESCE(c.collname::pg_catalog.text, '') AS collation,
       COALESCE(fn.nspname::pg_catalog.text, '') AS canonical_schema,
       COALESCE(f.proname || '(' || pg_catalog.format_type(t.oid, NULL) || ')', '') AS canonical,
       COALESCE(dn.nspname::pg_catalog.text, '') AS diff_schema,
       COALESCE(d.proname || '(' || pg_catalog.format_type(r.rngsubtype, NULL) || ',' || pg_catalog.format_type(r.rngsubtype, NULL) || ')', '') AS diff
FROM pg_catalog.pg_range r
JOIN pg_catalog.pg_type t ON t.oid = r.rngtypid
JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
JOIN pg_catalog.pg_type st ON st.oid = r.rngsubtype
JOIN pg_catalog.pg_opclass o ON o.oid = r.rngsubopc
JOIN pg_catalog.pg_namespace opn ON opn.oid = o.opcnamespace
LEFT JOIN pg_catalog.pg_type m ON m.oid = (pg_catalog.to_jsonb(r) ->> 'rngmultitypid')::pg_catalog.oid
LEFT JOIN pg_catalog.pg_namespace mn ON mn.oid = m.typnamespace
LEFT JOIN pg_catalog.pg_collation c ON c.oid = r.rngcollation AND c.oid <> st.typcollation
LEFT JOIN pg_catalog.pg_namespace cn ON cn.oid = c.collnamespace
LEFT JOIN pg_catalog.pg_proc f ON f.oid = r.rngcanonical
LEFT JOIN pg_catalog.pg_namespace fn ON fn.oid = f.pronamespace
LEFT JOIN pg_catalog.pg_proc d ON d.oid = r.rngsubdiff
LEFT JOIN pg_catalog.pg_namespace dn ON dn.oid = d.pronamespace
WHERE t.oid >= 16384
  AND n.nspname NOT IN ('pg_toast', '_pg2db9', '_pg2db9_probe')
  AND n.nspname !~ '^pg_(toast_)?temp_[0-9]+$'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                  WHERE e.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND e.objid = t.oid AND e.deptype = 'e')
