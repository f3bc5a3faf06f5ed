-- The columns that a COPY fills, in order. The relation is a quoted, perhaps
-- qualified name; the columns are an array of the names that the COPY lists, or
-- NULL for all. Words in at signs stand for both.
-- A domain counts as its base type. Fourth are the indexes that hold the column.
-- Versions: 13 to 18.
WITH RECURSIVE base (oid, typ) AS (
    SELECT t.oid, t.oid FROM pg_catalog.pg_type t
    JOIN pg_catalog.pg_attribute a ON a.atttypid = t.oid AND a.attrelid = pg_catalog.to_regclass(@relation@)
    UNION
    SELECT b.oid, t.typbasetype FROM base b JOIN pg_catalog.pg_type t ON t.oid = b.typ
    WHERE t.typtype = 'd'
)
SELECT a.attname::text,
       (SELECT t.typname::text FROM base b JOIN pg_catalog.pg_type t ON t.oid = b.typ
        WHERE b.oid = a.atttypid AND t.typtype <> 'd' LIMIT 1),
       (a.atthasdef OR a.attidentity <> '')::int::text,
       COALESCE((SELECT pg_catalog.string_agg(i.indexrelid::text, ',') FROM pg_catalog.pg_index i
                 WHERE i.indrelid = a.attrelid AND a.attnum = ANY (i.indkey)), ''),
       EXISTS (SELECT FROM pg_catalog.pg_constraint k
               WHERE k.contype = 'f' AND k.conrelid = a.attrelid AND k.confrelid = a.attrelid)::int::text
FROM pg_catalog.pg_attribute a
LEFT JOIN pg_catalog.unnest(@columns@::text[]) WITH ORDINALITY l (name, n) ON l.name = a.attname
WHERE a.attrelid = pg_catalog.to_regclass(@relation@)
  AND a.attnum > 0 AND NOT a.attisdropped
  AND (l.name IS NOT NULL OR @columns@::text[] IS NULL AND a.attgenerated = '')
ORDER BY l.n, a.attnum
