-- The target's roles, and whether policies can hold for the one that asks: it is
-- no superuser, and has no BYPASSRLS. A DB9 may not have all of the columns.
-- Versions: 13 to 18.
SELECT r.rolname::text AS name,
       (r.rolname = current_user AND NOT r.rolsuper AND NOT r.rolbypassrls) AS obeys
FROM pg_catalog.pg_roles r
ORDER BY 1
