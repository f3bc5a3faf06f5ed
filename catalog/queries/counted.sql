-- What is only counted, or lies outside of the catalogs of others.sql: large
-- objects (with the size of their pages) and their comments, subscriptions, of which the
-- definition has no connection: that may hold a password. Of pg_subscription
-- only columns that everybody may read on 13. Versions: 13 to 18.
SELECT 'large object' AS kind, '' AS name, pg_catalog.count(*) AS count,
       CASE WHEN pg_catalog.count(*) > 0 THEN pg_catalog.pg_relation_size('pg_catalog.pg_largeobject') ELSE 0 END AS bytes,
       '{}'::pg_catalog.text[] AS def
FROM pg_catalog.pg_largeobject_metadata
UNION ALL
SELECT 'comment on large object', '', pg_catalog.count(*), 0, '{}'
FROM pg_catalog.pg_description d
WHERE d.classoid = 'pg_catalog.pg_largeobject'::pg_catalog.regclass
UNION ALL
SELECT 'subscription', s.subname::pg_catalog.text, 0, 0,
       ARRAY['CREATE SUBSCRIPTION ' || pg_catalog.quote_ident(s.subname) || ' CONNECTION '''' PUBLICATION '
             || (SELECT pg_catalog.string_agg(pg_catalog.quote_ident(x.name), ', ') FROM pg_catalog.unnest(s.subpublications) x(name))
             || ' WITH (connect = false, enabled = false, create_slot = false, slot_name = '
             || CASE WHEN s.subslotname IS NULL THEN 'NONE' ELSE pg_catalog.quote_literal(s.subslotname) END || ')']
FROM pg_catalog.pg_subscription s
JOIN pg_catalog.pg_database d ON d.oid = s.subdbid AND d.datname = pg_catalog.current_database()
