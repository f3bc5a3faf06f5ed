-- Every role of the cluster that is not PostgreSQL's own, without its password:
-- pg_roles shows none, and pg_authid is closed to most. The reader keeps those
-- that matter to the database. Memberships that allow no more than to grant
-- them (16 gives such to whoever makes a role) are none. Versions: 13 to 18.
SELECT r.rolname::pg_catalog.text AS name,
       r.rolcanlogin AS login,
       r.rolsuper AS superuser,
       r.rolcreatedb AS create_db,
       r.rolcreaterole AS create_role,
       r.rolinherit AS inherit,
       r.rolreplication AS replication,
       r.rolbypassrls AS bypass_rls,
       r.rolconnlimit AS conn_limit,
       ARRAY(SELECT DISTINCT g.rolname::pg_catalog.text
             FROM pg_catalog.pg_auth_members m
             JOIN pg_catalog.pg_roles g ON g.oid = m.roleid
             WHERE m.member = r.oid
               AND (COALESCE((pg_catalog.to_jsonb(m) ->> 'inherit_option')::pg_catalog.bool, true)
                    OR COALESCE((pg_catalog.to_jsonb(m) ->> 'set_option')::pg_catalog.bool, true))) AS member_of
FROM pg_catalog.pg_roles r
WHERE r.rolname !~ '^pg_'
