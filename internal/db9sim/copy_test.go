package db9sim_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/db9sim"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// proof shows one rule: what a client sees where it is off and where it is on.
type proof struct {
	rule  string
	with  []string // other rules that are on in both positions
	setup string   // on the backend
	do    func(t *testing.T, conn *pgconn.PgConn) string
	small bool   // sizes are those of Shrink
	hasty bool   // 60 s are 300 ms, not 6 s
	off   string // as on PostgreSQL
	on    string
}

// prove runs a proof on a database of its own.
func (p proof) prove(t *testing.T) {
	db := pgtest.Server(t).Database(t)
	for _, position := range []struct {
		on   []string
		want string
	}{{p.with, p.off}, {append([]string{p.rule}, p.with...), p.on}} {
		if p.setup != "" {
			db.Exec(t, p.setup)
		}
		cfg := db9sim.Config{Backend: db.URL, Rules: rules(t, position.on...), Faults: forced, TimeScale: 0.1}
		if p.hasty {
			cfg.TimeScale = 0.005
		}
		sim, err := db9sim.Start(t.Context(), cfg)
		require.NoError(t, err)
		if p.small {
			sim.Shrink()
		}
		conn, err := pgconn.Connect(t.Context(), sim.URL())
		require.NoError(t, err)
		require.Equal(t, position.want, p.do(t, conn), "with rules %v", position.on)
		_ = conn.Close(context.WithoutCancel(t.Context()))
		sim.Close()
	}
}

// queries runs statements one by one and gives their rows, or where one fails
// its SQLSTATE.
func queries(statements ...string) func(*testing.T, *pgconn.PgConn) string {
	return func(t *testing.T, conn *pgconn.PgConn) string {
		t.Helper()
		var out []string
		for _, sql := range statements {
			results, err := conn.Exec(t.Context(), sql).ReadAll()
			for _, r := range results {
				for _, row := range r.Rows {
					var values []string
					for _, v := range row {
						values = append(values, string(v))
					}
					out = append(out, strings.Join(values, "|"))
				}
			}
			if err != nil {
				out = append(out, state(t, err))
			}
		}
		return strings.Join(out, " ")
	}
}

func state(t *testing.T, err error) string {
	t.Helper()
	var refused *pgconn.PgError
	require.ErrorAs(t, err, &refused)
	return refused.Code
}

// copied copies rows into t and gives the tag or SQLSTATE, and what is in t.
func copied(in, query string) func(*testing.T, *pgconn.PgConn) string {
	return copiedBy("COPY t FROM STDIN", in, query)
}

func copiedBy(sql, in, query string) func(*testing.T, *pgconn.PgConn) string {
	return func(t *testing.T, conn *pgconn.PgConn) string {
		t.Helper()
		tag, err := conn.CopyFrom(t.Context(), strings.NewReader(in), sql)
		out := tag.String()
		if err != nil {
			out = state(t, err)
		}
		return out + ": " + queries(query)(t, conn)
	}
}

func copiedOut(sql string) func(*testing.T, *pgconn.PgConn) string {
	return func(t *testing.T, conn *pgconn.PgConn) string {
		t.Helper()
		var out strings.Builder
		_, err := conn.CopyTo(t.Context(), &out, sql)
		require.NoError(t, err)
		return strings.TrimSuffix(out.String(), "\n")
	}
}

func table(columns string, rows ...string) string {
	sql := "DROP TABLE IF EXISTS t; CREATE TABLE t (" + columns + ");"
	for _, r := range rows {
		sql += "INSERT INTO t VALUES (" + r + ");"
	}
	return sql
}

// numbers is a COPY of n rows of which one, counted from 1, is no number.
func numbers(n, bad int) string {
	var in strings.Builder
	for i := 1; i <= n; i++ {
		if i == bad {
			in.WriteString("x\n")
		} else {
			fmt.Fprintf(&in, "%d\n", i)
		}
	}
	return in.String()
}

func copyRuleProofs() []proof {
	all := "SELECT t.* FROM t ORDER BY 1"
	return []proof{
		{rule: "copy-rotation", setup: table("a int"), do: copied(numbers(12_000, 10_500), "SELECT count(*) FROM t"), off: "22P02: 0", on: "22P02: 10000"},
		{rule: "copy-by-row", with: []string{"copy-rotation"}, setup: table("a int"), do: copied(numbers(30, 20), "SELECT count(*) FROM t"), off: "22P02: 0", on: "22P02: 19"},
		{rule: "copy-held", with: []string{"copy-rotation"}, setup: table("a int"), do: failing(numbers(5000, 0)), off: "57014: 5000", on: "57014: 0"},
		{rule: "copy-field-count", setup: table("a int, b int"), do: copied("1\t2\n3\n4\t5\t6\n7\t8\n", all), off: "22P04: ", on: "COPY 2: 1|2 7|8"},
		{rule: "copy-tag", with: []string{"copy-field-count"}, setup: table("a int, b int"), do: copied("1\t2\n3\n", all), off: "COPY 1: 1|2", on: "COPY 2: 1|2"},
		{rule: "copy-empty-line", setup: table("a text"), do: copied("\n", "SELECT count(*) FROM t"), off: "COPY 1: 1", on: "COPY 0: 0"},
		{rule: "copy-null-default", setup: table("a int DEFAULT 7, b int, c serial"), do: copiedBy("COPY t FROM STDIN", "\\N\t2\t30\n4\t\\N\t31\n4\t5\t\\N\n", "SELECT coalesce(a::text, 'null'), coalesce(b::text, 'null'), c FROM t ORDER BY c"), off: "23502: ", on: "COPY 3: 4|5|1 7|2|30 4|null|31"},
		{rule: "copy-invalid-utf8", setup: table("a text"), do: copied("a\xffb\n", all), off: "22021: ", on: "COPY 1: a\uFFFDb"},
		{rule: "copy-hex-escape", setup: table("a text"), do: copied("\\x41\\102\n", all), off: "COPY 1: AB", on: "COPY 1: x41B"},
		{rule: "copy-csv-lines", setup: table("a text"), do: copiedBy("COPY t FROM STDIN (FORMAT csv)", "\"a\nb\"\n", "SELECT length(a) FROM t"), off: "COPY 1: 3", on: "22P04: "},
		{rule: "copy-csv-unescape", setup: table("a text"), do: copiedBy("COPY t FROM STDIN WITH (FORMAT csv, HEADER)", "a\nC:\\temp\n", "SELECT a = E'C:\\temp' FROM t"), off: "COPY 1: f", on: "COPY 1: t"},
		{rule: "copy-options", setup: table("a text"), do: copiedBy("COPY t FROM STDIN WHERE a <> 'x'", "x\ny\n", all), off: "COPY 1: y", on: "42601: "},
		{rule: "copy-options-ignored", setup: table("a text"), do: copiedBy("COPY t FROM STDIN (FORMAT csv, FORCE_NOT_NULL (a), ENCODING latin1)", "\xe9\n", all), off: "COPY 1: \u00e9", on: "22021: "},
		{rule: "array-guess", setup: table("a text[]"), do: copied(`{"007","NULL"," x "}`+"\n", all), off: `COPY 1: {007,"NULL"," x "}`, on: "COPY 1: {7,NULL,x}"},
		{rule: "bytea-literal", setup: table("a bytea"), do: copied(`\\xZZ`+"\n", all), off: "22023: ", on: `COPY 1: \x5c785a5a`},
		{rule: "jsonb-numbers", setup: table("a jsonb"), do: copied(`{"n": 12345678901234567890.123}`+"\n", all), off: `COPY 1: {"n": 12345678901234567890.123}`, on: `COPY 1: {"n": 12345678901234567000}`},
		{rule: "numeric-28", setup: table("a numeric"), do: copied(strings.Repeat("9", 29)+"\n", all), off: "COPY 1: " + strings.Repeat("9", 29), on: "22003: "},
		{rule: "time-strict", setup: table("a time"), do: copied("24:00:00\n", all), off: "COPY 1: 24:00:00", on: "22007: "},
		{rule: "timestamp-specials", setup: "DROP TABLE IF EXISTS t; DROP DOMAIN IF EXISTS d; CREATE DOMAIN d AS timestamp; CREATE TABLE t (a d)", do: copied("infinity\n", all), off: "COPY 1: infinity", on: "22007: "},
		{rule: "row-limit", setup: table("a text"), do: copied(strings.Repeat("x", 9<<20)+"\n", "SELECT count(*) FROM t"), off: "COPY 1: 1", on: "XX000: 0"},
		{rule: "key-limit", setup: table("a text PRIMARY KEY"), do: copied(strings.Repeat("x", 5000)+"\n", "SELECT count(*) FROM t"), off: "COPY 1: 1", on: "XX000: 0"},
		{rule: "line-limit", small: true, setup: table("a text"), do: copied(strings.Repeat("x", 11<<10)+"\n", "SELECT count(*) FROM t"), off: "COPY 1: 1", on: "54000: 0"},
		{rule: "transaction-limit", small: true, setup: table("a text"), do: copied(strings.Repeat(strings.Repeat("x", 1<<10)+"\n", 101), "SELECT count(*) FROM t"), off: "COPY 101: 101", on: "XX000: 0"},
		{rule: "transaction-limit", small: true, setup: table("a text"), do: func(t *testing.T, conn *pgconn.PgConn) string {
			t.Helper()
			half := strings.Repeat("x", 60<<10)
			return queries("BEGIN", "INSERT INTO t VALUES ('"+half+"')")(t, conn) + copied(half+"\n", "SELECT 1")(t, conn) + queries("ROLLBACK", "INSERT INTO t VALUES ('"+half+"')", "SELECT count(*) FROM t")(t, conn)
		}, off: "COPY 1: 11", on: "XX000: 25P021"},
	}
}

func TestCopyInTransactionIsAtomic(t *testing.T) {
	t.Parallel()
	sim, db := start(t, db9sim.Config{Rules: rules(t, "copy-rotation", "copy-held")})
	conn := connect(t, sim).PgConn()
	db.Exec(t, table("a int"))
	require.Empty(t, queries("BEGIN")(t, conn))
	require.Equal(t, "22P02: 25P02", copied(numbers(12_000, 10_500), "SELECT 1")(t, conn))
	require.Equal(t, "0", queries("ROLLBACK", "SELECT count(*) FROM t")(t, conn))
	require.Empty(t, queries("BEGIN")(t, conn))
	require.Equal(t, "COPY 12000: 12000", copied(numbers(12_000, 0), "SELECT count(*) FROM t")(t, conn))
	require.Equal(t, "12000", queries("COMMIT", "SELECT count(*) FROM t")(t, conn))
}

func TestCopyIntoSelfReferencingTable(t *testing.T) {
	t.Parallel()
	sim, db := start(t, db9sim.Config{Rules: rules(t, "copy-rotation")})
	conn := connect(t, sim).PgConn()
	db.Exec(t, "CREATE TABLE t (a int PRIMARY KEY, b int REFERENCES t)")
	rows := func(n int) string {
		return strings.ReplaceAll(numbers(n, 0), "\n", "\t1\n")
	}
	require.Equal(t, "54000: 0", copied(rows(50_001), "SELECT count(*) FROM t")(t, conn))
	require.Equal(t, "COPY 6000: 6000", copied(rows(6000), "SELECT count(*) FROM t")(t, conn))
}

func TestCopyIntoOddNames(t *testing.T) {
	t.Parallel()
	sim, db := start(t, db9sim.Config{Rules: db9sim.Strict()})
	conn := connect(t, sim).PgConn()
	db.Exec(t, `CREATE SCHEMA "a.""b"; CREATE TABLE "a.""b"."two
lines$1@columns@" ("c\d" int, "$2
'e'" text); CREATE TABLE "no columns" ()`)
	const name = "\"a.\"\"b\".\"two\nlines$1@columns@\""
	require.Equal(t, "COPY 1: 1|x", copiedBy("COPY "+name+" FROM STDIN", "1\tx\n", "SELECT * FROM "+name)(t, conn))
	require.Equal(t, "COPY 1: 1", copiedBy("COPY "+name+" (\"$2\n'e'\") FROM STDIN", "y\n", "SELECT count(*) FROM "+name+" WHERE \"c\\d\" IS NULL")(t, conn))
	require.Equal(t, "COPY 2: 2", copiedBy(`COPY "no columns" FROM STDIN`, "\n\n", `SELECT count(*) FROM "no columns"`)(t, conn))
}

func TestCopyErrorsOfTheBackend(t *testing.T) {
	t.Parallel()
	sim, db := start(t, db9sim.Config{Rules: rules(t, "copy-rotation", "copy-held", "copy-null-default")})
	conn := connect(t, sim).PgConn()
	db.Exec(t, `CREATE TABLE t (a int PRIMARY KEY, "B c" text DEFAULT 'x', d int GENERATED ALWAYS AS (a * 2) STORED)`)
	require.Equal(t, "42P01: 1", copiedBy("COPY missing FROM STDIN", "1\n", "SELECT 1")(t, conn))
	require.Equal(t, "42703: 1", copiedBy("COPY t (missing) FROM STDIN", "1\n", "SELECT 1")(t, conn))
	_, err := conn.CopyFrom(t.Context(), strings.NewReader(numbers(9000, 7000)), "COPY t (a) FROM STDIN")
	var refused *pgconn.PgError
	require.ErrorAs(t, err, &refused)
	require.Contains(t, refused.Where, "line 7000")
	require.Equal(t, "57014: 5000", failing("1\n")(t, conn))
	require.Equal(t, "COPY 2: 9001|x|18002 9002|y|18004", copiedBy(`COPY t (a, "B c") FROM STDIN`, "9001\t\\N\n9002\ty\n", "SELECT * FROM t WHERE a > 9000 ORDER BY a")(t, conn))
}

// failing sends rows and then a CopyFail.
func failing(rows string) func(*testing.T, *pgconn.PgConn) string {
	return func(t *testing.T, conn *pgconn.PgConn) string {
		t.Helper()
		gone := failingReader{errors.New("the source is gone")}
		_, err := conn.CopyFrom(t.Context(), io.MultiReader(strings.NewReader(rows), gone), "COPY t (a) FROM STDIN")
		return state(t, err) + ": " + queries("SELECT count(*) FROM t")(t, conn)
	}
}

type failingReader struct{ err error }

func (r failingReader) Read([]byte) (int, error) { return 0, r.err }

func outputProofs() []proof {
	return []proof{
		{rule: "timestamp-output", setup: table("a timestamp, b timestamptz, c timestamp", "'2020-01-01', '2020-01-01 00:00:00.5+00', 'infinity'"), do: queries("SET TimeZone = 'Asia/Kolkata'", "SELECT * FROM t"), off: "2020-01-01 00:00:00|2020-01-01 05:30:00.5+05:30|infinity", on: "2020-01-01 00:00:00.000000|2020-01-01 05:30:00.500000+05:30|infinity"},
		{rule: "timestamptz-output", setup: table("a timestamptz", "'2020-01-01 00:00:00.5+05:30'"), do: copiedOut("COPY t TO STDOUT"), off: "2019-12-31 18:30:00.5+00", on: "2019-12-31 18:30:00.500000"},
		{rule: "float-output", setup: table("a float8, b float8", "100, 1e16"), do: queries("SELECT * FROM t"), off: "100|1e+16", on: "100.0|1e16"},
		{rule: "array-output", setup: table("a text[]", `'{a,NULL,"b \"c"}'`), do: copiedOut("COPY t TO STDOUT"), off: `{a,NULL,"b \\"c"}`, on: `{"a",NULL,"b \\"c"}`},
		{rule: "jsonb-output", setup: table("a jsonb", `'{"z": 1, "aa": [{"y": "x,\"}", "bb": null}]}'`), do: queries("SELECT * FROM t"), off: `{"z": 1, "aa": [{"y": "x,\"}", "bb": null}]}`, on: `{"aa": [{"bb": null, "y": "x,\"}"}], "z": 1}`},
		{rule: "interval-output", setup: table("a interval", "'1 year 1 day'"), do: queries("SELECT * FROM t"), off: "1 year 1 day", on: "12 mons +24:00:00.000"},
	}
}

func timeoutProofs() []proof {
	return []proof{
		{rule: "statement-timeout", hasty: true, do: queries("SELECT pg_sleep(0.4)"), off: "", on: "57014"},
		{rule: "idle-timeout", hasty: true, do: idling, off: "0", on: "60s FATAL 25P03"},
		{rule: "timeout-rollback", setup: table("a int"), do: queries("BEGIN", "INSERT INTO t VALUES (1)", "SET LOCAL statement_timeout = 50", "SELECT pg_sleep(1)", "INSERT INTO t VALUES (2)", "COMMIT", "SELECT * FROM t"), off: "57014 25P02", on: "57014 2"},
		{rule: "timeouts-settable", with: []string{"statement-timeout", "idle-timeout"}, do: queries("SHOW statement_timeout", "SET statement_timeout = 0", "SHOW statement_timeout", "SET statement_timeout = '200ms'", "SHOW statement_timeout", "SHOW idle_in_transaction_session_timeout", "SELECT set_config('statement_timeout', '0', false) IS NOT NULL", "SELECT current_setting('statement_timeout')", "RESET statement_timeout", "SHOW statement_timeout"), off: "60s 0 200ms 60s t 0 60s", on: "60s 60s 200ms 60s t 60s 60s"},
		{rule: "copy-idle-timeout", hasty: true, with: []string{"idle-timeout"}, setup: table("a int"), do: stalled("BEGIN"), off: "1", on: "25P03"},
	}
}

// idling waits in a transaction for the end that an idle timeout brings, where
// there is one.
func idling(t *testing.T, conn *pgconn.PgConn) string {
	t.Helper()
	timeout := queries("BEGIN", "SHOW idle_in_transaction_session_timeout")(t, conn)
	if timeout == "0" {
		return timeout
	}
	msg, err := conn.Frontend().Receive()
	require.NoError(t, err)
	refused, ok := msg.(*pgproto3.ErrorResponse)
	require.True(t, ok, "%T", msg)
	return timeout + " " + refused.Severity + " " + refused.Code
}

// stalled sends a row, waits for longer than the timeouts and sends another.
func stalled(before string) func(*testing.T, *pgconn.PgConn) string {
	return func(t *testing.T, conn *pgconn.PgConn) string {
		t.Helper()
		queries(before)(t, conn)
		_, err := conn.CopyFrom(t.Context(), &pausing{rows: []string{"1\n", "2\n"}, pause: 500 * time.Millisecond}, "COPY t FROM STDIN")
		if err != nil {
			return state(t, err)
		}
		return "1"
	}
}

type pausing struct {
	rows  []string
	pause time.Duration
}

func (p *pausing) Read(b []byte) (int, error) {
	if len(p.rows) == 0 {
		return 0, io.EOF
	}
	<-time.After(p.pause)
	n := copy(b, p.rows[0])
	p.rows = p.rows[1:]
	return n, nil
}

func TestStatementTimeoutInsideCopy(t *testing.T) {
	t.Parallel()
	sim, db := start(t, db9sim.Config{Rules: rules(t, "statement-timeout", "timeout-rollback"), TimeScale: 0.005})
	db.Exec(t, table("a int"))
	conn := connect(t, sim).PgConn()
	require.Equal(t, "57014", stalled("SELECT 1")(t, conn))
	require.Equal(t, "57014", stalled("BEGIN")(t, conn))
	require.Equal(t, "0", queries("INSERT INTO t VALUES (3)", "ROLLBACK", "SELECT count(*) - 1 FROM t")(t, conn), "the INSERT ran outside of a transaction")
}

func limitProofs() []proof {
	return []proof{
		{rule: "row-limit", setup: table("a text"), do: queries("INSERT INTO t VALUES ('"+strings.Repeat("x", 9<<20)+"')", "SELECT count(*) FROM t"), off: "1", on: "XX000 0"},
		{rule: "sort-limit", small: true, do: func(t *testing.T, conn *pgconn.PgConn) string {
			t.Helper()
			out := ""
			for _, end := range []string{"ORDER BY 1", "ORDER BY 1 LIMIT 1", ""} {
				out += fmt.Sprintf("%.5s ", queries("SELECT repeat('12345', 2200) "+end)(t, conn))
			}
			return out
		}, off: "12345 12345 12345 ", on: "54000 12345 12345 "},
		{rule: "portal-limit", do: portals, off: "", on: "54000"},
	}
}

// portals suspends one portal more than there can be.
func portals(t *testing.T, conn *pgconn.PgConn) string {
	t.Helper()
	front := conn.Frontend()
	for i := range 33 {
		front.SendParse(&pgproto3.Parse{Name: "", Query: "SELECT generate_series(1, 3)"})
		front.SendBind(&pgproto3.Bind{DestinationPortal: fmt.Sprint("p", i)})
		front.SendExecute(&pgproto3.Execute{Portal: fmt.Sprint("p", i), MaxRows: 1})
	}
	front.SendSync(&pgproto3.Sync{})
	require.NoError(t, front.Flush())
	code := ""
	for {
		msg, err := front.Receive()
		require.NoError(t, err)
		switch m := msg.(type) {
		case *pgproto3.ErrorResponse:
			code = m.Code
		case *pgproto3.ReadyForQuery:
			return code
		}
	}
}
