-- What cutting relations into pieces needs: size from the file system, storage,
-- and whether the role may read them. A name that is gone gives no row.
-- $1, $2: schemas and names. Works on 13 to 18.
SELECT want.ord::bigint,
       c.relkind::text AS kind,
       coalesce(am.amname::text, '') AS method,
       coalesce(pg_catalog.pg_relation_size(c.oid), 0) AS heap,
       CASE WHEN c.reltoastrelid = 0 THEN 0 ELSE coalesce(pg_catalog.pg_relation_size(c.reltoastrelid), 0) END AS toast,
       pg_catalog.current_setting('block_size')::bigint AS block,
       c.reltuples::bigint AS tuples,
       pg_catalog.has_any_column_privilege(c.oid, 'SELECT') AS readable,
       pg_catalog.has_table_privilege(c.oid, 'SELECT') AS ranges -- ctid has no right of its own
  FROM ROWS FROM (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::text[])) WITH ORDINALITY AS want(schema, name, ord)
  JOIN pg_catalog.pg_namespace n ON n.nspname = want.schema
  JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = want.name
  LEFT JOIN pg_catalog.pg_am am ON am.oid = c.relam
 ORDER BY want.ord
