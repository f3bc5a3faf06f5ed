-- Event triggers and publications with their owners: some are a service's own.
-- Versions: 13 to 18.
SELECT 'event trigger' AS kind, e.evtname::pg_catalog.text AS name, pg_catalog.pg_get_userbyid(e.evtowner)::pg_catalog.text AS owner
FROM pg_catalog.pg_event_trigger e
UNION ALL
SELECT 'publication', p.pubname::pg_catalog.text, pg_catalog.pg_get_userbyid(p.pubowner)::pg_catalog.text
FROM pg_catalog.pg_publication p
ORDER BY 1, 2
