package db9sim_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"
)

// column asks for a column's type and what is known of it.
func column(name string) string {
	return "SELECT udt_name || coalesce('(' || character_maximum_length || ')', '') FROM information_schema.columns WHERE table_name = 't' AND column_name = '" + name + "'"
}

// coreProofs prove the rules of statements and identity.
func coreProofs() map[string][]proving {
	const table = "CREATE TABLE t (a int PRIMARY KEY, b text);"
	scripts := map[string]script{
		"binary-copy":    {setup: table, run: []string{"COPY t TO STDOUT (FORMAT binary)"}, allowed: "COPY 0", denied: "!0A000", simple: true},
		"copy-query":     {run: []string{"COPY (SELECT 1) TO STDOUT"}, allowed: "COPY 1", denied: "!0A000", simple: true},
		"copy-to-quoted": {setup: `CREATE TABLE "T" ()`, run: []string{`COPY "T" TO STDOUT`}, allowed: "COPY 0", denied: "!42602", simple: true},
		"copy-legacy":    {setup: table, run: []string{"COPY t TO STDOUT WITH DELIMITER AS ','"}, allowed: "COPY 0", denied: "!42601", simple: true},

		"partitions":     {run: []string{"CREATE TABLE t (a int) PARTITION BY LIST (a)"}, allowed: "CREATE TABLE", denied: "!0A000"},
		"inheritance":    {setup: table, run: []string{"CREATE TABLE c () INHERITS (t)"}, allowed: "CREATE TABLE", denied: "!0A000"},
		"policies":       {setup: table, run: []string{"ALTER TABLE t ENABLE ROW LEVEL SECURITY"}, allowed: "ALTER TABLE", denied: "!0A000"},
		"listen":         {run: []string{"LISTEN x"}, allowed: "LISTEN", denied: "!0A000"},
		"foreign-tables": {run: []string{"?DROP FOREIGN DATA WRAPPER w", "CREATE FOREIGN DATA WRAPPER w"}, allowed: "CREATE FOREIGN DATA WRAPPER", denied: "!0A000"},
		"publications":   {run: []string{"?DROP PUBLICATION p", "CREATE PUBLICATION p"}, allowed: "CREATE PUBLICATION", denied: "!0A000"},
		"rewrite-rules":  {setup: table, run: []string{"CREATE RULE r AS ON DELETE TO t DO INSTEAD NOTHING"}, allowed: "CREATE RULE", denied: "!0A000"},
		"event-triggers": {
			setup: "CREATE FUNCTION e() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'",
			run:   []string{"CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION e()"}, allowed: "CREATE EVENT TRIGGER", denied: "!0A000",
		},
		"large-objects":       {run: []string{"SELECT lo_unlink(lo_create(0))"}, allowed: "1", denied: "!42883"},
		"temp-tables":         {run: []string{"CREATE TEMP TABLE t ()"}, allowed: "CREATE TABLE", denied: "!0A000"},
		"unlogged":            {run: []string{"CREATE UNLOGGED TABLE t ()"}, allowed: "CREATE TABLE", denied: "!0A000"},
		"tablespaces":         {run: []string{"CREATE TABLE t () TABLESPACE elsewhere"}, allowed: "!42704", denied: "!0A000"},
		"storage-options":     {run: []string{"CREATE TABLE t (a int) WITH (fillfactor = 70)"}, allowed: "CREATE TABLE", denied: "!0A000"},
		"domains":             {run: []string{"CREATE DOMAIN d AS int"}, allowed: "CREATE DOMAIN", denied: "!0A000"},
		"range-types":         {run: []string{"CREATE TYPE r AS RANGE (SUBTYPE = int)"}, allowed: "CREATE TYPE", denied: "!0A000"},
		"base-types":          {run: []string{"CREATE TYPE b"}, allowed: "CREATE TYPE", denied: "!0A000"},
		"collations":          {run: []string{`CREATE COLLATION c FROM "C"`}, allowed: "CREATE COLLATION", denied: "!0A000"},
		"create-user":         {run: []string{"BEGIN", "CREATE USER somebody_of_db9sim"}, allowed: "CREATE ROLE", denied: "!0A000"},
		"languages":           {run: []string{"CREATE FUNCTION f(internal) RETURNS cstring LANGUAGE internal AS 'textin'"}, allowed: "CREATE FUNCTION", denied: "!0A000"},
		"constraint-triggers": {setup: triggered, run: []string{"CREATE CONSTRAINT TRIGGER g AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()"}, allowed: "CREATE TRIGGER", denied: "!0A000"},
		"tsvector-trigger": {
			setup: "CREATE TABLE t (b text, v tsvector)",
			run:   []string{"CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION tsvector_update_trigger(v, 'pg_catalog.english', b)"}, allowed: "CREATE TRIGGER", denied: "!0A000",
		},
		"exclusion-constraints": {run: []string{"CREATE TABLE t (a int, EXCLUDE (a WITH =))"}, allowed: "CREATE TABLE", denied: "!0A000"},
		"not-valid":             {setup: table, run: []string{"ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID"}, allowed: "ALTER TABLE", denied: "!0A000"},
		"index-methods":         {setup: table, run: []string{"CREATE INDEX i ON t USING brin (a)"}, allowed: "CREATE INDEX", denied: "!0A000"},
		"ivfflat":               {setup: table, run: []string{"CREATE INDEX i ON t USING ivfflat (a)"}, allowed: "!42704", denied: "!0A000"},

		"add-generated":            {setup: table, run: []string{"ALTER TABLE t ALTER a ADD GENERATED ALWAYS AS IDENTITY"}, allowed: "ALTER TABLE", denied: "!0A000"},
		"alter-sequence":           {setup: "CREATE SEQUENCE s", run: []string{"ALTER SEQUENCE s OWNED BY NONE", "ALTER SEQUENCE s OWNER TO CURRENT_USER", "ALTER SEQUENCE s RESTART"}, allowed: "ALTER SEQUENCE", denied: "!0A000"},
		"alter-column-type":        {setup: table, run: []string{"ALTER TABLE t ALTER a TYPE bigint"}, allowed: "ALTER TABLE", denied: "!0A000"},
		"alter-forms":              {setup: table, run: []string{"ALTER TABLE t RENAME b TO c", "ALTER TABLE t ALTER c SET DEFAULT ''", "ALTER TABLE t ALTER c SET STATISTICS 10"}, allowed: "ALTER TABLE", denied: "!0A000"},
		"drop-column-cascade":      {setup: table, run: []string{"ALTER TABLE t DROP b CASCADE"}, allowed: "ALTER TABLE", denied: "!0A000"},
		"truncate-options":         {setup: table, run: []string{"TRUNCATE t", "TRUNCATE t RESTART IDENTITY"}, allowed: "TRUNCATE TABLE", denied: "!0A000"},
		"refresh-concurrently":     {setup: "CREATE MATERIALIZED VIEW m AS SELECT 1 AS a; CREATE UNIQUE INDEX ON m (a)", run: []string{"REFRESH MATERIALIZED VIEW m", "REFRESH MATERIALIZED VIEW CONCURRENTLY m"}, allowed: "REFRESH MATERIALIZED VIEW", denied: "!0A000"},
		"cursors":                  {run: []string{"CLOSE ALL"}, allowed: "CLOSE CURSOR ALL", denied: "!0A000"},
		"vacuum":                   {setup: table, run: []string{"ANALYZE t", "VACUUM t"}, allowed: "VACUUM", denied: "!0A000"},
		"explain":                  {setup: table, run: []string{"EXPLAIN (COSTS off) SELECT 1", "EXPLAIN (COSTS off) DELETE FROM t"}, allowed: "Delete on t\n  ->  Seq Scan on t", denied: "!0A000"},
		"table-command":            {setup: table, run: []string{"SELECT FROM t", "TABLE t"}, allowed: "SELECT 0", denied: "!42601"},
		"system-columns":           {setup: table + "INSERT INTO t VALUES (1)", run: []string{"SELECT t.ctid FROM t"}, allowed: "(0,1)", denied: "!42703"},
		"session-authorization":    {run: []string{"RESET SESSION AUTHORIZATION"}, allowed: "RESET", denied: "!42601"},
		"session-replication-role": {run: []string{"SET session_replication_role = replica"}, allowed: "SET", denied: "!0A000"},
		"restricted-settings":      {run: []string{"SET DateStyle = 'ISO, MDY'", "SET client_encoding = 'UTF8'", "SET IntervalStyle = iso_8601"}, allowed: "SET", denied: "!22023"},
		"serializable":             {run: []string{"BEGIN ISOLATION LEVEL SERIALIZABLE"}, allowed: "BEGIN", denied: "!0A000"},
		"functions":                {run: []string{"SELECT bit_xor(x) FROM (VALUES (1), (2)) v (x)"}, allowed: "3", denied: "!42883"},
		"generate-series":          {run: []string{"SELECT count(*) FROM generate_series(1, 1000000)", "SELECT count(*) FROM generate_series(1, 1000001)"}, allowed: "1000001", denied: "!54000"},
		"update-key":               {setup: table, run: []string{"UPDATE t SET b = ''", "UPDATE t SET a = 1"}, allowed: "UPDATE 0", denied: "!0A000"},
		"overloads": {
			run:     []string{"CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql AS 'SELECT 1'", "CREATE OR REPLACE FUNCTION f(a int) RETURNS int LANGUAGE sql AS 'SELECT 2'", "CREATE FUNCTION f(a text) RETURNS int LANGUAGE sql AS 'SELECT 1'"},
			allowed: "CREATE FUNCTION", denied: "!42723",
		},

		"smallint": {run: []string{"CREATE TABLE t (a smallint, b smallserial)", column("a") + " UNION ALL " + column("b")}, allowed: "int2\nint2", denied: "int4\nint4"},
		"real":     {run: []string{"CREATE TABLE t (a real[])", column("a")}, allowed: "_float4", denied: "_float8"},
		"char":     {run: []string{"CREATE TABLE t (a char(3))", column("a")}, allowed: "bpchar(3)", denied: "varchar(3)"},
		"unknown-types": {
			setup: "CREATE TYPE e AS ENUM ('x')",
			run:   []string{"CREATE TABLE t (a inet, b e, c e[], d varchar(3))", "ALTER TABLE t ADD m money", "SELECT string_agg(udt_name, ',' ORDER BY ordinal_position) FROM information_schema.columns WHERE table_name = 't'"},
			// The columns that are supported stay what they are.
			allowed: "inet,e,_e,varchar,money", denied: "text,e,_e,varchar,text",
		},
		"composite-columns":  {setup: "CREATE TYPE c AS (a int)", run: []string{"CREATE TABLE t (a c)", column("a")}, allowed: "c", denied: "text"},
		"small-types":        {run: []string{"CREATE TABLE t (a real)"}, allowed: "CREATE TABLE", denied: "!0A000"},
		"unlisted-types":     {run: []string{"CREATE TABLE t (a inet)"}, allowed: "CREATE TABLE", denied: "!42704"},
		"numeric-28":         {run: []string{"CREATE TABLE t (a numeric)", "INSERT INTO t VALUES (9999999999999999999999999999), (-0.9999999999999999999999999999)", "INSERT INTO t VALUES (99999999999999999999999999999)"}, allowed: "INSERT 0 1", denied: "!22003"},
		"time-strict":        {run: []string{"CREATE TABLE t (a time)", "INSERT INTO t VALUES ('23:59:59')", "INSERT INTO t VALUES ('24:00')"}, allowed: "INSERT 0 1", denied: "!22007"},
		"row-limit":          {run: []string{"CREATE TABLE t (a text)", "INSERT INTO t SELECT repeat('x', 8000000)", "INSERT INTO t SELECT repeat('x', 9000000)"}, allowed: "INSERT 0 1", denied: "!XX000"},
		"timestamp-specials": {run: []string{"CREATE TABLE t (a int)", "ALTER TABLE t ADD b timestamptz", "INSERT INTO t VALUES (1, '2020-01-01')", "INSERT INTO t VALUES (1, 'infinity')"}, allowed: "INSERT 0 1", denied: "!22007"},
		"timestamp-cut": {
			run:     []string{"CREATE TABLE t (a timestamp, b timestamptz)", "INSERT INTO t VALUES ('2020-01-01 00:00:00.9996', '2020-01-01 00:00:00.9996Z')", "SET TimeZone = 'UTC'", "SELECT * FROM t"},
			allowed: "2020-01-01 00:00:00.9996|2020-01-01 00:00:00.9996+00", denied: "2020-01-01 00:00:00.999|2020-01-01 00:00:00.999+00",
		},
		"timetz": {run: []string{"CREATE TABLE t (a timetz)", column("a")}, allowed: "timetz", denied: "time"},
		"timestamp-ms": {
			run:     []string{"CREATE TABLE t (a timestamp, b timestamptz(6))", "INSERT INTO t VALUES ('2020-01-01 00:00:00.123456', '2020-01-01 00:00:00.123456Z')", "SET TimeZone = 'UTC'", "SELECT * FROM t"},
			allowed: "2020-01-01 00:00:00.123456|2020-01-01 00:00:00.123456+00", denied: "2020-01-01 00:00:00.123|2020-01-01 00:00:00.123+00",
		},
		"interval-ms": {
			run:     []string{"CREATE TABLE t (a interval, b int)", "INSERT INTO t VALUES ('1 mon 1 day 00:00:01.000001', 1), (NULL, 2), ('-1 days', 3)", "SELECT * FROM t ORDER BY b"},
			allowed: "1 mon 1 day 00:00:01.000001|1\n|2\n-1 days|3", denied: "1 mon 24:00:01|1\n|2\n-24:00:00|3",
		},
		"deferrable": {
			run:     []string{"CREATE TABLE t (a int PRIMARY KEY, b int REFERENCES t DEFERRABLE INITIALLY DEFERRED)", "BEGIN", "INSERT INTO t VALUES (1, 2)"},
			allowed: "INSERT 0 1", denied: "!23503",
		},
		"nulls-not-distinct": {
			run:     []string{"CREATE TABLE t (a int UNIQUE NULLS NOT DISTINCT)", "INSERT INTO t VALUES (NULL)", "INSERT INTO t VALUES (NULL)"},
			allowed: "!23505", denied: "INSERT 0 1",
		},
		"match-full": {
			setup: "CREATE TABLE p (a int, b int, PRIMARY KEY (a, b))",
			run:   []string{"CREATE TABLE t (a int, b int, FOREIGN KEY (a, b) REFERENCES p MATCH FULL)", "INSERT INTO t VALUES (1, NULL)"}, allowed: "!23503", denied: "INSERT 0 1",
		},
		"set-null-columns": {
			setup:   "CREATE TABLE p (a int, b int, PRIMARY KEY (a, b)); INSERT INTO p VALUES (1, 2)",
			run:     []string{"CREATE TABLE t (a int, b int, FOREIGN KEY (a, b) REFERENCES p ON DELETE SET NULL (b))", "INSERT INTO t VALUES (1, 2)", "DELETE FROM p", "SELECT * FROM t"},
			allowed: "1|", denied: "|",
		},
		"identity-options": {run: []string{"CREATE TABLE t (a int GENERATED BY DEFAULT AS IDENTITY (START 100), b int)", "INSERT INTO t (b) VALUES (1) RETURNING a"}, allowed: "100", denied: "1"},
		"identity-always":  {run: []string{"CREATE TABLE t (a int GENERATED ALWAYS AS IDENTITY)", "INSERT INTO t VALUES (7)"}, allowed: "!428C9", denied: "INSERT 0 1"},
		"generated-stored": {run: []string{"CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a * 2) STORED)", "INSERT INTO t VALUES (7)", "SELECT b FROM t"}, allowed: "14", denied: ""},
		"index-include":    {setup: table, run: []string{"CREATE INDEX i ON t (b) INCLUDE (a)", indexDef}, allowed: "CREATE INDEX i ON public.t USING btree (b) INCLUDE (a)", denied: "CREATE INDEX i ON public.t USING btree (b)"},
		"index-opclass":    {setup: table, run: []string{"CREATE INDEX i ON t (b text_pattern_ops)", indexDef}, allowed: "CREATE INDEX i ON public.t USING btree (b text_pattern_ops)", denied: "CREATE INDEX i ON public.t USING btree (b)"},
		"index-order":      {setup: table, run: []string{`CREATE INDEX i ON t (b COLLATE "C" DESC)`, indexDef}, allowed: `CREATE INDEX i ON public.t USING btree (b COLLATE "C" DESC)`, denied: "CREATE INDEX i ON public.t USING btree (b)"},
		"gin-scan": {
			setup: "CREATE TABLE t (a int[]); INSERT INTO t SELECT ARRAY[i] FROM generate_series(1, 5000) i; ANALYZE t",
			run:   []string{"CREATE INDEX ON t USING gin (a)", "EXPLAIN (COSTS off) SELECT FROM t WHERE a @> '{1}'"}, denied: "Seq Scan on t\n  Filter: (a @> '{1}'::integer[])",
			allowed: "Bitmap Heap Scan on t\n  Recheck Cond: (a @> '{1}'::integer[])\n  ->  Bitmap Index Scan on t_a_idx\n        Index Cond: (a @> '{1}'::integer[])",
		},
		"hash-scan": {
			setup:  "CREATE TABLE t (a int); INSERT INTO t SELECT generate_series(1, 5000); ANALYZE t",
			run:    []string{"CREATE INDEX ON t USING hash (a)", "EXPLAIN (COSTS off) SELECT FROM t WHERE a = 7"},
			denied: "Seq Scan on t\n  Filter: (a = 7)", allowed: "Index Scan using t_a_idx on t\n  Index Cond: (a = 7)",
		},
		"body-validation": {run: []string{"CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT nothing'"}, allowed: "!42703", denied: "CREATE FUNCTION"},
		"extension-metadata": {
			run:     []string{`?CREATE EXTENSION IF NOT EXISTS "uuid-ossp"`, `SELECT uuid_nil()`},
			allowed: "00000000-0000-0000-0000-000000000000", denied: "!42883",
		},
		"plpgsql-while":       callOf("WHILE false LOOP END LOOP; RETURN 1;"),
		"plpgsql-loop":        callOf("LOOP EXIT; END LOOP; FOR i IN 1..2 LOOP END LOOP; RETURN 1;"),
		"plpgsql-execute":     callOf("EXECUTE 'SELECT 1'; RETURN 1;"),
		"plpgsql-exception":   callOf("BEGIN RAISE EXCEPTION 'x'; EXCEPTION WHEN OTHERS THEN RETURN 1; END;"),
		"plpgsql-cursor":      {run: callOf("").with("DECLARE c CURSOR FOR SELECT 1; BEGIN OPEN c; CLOSE c; RETURN 1; END"), allowed: "1", denied: "!0A000"},
		"plpgsql-diagnostics": {run: callOf("").with("DECLARE n int; BEGIN PERFORM 1; GET DIAGNOSTICS n = ROW_COUNT; RETURN n; END"), allowed: "1", denied: "!0A000"},
		"statement-triggers": {
			setup: triggered, run: []string{"CREATE TRIGGER g AFTER INSERT ON t FOR EACH STATEMENT EXECUTE FUNCTION f()", "INSERT INTO t VALUES (1)", "SELECT count(*) FROM l"},
			allowed: "1", denied: "0",
		},

		"serializable-downgrade": {run: []string{"BEGIN ISOLATION LEVEL SERIALIZABLE", "SHOW transaction_isolation"}, allowed: "serializable", denied: "repeatable read"},
		"repeatable-read":        {run: []string{"BEGIN ISOLATION LEVEL READ COMMITTED", "SHOW transaction_isolation"}, allowed: "read committed", denied: "repeatable read"},
		"read-only":              {setup: table, run: []string{"BEGIN READ ONLY", "INSERT INTO t VALUES (1)"}, allowed: "!25006", denied: "INSERT 0 1"},
		"timeout-rollback": {
			setup: table, run: []string{"BEGIN", "INSERT INTO t VALUES (1)", "SET LOCAL statement_timeout = 20", "?SELECT pg_sleep(10)", "SELECT count(*) FROM t"},
			allowed: "!25P02", denied: "0",
		},
		"unknown-settings": {run: []string{"?SET no_such_thing = 7", "SHOW no_such_thing"}, allowed: "!42704", denied: "7"},
		"idle-settings":    {run: []string{"SET bytea_output = 'escape'", "SHOW bytea_output", `SELECT '\x00ff'::bytea::text`}, allowed: `\000\377`, denied: `\x00ff`},
		"set-outlives-rollback": {
			run:     []string{"SET lock_timeout = 1", "BEGIN", "SET lock_timeout = 5", "SAVEPOINT s", "SET lock_timeout = 6", "ROLLBACK TO s", "ROLLBACK", "SHOW lock_timeout"},
			allowed: "1ms", denied: "6ms",
		},
		"set-config":    {run: []string{"SELECT set_config('lock_timeout', '1', false)", "SELECT set_config('lock_timeout', '2', false), 1", "SHOW lock_timeout"}, allowed: "2ms", denied: "1ms"},
		"version":       {run: []string{"SELECT version() LIKE '%db9sim%'"}, allowed: "f", denied: "t"},
		"database-name": {run: []string{"SELECT current_database() = 'postgres', current_catalog = 'postgres'"}, allowed: "f|f", denied: "t|t"},
		"db9-settings":  {run: []string{"SHOW db9.retry_max_attempts"}, allowed: "!42704", denied: "64"},
	}
	own := map[string]func(t *testing.T, denied bool){
		"copy-extended":      proveCopyExtended,
		"replication":        proveReplication,
		"skip-locked-limit":  proveSkipLocked,
		"after-triggers":     proveAfterTrigger,
		"concurrently-async": proveConcurrently,
		"advisory-locks":     proveAdvisoryLocks,
		"server-version":     proveServerVersion,
		"extensions":         proveExtensions,
		"binary-arrays":      proveBinaryArrays,
	}
	for name, s := range scripts {
		own[name] = s.prove(name)
	}
	out := map[string][]proving{}
	for name, p := range own {
		out[name] = []proving{both(p)}
	}
	return out
}

const (
	triggered = `CREATE TABLE t (a int); CREATE TABLE l (a int);
		CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO l VALUES (1); RETURN NULL; END';`
	indexDef = "SELECT indexdef FROM pg_indexes WHERE indexname = 'i'"
)

// callOf creates a function, which succeeds, and calls it.
func callOf(body string) script {
	s := script{allowed: "1", denied: "!0A000"}
	s.run = s.with("BEGIN " + body + " END")
	return s
}

func (script) with(body string) []string {
	return []string{"CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$" + body + "$$", "SELECT f()"}
}

// position is the SQLSTATE that a proof expects.
func position(denied bool, sqlstate string) string {
	if denied {
		return sqlstate
	}
	return ""
}

func proveCopyExtended(t *testing.T, denied bool) {
	sim, _ := start(t, only(t, "copy-extended", denied))
	// Parsed only: a driver that runs COPY so must take part in it.
	_, err := connect(t, sim).PgConn().Prepare(t.Context(), "c", "COPY pg_class TO STDOUT", nil)
	require.Equal(t, position(denied, "0A000"), sqlState(err))
}

func proveReplication(t *testing.T, denied bool) {
	sim, _ := start(t, only(t, "replication", denied))
	u, err := url.Parse(sim.URL())
	require.NoError(t, err)
	q := u.Query()
	q.Set("replication", "database")
	u.RawQuery = q.Encode()
	conn, err := pgconn.Connect(t.Context(), u.String())
	require.Equal(t, position(denied, "0A000"), sqlState(err))
	if denied {
		return
	}
	require.NoError(t, err)
	results, err := conn.Exec(t.Context(), "IDENTIFY_SYSTEM").ReadAll()
	require.NoError(t, err)
	require.Len(t, results, 1)
	require.NoError(t, conn.Close(t.Context()))
}

func proveSkipLocked(t *testing.T, denied bool) {
	sim, db := start(t, only(t, "skip-locked-limit", denied))
	db.Exec(t, "CREATE TABLE t (a int)")
	conn := connect(t, sim)
	_, err := conn.Exec(t.Context(), "SELECT a FROM t LIMIT 1 FOR UPDATE SKIP LOCKED")
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), "SELECT a FROM t LIMIT $1 FOR UPDATE SKIP LOCKED", 1)
	require.Equal(t, position(denied, "0A000"), sqlState(err))
}

func proveExtensions(t *testing.T, denied bool) {
	sim, _ := start(t, only(t, "extensions", denied))
	_, err := connect(t, sim).Exec(t.Context(), "CREATE EXTENSION pageinspect")
	if denied {
		require.Equal(t, "0A000", sqlState(err))
		require.ErrorContains(t, err, "none of DB9's")
	} else if err != nil { // a server without it says so in its own words
		require.NotContains(t, err.Error(), "DB9")
	}
}

// AFTER triggers fire late: neither the statement nor the transaction sees it.
func proveAfterTrigger(t *testing.T, denied bool) {
	sim, db := start(t, only(t, "after-triggers", denied))
	db.Exec(t, triggered)
	conn := connect(t, sim)
	for _, sql := range []string{"CREATE TRIGGER g AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()", "BEGIN", "INSERT INTO t VALUES (1)"} {
		_, err := conn.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	seen := func() (n int) {
		require.NoError(t, conn.QueryRow(t.Context(), "SELECT count(*) FROM l").Scan(&n))
		return n
	}
	if denied {
		require.Zero(t, seen())
	} else {
		require.Equal(t, 1, seen())
	}
	_, err := conn.Exec(t.Context(), "COMMIT")
	require.NoError(t, err)
	require.Equal(t, 1, seen())
}

// An index that cannot be built: the error comes, or nobody hears of it.
func proveConcurrently(t *testing.T, denied bool) {
	for _, mode := range []pgx.QueryExecMode{pgx.QueryExecModeSimpleProtocol, pgx.QueryExecModeExec} {
		sim, db := start(t, only(t, "concurrently-async", denied))
		db.Exec(t, "CREATE TABLE t (a int); INSERT INTO t VALUES (1), (1); CREATE TABLE u (a int)")
		conn := connect(t, sim)
		_, err := conn.Exec(t.Context(), "CREATE UNIQUE INDEX CONCURRENTLY i ON t (a)", mode)
		require.Equal(t, position(!denied, "23505"), sqlState(err))
		tag, err := conn.Exec(t.Context(), "CREATE INDEX CONCURRENTLY j ON u (a)", mode)
		require.NoError(t, err)
		require.Equal(t, "CREATE INDEX", tag.String())
		built := "SELECT count(*) FROM pg_index WHERE indexrelid = to_regclass('j') AND indisvalid"
		require.Eventually(t, func() bool { return db.QueryString(t, built) == "1" }, 20*time.Second, 20*time.Millisecond)
	}
}

func proveAdvisoryLocks(t *testing.T, denied bool) {
	sim, _ := start(t, only(t, "advisory-locks", denied))
	first, second := connect(t, sim), connect(t, sim)
	const both = "SELECT pg_try_advisory_lock(7), pg_try_advisory_lock(1, 2)"
	got := func(conn *pgx.Conn, sql string) string { return result(t, conn, pgx.QueryExecModeExec, sql) }
	require.Equal(t, "t|t", got(first, both))
	if denied {
		require.Equal(t, "t|t", got(second, both))
	} else {
		require.Equal(t, "f|f", got(second, both))
	}
	require.Equal(t, "t|f", got(first, "SELECT pg_advisory_unlock(7), pg_advisory_unlock(8)"))
}

func proveBinaryArrays(t *testing.T, denied bool) {
	sim, _ := start(t, only(t, "binary-arrays", denied))
	conn := connect(t, sim)
	const sql = "SELECT ARRAY[1, 2], 7, ARRAY['a b']"
	res := conn.PgConn().ExecParams(t.Context(), sql, nil, nil, nil, []int16{1}).Read()
	require.NoError(t, res.Err)
	var formats []int16
	for _, f := range res.FieldDescriptions {
		formats = append(formats, f.Format)
	}
	require.Equal(t, []byte{0, 0, 0, 7}, res.Rows[0][1])
	if denied {
		require.Equal(t, []int16{0, 1, 0}, formats)
		require.Equal(t, `{"a b"}`, string(res.Rows[0][2]))
	} else {
		require.Equal(t, []int16{1, 1, 1}, formats)
	}
}

func proveServerVersion(t *testing.T, denied bool) {
	sim, db := start(t, only(t, "server-version", denied))
	conn := connect(t, sim)
	num, version := db.QueryString(t, "SHOW server_version_num"), db.QueryString(t, "SHOW server_version")
	if denied {
		num, version = "160000", "16.0"
	}
	require.Equal(t, version, conn.PgConn().ParameterStatus("server_version"))
	require.Equal(t, version, result(t, conn, pgx.QueryExecModeExec, "SHOW server_version"))
	require.Equal(t, num, result(t, conn, pgx.QueryExecModeSimpleProtocol, "SHOW server_version_num"))
	require.Equal(t, num, result(t, conn, pgx.QueryExecModeExec, "SELECT current_setting('server_version_num')::int"))
}
