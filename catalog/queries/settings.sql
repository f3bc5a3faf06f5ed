-- Parameters set for this database, and for roles in all databases; the reader
-- keeps the latter of the roles that matter here. The value of a parameter with
-- a dot in its name is not read: applications keep secrets there. Versions: 13
-- to 18.
SELECT CASE s.setrole WHEN 0 THEN '' ELSE pg_catalog.pg_get_userbyid(s.setrole)::pg_catalog.text END AS role,
       s.setdatabase <> 0 AS database,
       pg_catalog.split_part(u.setting, '=', 1) AS name,
       CASE WHEN pg_catalog.split_part(u.setting, '=', 1) ~ '[.]' THEN ''
            ELSE pg_catalog.substr(u.setting, pg_catalog.strpos(u.setting, '=') + 1) END AS value,
       pg_catalog.split_part(u.setting, '=', 1) ~ '[.]' AS unread
FROM pg_catalog.pg_db_role_setting s
CROSS JOIN LATERAL pg_catalog.unnest(s.setconfig) u(setting)
WHERE s.setdatabase = 0
   OR s.setdatabase = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
