-- Routines in the schemas $1 of a target whose pg_catalog is not PostgreSQL's, by
-- their names alone: it does not tell their arguments.
SELECT r.routine_schema::text AS schema, r.routine_name::text AS plain, '' AS name
FROM information_schema.routines r
WHERE r.routine_schema::text = ANY ($1::text[])
