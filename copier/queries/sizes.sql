-- Size and storage of relations, by name, for cutting them into parts. The
-- sizes come from the file system (never relpages, which may be years old) and
-- are read after the snapshot was taken: every row that the snapshot sees lies
-- below them. $1, $2: schemas and names. Works on 13 to 18.
SELECT want.ord::bigint,
       c.relkind::text AS kind,
       coalesce(am.amname::text, '') AS method,
       coalesce(pg_catalog.pg_relation_size(c.oid), 0) AS heap, -- NULL: dropped since the snapshot, as its worker will find
       CASE WHEN c.reltoastrelid = 0 THEN 0 ELSE coalesce(pg_catalog.pg_relation_size(c.reltoastrelid), 0) END AS toast,
       pg_catalog.current_setting('block_size')::bigint AS block
  FROM ROWS FROM (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::text[])) WITH ORDINALITY AS want(schema, name, ord)
  JOIN pg_catalog.pg_namespace n ON n.nspname = want.schema
  JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = want.name
  LEFT JOIN pg_catalog.pg_am am ON am.oid = c.relam
 ORDER BY want.ord
