-- What has to be as before when another table takes the place of $1.$2, whose name
-- meanwhile is $3 (with $3 as a stem for names of what belongs to it). Each row is a
-- statement with the step that it belongs to, or (step 'refuse') why the table cannot
-- be swapped. Steps: 'make' before the rows, 'load' behind them, 'swap' in the
-- transaction that swaps once the names are changed, 'name' in it once the former
-- table is gone; 'sequence' is the column of an identity, and its sequence's name
-- and type (LIKE makes all of them bigint). Read with an empty search_path. PostgreSQL 13 to 18.
WITH t AS (
    SELECT c.*, n.nspname,
           quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name,
           quote_ident(n.nspname) || '.' || quote_ident($3::text) AS beside
      FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = $1 AND c.relname = $2
), columns AS (
    SELECT a.* FROM pg_catalog.pg_attribute a JOIN t ON a.attrelid = t.oid WHERE a.attnum > 0 AND NOT a.attisdropped
), keys AS ( -- constraints with an index of their own
    SELECT k.*, left($3, 40) || '_' || k.oid AS stand_in FROM pg_catalog.pg_constraint k JOIN t ON k.conrelid = t.oid WHERE k.contype IN ('p', 'u', 'x')
), indexes AS (
    SELECT i.*, c.relname, c.relam, c.reltablespace, left($3, 40) || '_' || c.oid AS stand_in, pg_catalog.pg_get_indexdef(c.oid) AS def,
           'CREATE ' || CASE WHEN i.indisunique THEN 'UNIQUE ' ELSE '' END || 'INDEX ' || quote_ident(c.relname) || ' ON ' || t.name || ' ' AS head
      FROM pg_catalog.pg_index i JOIN t ON i.indrelid = t.oid JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
), views AS (
    SELECT DISTINCT v.oid, v.relkind, v.reloptions, quote_ident(n.nspname) || '.' || quote_ident(v.relname) AS name
      FROM pg_catalog.pg_depend d
      JOIN t ON d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = t.oid
      JOIN pg_catalog.pg_rewrite r ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND r.oid = d.objid
      JOIN pg_catalog.pg_class v ON v.oid = r.ev_class
      JOIN pg_catalog.pg_namespace n ON n.oid = v.relnamespace
     WHERE v.oid <> t.oid
), owned AS ( -- sequences of columns: 'i' of identities, 'a' of serials
    SELECT s.oid, d.deptype, a.attname, s.relname, s.relacl, quote_ident(n.nspname) || '.' || quote_ident(s.relname) AS name
      FROM pg_catalog.pg_depend d
      JOIN t ON d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = t.oid AND d.refobjsubid > 0
      JOIN pg_catalog.pg_class s ON d.classid = 'pg_catalog.pg_class'::regclass AND s.oid = d.objid AND s.relkind = 'S'
      JOIN pg_catalog.pg_namespace n ON n.oid = s.relnamespace
      JOIN columns a ON a.attnum = d.refobjsubid
     WHERE d.deptype IN ('a', 'i')
), described AS ( -- comments on what is made anew
    SELECT 'CONSTRAINT ' || quote_ident(k.conname) || ' ON ' || t.name AS what, pg_catalog.obj_description(k.oid, 'pg_constraint') AS text FROM pg_catalog.pg_constraint k JOIN t ON k.conrelid = t.oid
    UNION ALL SELECT 'INDEX ' || quote_ident(t.nspname) || '.' || quote_ident(i.relname), pg_catalog.obj_description(i.indexrelid, 'pg_class') FROM indexes i, t
    UNION ALL SELECT 'TRIGGER ' || quote_ident(g.tgname) || ' ON ' || t.name, pg_catalog.obj_description(g.oid, 'pg_trigger') FROM pg_catalog.pg_trigger g JOIN t ON g.tgrelid = t.oid WHERE NOT g.tgisinternal
    UNION ALL SELECT 'TABLE ' || t.name, pg_catalog.obj_description(t.oid, 'pg_class') FROM t
    UNION ALL SELECT 'SEQUENCE ' || o.name, pg_catalog.obj_description(o.oid, 'pg_class') FROM owned o WHERE o.deptype = 'i'
), refused AS (
    SELECT 'it is no ordinary table' AS why FROM t WHERE t.relkind <> 'r' OR t.relispartition OR t.reloftype <> 0
    UNION ALL SELECT 'it is unlogged or temporary' FROM t WHERE t.relpersistence <> 'p'
    UNION ALL SELECT 'it inherits, or others inherit from it' FROM pg_catalog.pg_inherits h JOIN t ON t.oid IN (h.inhrelid, h.inhparent)
    UNION ALL SELECT 'it has row-level security' FROM t WHERE t.relrowsecurity OR t.relforcerowsecurity OR EXISTS (SELECT FROM pg_catalog.pg_policy y WHERE y.polrelid = t.oid)
    UNION ALL SELECT 'it has a replica identity of its own' FROM t WHERE t.relreplident NOT IN ('d', 'f')
    UNION ALL SELECT 'materialized view ' || v.name || ' reads it' FROM views v WHERE v.relkind <> 'v'
    UNION ALL SELECT 'it has extended statistics (' || e.stxname || ')' FROM pg_catalog.pg_statistic_ext e JOIN t ON e.stxrelid = t.oid
    UNION ALL SELECT 'it is in a publication' FROM pg_catalog.pg_publication_rel p JOIN t ON p.prrelid = t.oid
    UNION ALL SELECT 'the sequence of column ' || o.attname || ' has privileges of its own' FROM owned o WHERE o.deptype = 'i' AND o.relacl IS NOT NULL
    UNION ALL SELECT 'index ' || i.relname || ' is clustered on, or stands in another tablespace, or is not valid' FROM indexes i WHERE i.indisclustered OR i.reltablespace <> 0 OR NOT i.indisvalid
    UNION ALL SELECT 'foreign key ' || f.conname || ' refers from it to itself' FROM pg_catalog.pg_constraint f JOIN t ON f.conrelid = t.oid AND f.confrelid = t.oid WHERE f.contype = 'f'
    UNION ALL SELECT 'its TOAST table has options of its own' FROM t JOIN pg_catalog.pg_class o ON o.oid = t.reltoastrelid WHERE o.reloptions IS NOT NULL
    UNION ALL SELECT 'it stands in another tablespace' FROM t WHERE t.reltablespace <> 0
    UNION ALL SELECT 'it has a rule' FROM pg_catalog.pg_rewrite r JOIN t ON r.ev_class = t.oid
    UNION ALL SELECT 'index ' || i.relname || ' cannot be made anew' FROM indexes i WHERE NOT EXISTS (SELECT FROM keys k WHERE k.conindid = i.indexrelid) AND left(i.def, length(i.head)) <> i.head
    UNION ALL SELECT pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid) || ' depends on it'
      FROM pg_catalog.pg_depend d
      JOIN t ON d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = t.oid
             OR d.refclassid = 'pg_catalog.pg_type'::regclass AND d.refobjid IN (SELECT y.oid FROM pg_catalog.pg_type y WHERE y.oid = t.reltype OR y.typelem = t.reltype AND y.typelem <> 0)
     WHERE d.deptype = 'n'
       AND NOT (d.classid = 'pg_catalog.pg_rewrite'::regclass AND EXISTS (SELECT FROM pg_catalog.pg_rewrite r JOIN views v ON v.oid = r.ev_class WHERE r.oid = d.objid) AND d.refclassid = 'pg_catalog.pg_class'::regclass)
       AND NOT (d.classid = 'pg_catalog.pg_constraint'::regclass AND EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.oid = d.objid AND k.conrelid = t.oid AND k.confrelid <> t.oid))
       AND NOT (d.classid = 'pg_catalog.pg_trigger'::regclass AND EXISTS (SELECT FROM pg_catalog.pg_trigger g WHERE g.oid = d.objid AND g.tgrelid = t.oid))
       AND NOT (d.classid = 'pg_catalog.pg_constraint'::regclass AND EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.oid = d.objid AND k.conrelid = t.oid AND k.contype = 'c'))
       AND NOT (d.classid = 'pg_catalog.pg_attrdef'::regclass AND EXISTS (SELECT FROM pg_catalog.pg_attrdef f WHERE f.oid = d.objid AND f.adrelid = t.oid))
       AND NOT (d.classid = 'pg_catalog.pg_class'::regclass AND EXISTS (SELECT FROM indexes i WHERE i.indexrelid = d.objid))
), grants AS (
    SELECT x.grantee, x.privilege_type, x.is_grantable, '' AS columns FROM t, LATERAL pg_catalog.aclexplode(t.relacl) x
    UNION ALL
    SELECT x.grantee, x.privilege_type, x.is_grantable, ' (' || quote_ident(a.attname) || ')' FROM columns a, LATERAL pg_catalog.aclexplode(a.attacl) x
)
SELECT step, text FROM (
    SELECT 'refuse' AS step, 0 AS place, why AS text FROM refused
    UNION ALL SELECT 'make', 1, 'CREATE TABLE ' || t.beside || ' (LIKE ' || t.name || ' INCLUDING ALL EXCLUDING INDEXES EXCLUDING STATISTICS) USING ' || quote_ident(m.amname)
        || CASE WHEN t.reloptions IS NULL THEN '' ELSE ' WITH (' || array_to_string(ARRAY(SELECT split_part(o, '=', 1) || '=' || quote_literal(substr(o, strpos(o, '=') + 1)) FROM unnest(t.reloptions) o), ', ') || ')' END
      FROM t JOIN pg_catalog.pg_am m ON m.oid = t.relam
    UNION ALL SELECT 'make', 2, 'ALTER TABLE ' || t.beside || ' OWNER TO ' || quote_ident(pg_catalog.pg_get_userbyid(t.relowner)) FROM t WHERE pg_catalog.pg_get_userbyid(t.relowner) <> current_user
    UNION ALL SELECT 'make', 3, 'ALTER TABLE ' || t.beside || ' ALTER COLUMN ' || quote_ident(a.attname) || ' SET STATISTICS ' || a.attstattarget FROM columns a, t WHERE a.attstattarget >= 0
    UNION ALL SELECT 'make', 3, 'ALTER TABLE ' || t.beside || ' ALTER COLUMN ' || quote_ident(a.attname) || ' SET (' || array_to_string(a.attoptions, ', ') || ')' FROM columns a, t WHERE a.attoptions IS NOT NULL
    UNION ALL SELECT 'make', 3, 'ALTER TABLE ' || t.beside || ' REPLICA IDENTITY FULL' FROM t WHERE t.relreplident = 'f'
    UNION ALL SELECT 'make', 4, 'REVOKE ALL ON ' || t.beside || ' FROM PUBLIC, ' || quote_ident(pg_catalog.pg_get_userbyid(t.relowner)) FROM t WHERE t.relacl IS NOT NULL
    UNION ALL SELECT 'make', 5, 'GRANT ' || g.privilege_type || g.columns || ' ON ' || t.beside || ' TO ' || CASE WHEN g.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_catalog.pg_get_userbyid(g.grantee)) END
        || CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END FROM grants g, t
    UNION ALL SELECT 'load', 1, 'ALTER TABLE ' || t.beside || ' ADD CONSTRAINT ' || quote_ident(k.stand_in) || ' ' || pg_catalog.pg_get_constraintdef(k.oid) FROM keys k, t
    UNION ALL SELECT 'load', 2, 'CREATE ' || CASE WHEN i.indisunique THEN 'UNIQUE ' ELSE '' END || 'INDEX ' || quote_ident(i.stand_in) || ' ON ' || t.beside || ' ' || substr(i.def, length(i.head) + 1)
      FROM indexes i, t WHERE NOT EXISTS (SELECT FROM keys k WHERE k.conindid = i.indexrelid)
    UNION ALL SELECT 'load', 3, 'ALTER TABLE ' || t.beside || ' ADD CONSTRAINT ' || quote_ident(f.conname) || ' ' || pg_catalog.pg_get_constraintdef(f.oid) FROM pg_catalog.pg_constraint f JOIN t ON f.conrelid = t.oid WHERE f.contype = 'f'
    UNION ALL SELECT 'load', 4, 'ANALYZE ' || t.beside FROM t
    UNION ALL SELECT 'swap', 1, 'SELECT pg_catalog.setval(pg_catalog.pg_get_serial_sequence(' || quote_literal(t.name) || ', ' || quote_literal(o.attname) || ')::regclass, s.last_value, s.is_called) FROM ' || o.name || ' s' FROM owned o, t WHERE o.deptype = 'i'
    UNION ALL SELECT 'swap', 2, 'ALTER SEQUENCE ' || o.name || ' OWNED BY ' || t.name || '.' || quote_ident(o.attname) FROM owned o, t WHERE o.deptype = 'a'
    UNION ALL SELECT 'swap', 3, 'CREATE OR REPLACE VIEW ' || v.name
        || CASE WHEN v.reloptions IS NULL THEN '' ELSE ' WITH (' || array_to_string(v.reloptions, ', ') || ')' END
        || ' AS ' || rtrim(pg_catalog.pg_get_viewdef(v.oid), ';') FROM views v
    UNION ALL SELECT 'swap', 4, pg_catalog.pg_get_triggerdef(g.oid) FROM pg_catalog.pg_trigger g JOIN t ON g.tgrelid = t.oid WHERE NOT g.tgisinternal
    UNION ALL SELECT 'swap', 5, 'ALTER TABLE ' || t.name || CASE g.tgenabled WHEN 'D' THEN ' DISABLE' WHEN 'A' THEN ' ENABLE ALWAYS' ELSE ' ENABLE REPLICA' END || ' TRIGGER ' || quote_ident(g.tgname)
      FROM pg_catalog.pg_trigger g JOIN t ON g.tgrelid = t.oid WHERE NOT g.tgisinternal AND g.tgenabled <> 'O'
    UNION ALL SELECT 'name', 1, 'ALTER TABLE ' || t.name || ' RENAME CONSTRAINT ' || quote_ident(k.stand_in) || ' TO ' || quote_ident(k.conname) FROM keys k, t
    UNION ALL SELECT 'name', 2, 'ALTER INDEX ' || quote_ident(t.nspname) || '.' || quote_ident(i.stand_in) || ' RENAME TO ' || quote_ident(i.relname)
      FROM indexes i, t WHERE NOT EXISTS (SELECT FROM keys k WHERE k.conindid = i.indexrelid)
    UNION ALL SELECT 'sequence', 3, o.attname || chr(31) || o.relname || chr(31) || pg_catalog.format_type(q.seqtypid, NULL) FROM owned o JOIN pg_catalog.pg_sequence q ON q.seqrelid = o.oid WHERE o.deptype = 'i'
    UNION ALL SELECT 'name', 4, 'COMMENT ON ' || d.what || ' IS ' || quote_literal(d.text) FROM described d WHERE d.text IS NOT NULL
) x ORDER BY step, place, text
