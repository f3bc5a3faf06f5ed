-- settings_shown for a role that one of the settings is hidden from. Versions: 13 to 18.
SELECT s.name::pg_catalog.text
FROM pg_catalog.pg_settings s
WHERE s.name = ANY ($1::pg_catalog.text[])
ORDER BY 1
