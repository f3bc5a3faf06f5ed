-- The databases of the server, and which of them this role may connect to:
-- templates and those of the provider's own are no user's. Versions: 13 to 18.
SELECT d.datname::pg_catalog.text AS name,
       CASE WHEN NOT d.datallowconn THEN 'it allows no connections'
            WHEN NOT pg_catalog.has_database_privilege(d.oid, 'CONNECT')
            THEN pg_catalog.format('role %I lacks the CONNECT privilege', CURRENT_USER)
            ELSE '' END AS reason
FROM pg_catalog.pg_database d
WHERE NOT d.datistemplate
  AND d.datname NOT IN ('rdsadmin', 'azure_maintenance', 'azure_sys', 'cloudsqladmin')
ORDER BY d.datname COLLATE "C"
