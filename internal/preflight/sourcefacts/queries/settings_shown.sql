-- Which of the settings $1 the server has: a service's own, and those that
-- somebody gave a value by ALTER DATABASE or ALTER ROLE. Versions: 13 to 18.
SELECT u.name
FROM pg_catalog.unnest($1::pg_catalog.text[]) u(name)
WHERE pg_catalog.current_setting(u.name, true) IS NOT NULL
ORDER BY 1
