-- Triggers, rules and policies on the tables and views of the given schemas, each
-- with what it is enabled for, and the tables' row security.
--
-- $1: schema names. Minimum server: 13. Selects text alone.
SELECT n.nspname::text AS schema_name, c.relname::text AS table_name, h.kind AS kind, h.name AS name, h.state AS state
FROM (
    SELECT t.tgrelid, 'trigger', t.tgname::text, t.tgenabled::text FROM pg_catalog.pg_trigger AS t WHERE NOT t.tgisinternal
    UNION ALL
    SELECT r.ev_class, 'rule', r.rulename::text, r.ev_enabled::text FROM pg_catalog.pg_rewrite AS r WHERE r.rulename <> '_RETURN'
    UNION ALL
    SELECT p.polrelid, 'policy', p.polname::text, 'O' FROM pg_catalog.pg_policy AS p
    UNION ALL
    SELECT s.oid, 'row security', s.relname::text, CASE WHEN s.relforcerowsecurity THEN 'F' ELSE 'O' END
    FROM pg_catalog.pg_class AS s WHERE s.relrowsecurity
) AS h (relid, kind, name, state)
JOIN pg_catalog.pg_class AS c ON c.oid = h.relid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname::text = ANY ($1::text[])
