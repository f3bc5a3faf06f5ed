-- Default privileges. Those of the whole database take the place of the built-in
-- default, and are compared with it; those of a schema are added. Versions: 13
-- to 18.
WITH listed (oid, role, schema, objects, acl, base) AS (
    SELECT d.oid, d.defaclrole, n.nspname,
           CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS'
               WHEN 'T' THEN 'TYPES' WHEN 'n' THEN 'SCHEMAS' WHEN 'L' THEN 'LARGE OBJECTS' ELSE 'OTHERS' END,
           d.defaclacl,
           CASE WHEN d.defaclnamespace <> 0 THEN NULL -- which aclexplode takes for nothing
                ELSE pg_catalog.acldefault(CASE d.defaclobjtype WHEN 'S' THEN 's' ELSE d.defaclobjtype END, d.defaclrole) END
    FROM pg_catalog.pg_default_acl d
    LEFT JOIN pg_catalog.pg_namespace n ON n.oid = d.defaclnamespace
), differs (role, schema, objects, grantee, grantable, revoked, privilege) AS (
    SELECT l.role, l.schema, l.objects, x.grantee, x.is_grantable, false, x.privilege_type
    FROM listed l
    CROSS JOIN LATERAL pg_catalog.aclexplode(l.acl) x
    WHERE NOT EXISTS (SELECT FROM pg_catalog.aclexplode(l.base) b
                      WHERE b.grantee = x.grantee AND b.privilege_type = x.privilege_type AND b.is_grantable = x.is_grantable)
    UNION ALL
    SELECT l.role, l.schema, l.objects, b.grantee, b.is_grantable, true, b.privilege_type
    FROM listed l
    CROSS JOIN LATERAL pg_catalog.aclexplode(l.base) b
    WHERE NOT EXISTS (SELECT FROM pg_catalog.aclexplode(l.acl) x
                      WHERE b.grantee = x.grantee AND b.privilege_type = x.privilege_type)
)
SELECT pg_catalog.pg_get_userbyid(d.role)::pg_catalog.text AS role,
       COALESCE(d.schema::pg_catalog.text, '') AS schema,
       d.objects AS objects,
       CASE d.grantee WHEN 0 THEN '' ELSE pg_catalog.pg_get_userbyid(d.grantee)::pg_catalog.text END AS grantee,
       d.grantable AS grantable,
       d.revoked AS revoked,
       pg_catalog.array_agg(d.privilege ORDER BY d.privilege COLLATE pg_catalog."C") AS privileges
FROM differs d
GROUP BY d.role, d.schema, d.objects, d.grantee, d.grantable, d.revoked
