-- The target's collations by name; those of pg_catalog work under any encoding
-- (-1) or that of the database. Versions: 13 to 18.
SELECT DISTINCT collname::pg_catalog.text
FROM pg_catalog.pg_collation
WHERE collencoding IN (-1, pg_catalog.pg_char_to_encoding(pg_catalog.getdatabaseencoding()))
ORDER BY 1
