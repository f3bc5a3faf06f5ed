-- Triggers and rules of the user's on the tables $1.$2 of the target that act
-- on each row loaded. Versions: 13 to 18.
SELECT n.nspname::pg_catalog.text AS schema,
       c.relname::pg_catalog.text AS "table",
       'trigger' AS kind,
       t.tgname::pg_catalog.text AS name
FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.text[])) u(schema, name)
JOIN pg_catalog.pg_namespace n ON n.nspname = u.schema
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = u.name
JOIN pg_catalog.pg_trigger t ON t.tgrelid = c.oid
WHERE NOT t.tgisinternal AND t.tgenabled <> 'D' AND t.tgenabled <> 'R'
UNION ALL
SELECT n.nspname::pg_catalog.text, c.relname::pg_catalog.text, 'rule', r.rulename::pg_catalog.text
FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.text[])) u(schema, name)
JOIN pg_catalog.pg_namespace n ON n.nspname = u.schema
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = u.name
JOIN pg_catalog.pg_rewrite r ON r.ev_class = c.oid
WHERE r.ev_type <> '1' AND r.ev_enabled <> 'D' AND r.ev_enabled <> 'R'
ORDER BY 1, 2, 3, 4
