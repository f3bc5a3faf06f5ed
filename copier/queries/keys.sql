-- The unique key that each relation's ranges can go by: its primary key, else
-- the shortest unique index, over NOT NULL columns whose values as text are read
-- back as the same values, in the order that ORDER BY of the columns gives
-- (their collations, the default operators, one direction). $1, $2: schemas and
-- names. Works on 13 to 18: a NOT NULL constraint that was not validated is one
-- of 18.
SELECT want.ord::bigint,
       k.columns, k.types, k.collations,
       coalesce(pg_catalog.abs(s.correlation), 1)::double precision AS correlation -- of the heap's order with the first column's
  FROM ROWS FROM (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::text[])) WITH ORDINALITY AS want(schema, name, ord)
  JOIN pg_catalog.pg_namespace n ON n.nspname = want.schema
  JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = want.name
 CROSS JOIN LATERAL (
       SELECT pg_catalog.array_agg(a.attname::text ORDER BY p.place) AS columns,
              pg_catalog.array_agg(pg_catalog.format_type(b.oid, -1) ORDER BY p.place) AS types,
              pg_catalog.array_agg(CASE WHEN co.oid IS NULL THEN '' ELSE pg_catalog.quote_ident(cn.nspname) || '.' || pg_catalog.quote_ident(co.collname) END
                                   ORDER BY p.place) AS collations
         FROM pg_catalog.pg_index i
         JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
         JOIN pg_catalog.pg_am am ON am.oid = x.relam AND am.amname = 'btree'
        CROSS JOIN LATERAL pg_catalog.generate_series(0, i.indnkeyatts - 1) AS p(place)
         JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[p.place]
         JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
         JOIN pg_catalog.pg_type b ON b.oid = CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END
         JOIN pg_catalog.pg_opclass o ON o.oid = i.indclass[p.place]
         LEFT JOIN pg_catalog.pg_collation co ON co.oid = a.attcollation
         LEFT JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace
        WHERE i.indrelid = c.oid
          AND i.indisunique AND i.indisvalid AND i.indisready AND i.indimmediate
          AND i.indpred IS NULL AND i.indexprs IS NULL
        GROUP BY i.indexrelid, i.indnkeyatts, i.indisprimary, x.relname
       HAVING pg_catalog.count(*) = i.indnkeyatts
          AND pg_catalog.bool_and(a.attnotnull
              AND o.opcdefault
              AND i.indcollation[p.place] = a.attcollation
              AND b.typnamespace = 'pg_catalog'::pg_catalog.regnamespace
              AND b.typname IN ('int2', 'int4', 'int8', 'oid', 'numeric', 'float4', 'float8', 'uuid', 'text', 'varchar', 'bpchar',
                                'date', 'timestamp', 'timestamptz', 'time', 'bytea')
              AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint u
                               WHERE u.conrelid = c.oid AND u.contype = 'n' AND NOT u.convalidated AND a.attnum = ANY (u.conkey)))
          AND (pg_catalog.bool_and(i.indoption[p.place] = 0) OR pg_catalog.bool_and(i.indoption[p.place] = 3)) -- ASC NULLS LAST, or its mirror image
        ORDER BY i.indisprimary DESC, i.indnkeyatts, x.relname
        LIMIT 1) k
  LEFT JOIN pg_catalog.pg_stats s ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = k.columns[1] AND NOT s.inherited
 ORDER BY want.ord
