-- The columns of a target's catalogs that reading it back relies on
-- (verify/queries, internal/preflight/queries, copier/queries): one question a
-- relation, without rows. Works on PostgreSQL 13 to 18.
SELECT oid, relname, relnamespace, relkind, relam, reltoastrelid, relpersistence FROM pg_catalog.pg_class LIMIT 0
SELECT oid, nspname FROM pg_catalog.pg_namespace LIMIT 0
SELECT attrelid, attname, attnum, atttypid, atttypmod, attnotnull, atthasdef, attisdropped, attidentity, attgenerated FROM pg_catalog.pg_attribute LIMIT 0
SELECT conname, contype, conrelid, confrelid FROM pg_catalog.pg_constraint LIMIT 0
SELECT oid, typname, typnamespace, typtype, typnotnull FROM pg_catalog.pg_type LIMIT 0
SELECT classid, objid, objsubid, refclassid, refobjid, refobjsubid, deptype FROM pg_catalog.pg_depend LIMIT 0
SELECT tgrelid, tgname, tgisinternal, tgenabled FROM pg_catalog.pg_trigger LIMIT 0
SELECT ev_class, ev_type, ev_enabled, rulename FROM pg_catalog.pg_rewrite LIMIT 0
SELECT indexrelid, indrelid, indisunique, indisvalid, indisprimary FROM pg_catalog.pg_index LIMIT 0
SELECT oid, amname FROM pg_catalog.pg_am LIMIT 0
SELECT seqrelid, seqstart, seqincrement FROM pg_catalog.pg_sequence LIMIT 0
SELECT collname, collencoding FROM pg_catalog.pg_collation LIMIT 0
SELECT name FROM pg_catalog.pg_available_extensions LIMIT 0
SELECT schemaname, tablename, indexname, indexdef FROM pg_catalog.pg_indexes LIMIT 0
SELECT datname, oid, datconnlimit FROM pg_catalog.pg_database LIMIT 0
SELECT datid, numbackends FROM pg_catalog.pg_stat_database LIMIT 0
SELECT rolname, rolconnlimit FROM pg_catalog.pg_roles LIMIT 0
SELECT pid, usename, backend_start FROM pg_catalog.pg_stat_activity LIMIT 0
