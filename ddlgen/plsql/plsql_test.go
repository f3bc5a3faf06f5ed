package plsql

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// told is what Classify finds, as "line kind word".
func told(uses []Use) []string {
	out := []string{}
	for _, u := range uses {
		line := fmt.Sprintf("%d %s %s", u.Line, u.Kind, u.Word)
		if u.Extension != "" {
			line += " of " + u.Extension
		}
		out = append(out, line)
	}
	return out
}

// T27: what a body does is found, and what only looks so is not: the words in
// comments, strings, names, RAISE EXCEPTION, labels, strings within strings.
func TestClassify(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		language string
		body     string
		want     []string
	}{
		// Nothing to find.
		{"plain", "plpgsql", "BEGIN RETURN 1; END", nil},
		{"words in a comment", "plpgsql", "BEGIN -- WHILE x LOOP EXECUTE\n/* EXCEPTION WHEN /* OPEN c; */ LOOP */ RETURN 1; END", nil},
		{"words in strings", "plpgsql", "BEGIN x := 'WHILE true LOOP; EXECUTE ''y''; EXCEPTION WHEN'; y := E'it\\'s; EXECUTE'; RETURN x || $q$; LOOP $$ COMMIT; $$ $q$; END", nil},
		{"words as quoted names", "plpgsql", `DECLARE "while" int; "loop" int; BEGIN "while" := 1; "execute" := 2; SELECT "cursor", "loop" INTO "while" FROM "exception"; RETURN "while"; END`, nil},
		{"raise exception", "plpgsql", "BEGIN IF a THEN RAISE EXCEPTION 'no WHILE' USING ERRCODE = 'P0001'; END IF; RAISE EXCEPTION USING MESSAGE = 'x'; RAISE; RAISE NOTICE 'EXECUTE'; END", nil},
		{"for over integers and queries", "plpgsql", "BEGIN FOR i IN REVERSE 10..1 LOOP EXIT WHEN i = 3; END LOOP; FOR r IN SELECT * FROM t WHERE a IN (1, 2) LOOP RETURN NEXT r; END LOOP; END", nil},
		{"exit is no continue", "plpgsql", "BEGIN <<outer>> FOR i IN 1..n LOOP EXIT outer WHEN i > 2; END LOOP outer; END", nil},
		{"columns called as keywords are", "plpgsql", "BEGIN SELECT t.loop, execute, exception, open, cursor, continue INTO a FROM t WHERE fetch = 1 AND move > close; UPDATE t SET notify = 1, listen = 2 WHERE copy; END", nil},
		{"variables called as keywords are", "plpgsql", "DECLARE open int; fetch text; continue int[]; BEGIN open := 1; fetch = 'x'; continue[1] := 2; get.x := 3; exception := 4; commit := 5; END", nil},
		{"case expressions and statements", "plpgsql", "BEGIN x := CASE WHEN a THEN execute ELSE loop END; CASE y WHEN 1, 2 THEN x := 1; ELSE x := 2; END CASE; CASE WHEN a THEN NULL; END CASE; END", nil},
		{"execute in DDL and GRANT", "plpgsql", "BEGIN CREATE TRIGGER g AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION f(); CREATE TRIGGER h BEFORE UPDATE ON t EXECUTE PROCEDURE p(); GRANT EXECUTE ON FUNCTION f() TO r; REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA s FROM PUBLIC; END", nil},
		{"labels", "plpgsql", `<<"while">> BEGIN <<execute>> BEGIN NULL; END execute; END`, nil},
		{"a string within a string", "plpgsql", "BEGIN x := $a$ BEGIN EXECUTE $b$ LOOP $b$; END $a$; END", nil},
		{"names with the words in them", "plpgsql", "BEGIN while_loop := execute_all(looping); exception_count := 1; PERFORM myexecute(cursor_of()); END", nil},
		{"xmin as an argument", "plpgsql", "BEGIN RETURN xmin + st.width; END", []string{}},
		{"xmin as an alias", "sql", "SELECT xmin FROM (SELECT 1 AS xmin) s", nil},
		{"own table called as a function is", "sql", "INSERT INTO similarity (a) VALUES (1); CREATE TABLE IF NOT EXISTS crypt (a int); WITH dblink (a) AS (SELECT 1) SELECT a FROM dblink", nil},
		{"read committed", "sql", "SET TRANSACTION ISOLATION LEVEL READ COMMITTED; SET default_transaction_isolation TO 'repeatable read'", nil},
		{"another language", "plpython3u", "while True: execute()", nil},
		{"options at the top", "plpgsql", "#variable_conflict use_column\n#print_strict_params on\nBEGIN RETURN 1; END", nil},
		{"insert and select into variables", "plpgsql", "BEGIN INSERT INTO t SELECT 1; SELECT 1 INTO STRICT x; WITH c AS (SELECT 1) SELECT * INTO x FROM c; END", nil},
		{"columns of a created table", "sql", "CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a * 2) STORED); CREATE VIEW v AS SELECT 1; CREATE MATERIALIZED VIEW m AS SELECT 1", nil},
		{"not finished", "plpgsql", "BEGIN IF x THEN 'abc", nil},

		// One thing each.
		{"while", "plpgsql", "DECLARE x int := 0;\nBEGIN\n  WHILE x < 7 LOOP x := x + 1; END LOOP;\nEND", []string{"3 while WHILE"}},
		{"loop", "plpgsql", "BEGIN\n<<l>>\nLOOP EXIT l WHEN x; END LOOP l; END", []string{"3 loop LOOP"}},
		{"loop in a handler", "plpgsql", "BEGIN x := 1; EXCEPTION WHEN unique_violation OR SQLSTATE '23514' THEN loop NULL; end loop; END", []string{"1 exception EXCEPTION", "1 loop loop"}},
		{"foreach and continue", "plpgsql", "BEGIN FOREACH x SLICE 1 IN ARRAY $1 LOOP CONTINUE WHEN x IS NULL; y := y || x; END LOOP; END", []string{"1 foreach FOREACH", "1 continue CONTINUE"}},
		{"execute", "plpgsql", "BEGIN IF a THEN EXECUTE 'SELECT 1' INTO x USING y; ELSE EXECUTE format('%I', z); END IF; END", []string{"1 execute EXECUTE", "1 execute EXECUTE"}},
		{"execute in loops and results", "plpgsql", "BEGIN FOR r IN EXECUTE q USING a LOOP NULL; END LOOP;\nRETURN QUERY EXECUTE q; RETURN QUERY SELECT 1; END", []string{"1 execute EXECUTE", "2 execute EXECUTE"}},
		{"exception blocks, nested", "plpgsql", "BEGIN BEGIN x := 1 / 0; EXCEPTION WHEN OTHERS THEN RAISE EXCEPTION 'x'; END; EXCEPTION\n-- WHEN a\nWHEN no_data_found THEN RETURN 0; END", []string{"1 exception EXCEPTION", "1 exception EXCEPTION"}},
		{"cursors", "plpgsql", "DECLARE c CURSOR FOR SELECT 1; d NO SCROLL CURSOR (k int) IS SELECT k; e refcursor; f pg_catalog.refcursor := 'x';\nBEGIN OPEN c; FETCH NEXT FROM c INTO x; MOVE c; CLOSE c;\nFOR r IN d(1) LOOP NULL; END LOOP; OPEN e FOR EXECUTE 'SELECT 1'; END", []string{
			"1 cursor CURSOR", "1 cursor CURSOR", "1 cursor refcursor", "1 cursor refcursor", "2 cursor OPEN", "2 cursor FETCH", "2 cursor MOVE", "2 cursor CLOSE",
			"3 cursor d", "3 cursor OPEN", "3 execute EXECUTE",
		}},
		{"diagnostics", "plpgsql", "BEGIN GET DIAGNOSTICS n = ROW_COUNT; GET STACKED DIAGNOSTICS m := MESSAGE_TEXT; END", []string{"1 get diagnostics GET", "1 get diagnostics GET"}},
		{"transactions", "plpgsql", "BEGIN INSERT INTO t VALUES (1); COMMIT; ROLLBACK AND CHAIN; SAVEPOINT s; END", []string{"1 transaction COMMIT", "1 transaction ROLLBACK", "1 transaction SAVEPOINT"}},
		{"notify", "plpgsql", "BEGIN NOTIFY ch, 'LISTEN'; LISTEN ch; UNLISTEN *; PERFORM pg_notify('a', 'b'); END", []string{"1 notify NOTIFY", "1 notify LISTEN", "1 notify UNLISTEN", "1 notify pg_notify"}},
		{"advisory locks", "sql", "SELECT pg_advisory_lock(1), pg_catalog.pg_try_advisory_xact_lock(2) -- pg_advisory_unlock(3)", []string{"1 advisory lock pg_advisory_lock", "1 advisory lock pg_try_advisory_xact_lock"}},
		{"serializable", "plpgsql", "BEGIN SET TRANSACTION ISOLATION LEVEL SERIALIZABLE; SET LOCAL default_transaction_isolation = serializable; PERFORM set_config('transaction_isolation', 'SERIALIZABLE', true); END", []string{
			"1 serializable SERIALIZABLE", "1 serializable default_transaction_isolation", "1 serializable set_config",
		}},
		{"replication role", "plpgsql", "BEGIN SET session_replication_role TO replica; PERFORM set_config('session_replication_role', 'origin', false); END", []string{
			"1 session_replication_role session_replication_role", "1 session_replication_role set_config",
		}},
		{"functions of extensions, nested", "sql", "SELECT upper(crypt(a, public.gen_salt('bf'))) FROM t WHERE similarity(a, 'crypt(') > .3 AND id = uuid_generate_v4()", []string{
			"1 function crypt of pgcrypto", "1 function gen_salt of pgcrypto", "1 function similarity of pg_trgm", "1 function uuid_generate_v4 of uuid-ossp",
		}},
		{"functions of PostgreSQL alone", "sql", `SELECT setseed(.5), lo_import('/x'), pg_sleep(1), "pg_read_file"('y')`, []string{
			"1 function setseed", "1 large object lo_import", "1 sleep pg_sleep", `1 function "pg_read_file"`,
		}},
		{"tables from functions", "sql", "SELECT * FROM dblink('a', 'b') AS d(x int), crosstab('c') AS (y int)", []string{"1 function dblink of dblink", "1 function crosstab of tablefunc"}},
		{"system columns", "sql", "DELETE FROM t a USING t b WHERE a.ctid < b.ctid; SELECT xmin, tableoid::regclass FROM t", []string{
			"1 system column ctid", "1 system column ctid", "1 system column xmin", "1 system column tableoid",
		}},
		{"copy", "plpgsql", "BEGIN COPY t FROM '/tmp/x'; END", []string{"1 copy COPY"}},
		{"temporary tables", "plpgsql", "BEGIN CREATE LOCAL TEMP TABLE x (a int) ON COMMIT DROP; CREATE TEMPORARY TABLE y AS SELECT 1; DROP TABLE pg_temp.x; END", []string{
			"1 temporary table TEMP", "1 create table as CREATE", "1 temporary table TEMPORARY", "1 temporary table pg_temp",
		}},
		{"tables from queries", "sql", "SELECT 1 INTO TEMP x; CREATE UNLOGGED TABLE y AS SELECT 1", []string{"1 create table as INTO", "1 temporary table TEMP", "1 create table as CREATE"}},
		{"a block in a string", "plpgsql", "BEGIN DO $$ BEGIN LOOP NULL; END LOOP; END $$; END", []string{"1 do DO"}},
		{"a body in SQL", "sql", "BEGIN ATOMIC\n SELECT 1;\n SELECT pg_advisory_lock(2);\nEND", []string{"3 advisory lock pg_advisory_lock"}},
		{"an expression in SQL", "sql", "RETURN crypt($1, 'x')", []string{"1 function crypt of pgcrypto"}},
		{"everything in declarations too", "plpgsql", "DECLARE n int := pg_sleep(1); BEGIN RETURN n; END", []string{"1 sleep pg_sleep"}},
		{"nested blocks", "plpgsql", "<<a>>\nDECLARE x int;\nBEGIN\n DECLARE y refcursor;\n BEGIN\n  IF x THEN\n   WHILE true LOOP\n    EXECUTE z;\n   END LOOP;\n  ELSIF y THEN\n   LOOP EXIT; END LOOP;\n  END IF;\n END;\nEND a;", []string{
			"4 cursor refcursor", "7 while WHILE", "8 execute EXECUTE", "11 loop LOOP",
		}},
		{"case statement with all of it", "plpgsql", "BEGIN CASE WHEN x THEN EXECUTE 'a'; WHEN y THEN LOOP EXIT; END LOOP; ELSE CLOSE c; END CASE; END", []string{"1 execute EXECUTE", "1 loop LOOP", "1 cursor CLOSE"}},
		{"spelled and spaced otherwise", "PLPGSQL", "begin\twhile(x)loop\n execute/**/'a';end loop;exception/**/when others then null;end", []string{"1 while while", "2 execute execute", "2 exception exception"}},
		{"ranges beside names", "plpgsql", "BEGIN FOR i IN 1..pg_sleep(2)LOOP NULL; END LOOP; END", []string{"1 sleep pg_sleep"}},
	}
	require.GreaterOrEqual(t, len(tests), 40)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			want := tt.want
			if want == nil {
				want = []string{}
			}
			var declared []string
			if tt.name == "xmin as an argument" {
				declared = []string{"xmin"}
			}
			require.Equal(t, want, told(Classify(tt.language, tt.body, declared...)))
		})
	}
}

// The place of a use is that of its word.
func TestPlaces(t *testing.T) {
	t.Parallel()
	body := "BEGIN\n  PERFORM ext.crypt('a', 'é');\n  WHILE x LOOP NULL; END LOOP;\nEND"
	uses := Classify("plpgsql", body)
	require.Len(t, uses, 2)
	require.Equal(t, Use{Kind: Function, Word: "crypt", Offset: 20, Line: 2, Schema: "ext", Extension: "pgcrypto"}, uses[0])
	require.Equal(t, "WHILE", body[uses[1].Offset:uses[1].Offset+5])
	require.Equal(t, 3, uses[1].Line)
}

// Whatever the text, Classify ends, and every place is a place of the text.
func TestClassifyAnything(t *testing.T) {
	t.Parallel()
	words := []string{
		"BEGIN ", "END ", "END LOOP", "LOOP ", "WHILE ", "FOR ", "IN ", "EXECUTE ", "EXCEPTION ", "WHEN ", "THEN ", "DECLARE ", "c ", "CURSOR ", "OPEN ",
		"<<", ">>", "l", ";", ":=", "(", ")", "[", "]", "'", "$$", "$a$", "--", "\n", "/*", "*/", "IF ", "ELSE ", "CASE ", "SELECT ", "INTO ", "crypt", ".", "#", "\"", "SET ", "TO ",
	}
	rapid.Check(t, func(t *rapid.T) {
		var body string
		for _, w := range rapid.SliceOf(rapid.SampledFrom(words)).Draw(t, "words") {
			body += w
		}
		for _, language := range []string{"sql", "plpgsql"} {
			for _, u := range Classify(language, body) {
				require.Equal(t, u.Word, body[u.Offset:u.Offset+len(u.Word)])
				require.Positive(t, u.Line)
			}
		}
	})
}
