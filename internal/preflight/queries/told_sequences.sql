-- Sequences in the schemas $1 of such a target. To whom one belongs is not told.
SELECT sequence_schema::text AS schema, sequence_name::text AS name, 'sequence' AS kind, '' AS owner
FROM information_schema.sequences
WHERE sequence_schema::text = ANY ($1::text[])
ORDER BY 1, 2
