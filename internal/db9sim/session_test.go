package db9sim_test

import (
	"context"
	"os/exec"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/db9sim"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// start gives a stand-in before a database of its own.
func start(t *testing.T, cfg db9sim.Config) (*db9sim.Sim, *pgtest.DB) {
	t.Helper()
	db := pgtest.Server(t).Database(t)
	cfg.Backend = db.URL
	sim, err := db9sim.Start(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(sim.Close)
	return sim, db
}

// rules gives a set with some rules turned on.
func rules(t *testing.T, on ...string) *db9sim.RuleSet {
	t.Helper()
	set := db9sim.None()
	require.NoError(t, set.Deny(on...))
	return set
}

func connect(t *testing.T, sim *db9sim.Sim) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), sim.URL())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	return conn
}

// forced makes the stand-in parse although no rule is on.
var forced = []db9sim.Fault{{Point: "statement", Action: "stall", Nth: 1 << 30}}

func TestSessionPassesBothProtocolsThrough(t *testing.T) {
	t.Parallel()
	for name, faults := range map[string][]db9sim.Fault{"tunnel": nil, "judged": forced} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim, _ := start(t, db9sim.Config{Rules: db9sim.None(), Faults: faults})
			ctx, conn := t.Context(), connect(t, sim)

			var n int
			require.NoError(t, conn.QueryRow(ctx, "SELECT $1::int + 1", 41).Scan(&n))
			require.Equal(t, 42, n)
			_, err := conn.Exec(ctx, "CREATE TABLE t (a int PRIMARY KEY, b text)")
			require.NoError(t, err)

			batch := &pgx.Batch{}
			for i := range 50 {
				batch.Queue("INSERT INTO t VALUES ($1, $2)", i, strings.Repeat("x", 1000))
			}
			require.NoError(t, conn.SendBatch(ctx, batch).Close())
			batch = &pgx.Batch{}
			batch.Queue("INSERT INTO t VALUES (1000, '')")
			batch.Queue("INSERT INTO t VALUES (1, '')") // and with it the one before
			err = conn.SendBatch(ctx, batch).Close()
			var refused *pgconn.PgError
			require.ErrorAs(t, err, &refused)
			require.Equal(t, "23505", refused.Code)

			copied, err := conn.CopyFrom(ctx, pgx.Identifier{"t"}, []string{"a", "b"},
				pgx.CopyFromRows([][]any{{2000, "a"}, {2001, "b"}}))
			require.NoError(t, err)
			require.EqualValues(t, 2, copied)
			var out strings.Builder
			tag, err := conn.PgConn().CopyTo(ctx, &out, "COPY (SELECT a FROM t ORDER BY a DESC LIMIT 2) TO STDOUT")
			require.NoError(t, err)
			require.Equal(t, "COPY 2", tag.String())
			require.Equal(t, "2001\n2000\n", out.String())

			_, err = conn.PgConn().CopyFrom(ctx, strings.NewReader("2000\tx\n"), "COPY t FROM STDIN")
			require.ErrorAs(t, err, &refused)
			require.Equal(t, "23505", refused.Code)
			require.NoError(t, conn.QueryRow(ctx, "SELECT count(*) FROM t").Scan(&n))
			require.Equal(t, 52, n)
		})
	}
}

func TestSeveralStatementsInOneQuery(t *testing.T) {
	t.Parallel()
	sim, db := start(t, db9sim.Config{Rules: db9sim.None(), Faults: forced})
	conn := connect(t, sim).PgConn()
	for _, c := range []struct{ name, sql, code, rows string }{
		{"all or nothing", "INSERT INTO t VALUES (1); INSERT INTO t VALUES (2); SELECT 1/0", "22012", ""},
		{"commit inside", "INSERT INTO t VALUES (1); COMMIT; INSERT INTO t VALUES (2); SELECT 1/0", "22012", "1"},
		{"begin inside keeps what was before", "INSERT INTO t VALUES (3); BEGIN; INSERT INTO t VALUES (4); ROLLBACK", "", ""},
		{"deferred to the end", "INSERT INTO d VALUES (1); INSERT INTO d VALUES (1)", "23505", ""},
		{"plain", "INSERT INTO t VALUES (5); SELECT 1; ; INSERT INTO t VALUES (6)", "", "5,6"},
	} {
		t.Run(c.name, func(t *testing.T) {
			db.Exec(t, "DROP TABLE IF EXISTS t, d; CREATE TABLE t (a int); CREATE TABLE d (a int UNIQUE DEFERRABLE INITIALLY DEFERRED)")
			_, err := conn.Exec(t.Context(), c.sql).ReadAll()
			if c.code != "" {
				var refused *pgconn.PgError
				require.ErrorAs(t, err, &refused)
				require.Equal(t, c.code, refused.Code)
			} else {
				require.NoError(t, err)
			}
			require.Equal(t, byte('I'), conn.TxStatus())
			require.Equal(t, c.rows, db.QueryString(t, "SELECT string_agg(a::text, ',' ORDER BY a) FROM t"))
		})
	}
}

func TestPsql(t *testing.T) {
	t.Parallel()
	psql, err := exec.LookPath("psql")
	if err != nil {
		t.Skip("no psql on this machine")
	}
	sim, _ := start(t, db9sim.Config{Rules: db9sim.None(), Faults: forced})
	cmd := exec.CommandContext(t.Context(), psql, "-XAtq", "-v", "ON_ERROR_STOP=1", sim.URL())
	cmd.Stdin = strings.NewReader("CREATE TABLE t (a int, b text);\nCOPY t FROM STDIN;\n1\tx\n2\ty\n\\.\nSELECT count(*) FROM t;\n\\copy t to stdout\n\\d t\n")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	require.Equal(t, "2\n1\tx\n2\ty\na|integer|||\nb|text|||\n", string(out))
}

// Names with a line break, quotes or a dollar sign are what the stand-in's own
// statements must survive.
func TestOddNames(t *testing.T) {
	t.Parallel()
	sim, db := start(t, db9sim.Config{Rules: rules(t, "copy-rotation", "numeric-28", "row-limit", "update-key", "unknown-types", "gin-scan")})
	conn := connect(t, sim).PgConn()
	for _, name := range []string{"\"two\nlines\"", `"$1 $2"`, `"it's ""quoted"""`} {
		db.Exec(t, "CREATE TYPE "+name+" AS ENUM ('x')")
		for _, sql := range []string{
			"CREATE SCHEMA " + name,
			"CREATE TABLE " + name + "." + name + " (" + name + " int PRIMARY KEY, b numeric, c " + name + ", d no_such_type)",
			"CREATE INDEX ON " + name + "." + name + " USING gin ((ARRAY[b]))",
			"UPDATE " + name + "." + name + " SET b = 1",
		} {
			_, err := conn.Exec(t.Context(), sql).ReadAll()
			require.NoError(t, err, sql)
		}
		tag, err := conn.CopyFrom(t.Context(), strings.NewReader("1\t2\tx\ty\n"), "COPY "+name+"."+name+" FROM STDIN")
		require.NoError(t, err, name)
		require.Equal(t, "COPY 1", tag.String())
		_, err = conn.Exec(t.Context(), "UPDATE "+name+"."+name+" SET "+name+" = 2").ReadAll()
		require.ErrorContains(t, err, "0A000")
	}
}

// Statements are judged wherever they stand: among others, behind comments, in
// a pipeline.
func TestRulesSeeThroughDisguises(t *testing.T) {
	t.Parallel()
	sim, db := start(t, db9sim.Config{Rules: rules(t, "smallint", "listen", "unknown-types")})
	conn := connect(t, sim)
	_, err := conn.PgConn().Exec(t.Context(), "/* LISTEN x; */ SELECT 'LISTEN x'; CREATE TABLE a (a -- int\n smallint, b nothing_like_it); SELECT 1").ReadAll()
	require.NoError(t, err)
	_, err = conn.PgConn().Exec(t.Context(), "CREATE TABLE b (); listen /* */ \"x\"").ReadAll()
	require.ErrorContains(t, err, "0A000")
	require.Equal(t, byte('I'), conn.PgConn().TxStatus())
	batch := &pgx.Batch{}
	batch.Queue("CREATE TABLE c (a smallint)")
	batch.Queue("CREATE TABLE d (a smallint[], b nothing_like_it)")
	require.NoError(t, conn.SendBatch(t.Context(), batch).Close())
	require.Equal(t, "a.a int4|a.b text|c.a int4|d.a _int4|d.b text", strings.ReplaceAll(db.QueryString(t,
		"SELECT table_name || '.' || column_name || ' ' || udt_name FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1"), "\n", "|"))
}
