-- Triggers, rules and policies in the schemas $1 of the target, in whatever state,
-- and event triggers. Versions: 13 to 18.
SELECT n.nspname::pg_catalog.text AS schema,
       c.relname::pg_catalog.text AS "table",
       h.kind AS kind,
       h.name AS name
FROM (
    SELECT t.tgrelid, 'trigger', t.tgname::pg_catalog.text FROM pg_catalog.pg_trigger t WHERE NOT t.tgisinternal
    UNION ALL
    SELECT r.ev_class, 'rule', r.rulename::pg_catalog.text FROM pg_catalog.pg_rewrite r WHERE r.rulename <> '_RETURN'
    UNION ALL
    SELECT p.polrelid, 'policy', p.polname::pg_catalog.text FROM pg_catalog.pg_policy p
) h (relid, kind, name)
JOIN pg_catalog.pg_class c ON c.oid = h.relid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = ANY ($1::pg_catalog.text[])
UNION ALL
SELECT '', '', 'event trigger', e.evtname::pg_catalog.text FROM pg_catalog.pg_event_trigger e
ORDER BY 1, 2, 3, 4
