package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/ui/report"
)

// U1 code 0: copied and verified, and the last line says so.
func TestClone(t *testing.T) {
	t.Parallel()
	b := setup(t, shop)
	dir := t.TempDir()
	js, md := filepath.Join(dir, "r.json"), filepath.Join(dir, "r.md")
	r := b.ok(t, "clone", "--report", js, "--report", md)
	b.sameShop(t)
	require.Regexp(t, `^done and verified: 4 tables, 3,703 rows, 3 sequences, 1 view; \d+ objects? left, \d+ changed$`, r.last())
	require.Regexp(t, `public\.paid +view +- +- +match`, r.out, "the view is told of")
	require.Equal(t, b.source.QueryString(t, "SELECT count(*) FROM paid"), b.target.QueryString(t, "SELECT count(*) FROM paid"))

	data, err := os.ReadFile(js)
	require.NoError(t, err)
	markdown, err := os.ReadFile(md)
	require.NoError(t, err)
	noSecret(t, string(data), string(markdown))
	var rep report.Report
	require.NoError(t, json.Unmarshal(data, &rep))
	require.Zero(t, rep.ExitCode)
	require.Equal(t, r.last(), rep.Message)
	require.Equal(t, "postgres", rep.Profile.Name)
	require.NotNil(t, rep.Snapshot)
	require.Contains(t, string(markdown), "`public.paid`")
	// U2: five counts for each table, and all equal.
	require.Len(t, rep.Tables, 4)
	for _, x := range rep.Tables {
		require.Equal(t, []int64{x.Read, x.Read, x.Read, x.Read, x.Read}, []int64{x.Read, x.Framed, x.Acked, x.Ledger, x.Counted}, x.Target)
		require.Equal(t, "match", x.Verdict, x.Target)
		require.Equal(t, x.SourceDigest, x.TargetDigest, x.Target)
	}
	require.Equal(t, "105", b.target.QueryString(t, "SELECT nextval('alone')"))
	require.Equal(t, "3001", b.target.QueryString(t, "SELECT nextval('orders_id_seq')"))
	require.Equal(t, "1", b.target.QueryString(t, "SELECT count(*) FROM pg_constraint WHERE contype = 'f'"))
	require.Equal(t, "what was bought", b.target.QueryString(t, "SELECT obj_description('orders'::regclass)"))
}

// U6: without a terminal stderr has plain lines, one for each finished table.
func TestPlainLines(t *testing.T) {
	t.Parallel()
	b := setup(t, shop)
	r := b.ok(t, "clone")
	for _, want := range []string{"data: started", "table public.orders: 3,000 rows", "verify: done in"} {
		require.Contains(t, r.err, want)
	}
	require.NotContains(t, r.err, "\x1b")
	require.NotContains(t, r.out, "started")
	b = setup(t, shop)
	r = b.ok(t, "clone", "--no-progress")
	require.Empty(t, r.err)
}

// U6: --json: one object a line, stable names, the exit object last.
func TestJSON(t *testing.T) {
	t.Parallel()
	b := setup(t, shop)
	r := b.ok(t, "clone", "--json")
	all := jsonObjects(t, r.out)
	require.Equal(t, "run_started", all[0]["type"])
	last := all[len(all)-1]
	require.Equal(t, "exit", last["type"])
	require.Equal(t, "ok", last["meaning"])
	require.Contains(t, last["message"], "done and verified")
	require.Equal(t, "report", all[len(all)-2]["type"])
	kinds := map[any]int{}
	doc, err := os.ReadFile("../../docs/json-output.md")
	require.NoError(t, err)
	headings := strings.Join(regexp.MustCompile(`(?m)^## .*$`).FindAllString(string(doc), -1), "\n")
	for _, o := range all {
		kinds[o["type"]]++
		require.Regexp(t, `\b`+o["type"].(string)+`\b`, headings)
	}
	require.Equal(t, 4, kinds["table_done"])
	require.Equal(t, 4, kinds["table_verified"])
	require.Empty(t, r.err, "stderr is for logs and what went wrong")
}

func TestSkipVerifySaysSo(t *testing.T) {
	t.Parallel()
	b := setup(t, shop)
	r := b.ok(t, "clone", "--skip-verify")
	require.Contains(t, r.last(), "copied, not verified: 4 tables")
	require.NotContains(t, r.out, "done and verified")
	b.sameShop(t)
}

// An empty database is a database: it ends well, and says what it was.
func TestEmptyDatabase(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.ok(t, "clone")
	require.Contains(t, r.last(), "the source holds no tables")
}

func TestOptionsFromEnvironmentAndFile(t *testing.T) {
	t.Parallel()
	b := setup(t, shop)
	file := filepath.Join(t.TempDir(), "pg2db9.yaml")
	require.NoError(t, os.WriteFile(file, []byte("target: "+withPassword(b.target.URL)+"\nexclude-table: [log]\nskip-verify: true\n"), 0o600))
	c := &call{args: []string{"clone", "--config", file}, env: map[string]string{"PG2DB9_SOURCE": withPassword(b.source.URL)}}
	r := c.run(t)
	require.Equal(t, OK, r.code, r.err)
	require.Contains(t, r.last(), "copied, not verified: 3 tables")
}

// Profile db9 on plain PostgreSQL: simulated, and the report says so.
func TestProfileDB9(t *testing.T) {
	t.Parallel()
	b := setup(t, shop)
	r := b.ok(t, "clone", "--profile", "db9")
	require.Contains(t, r.out, "db9, simulated")
	b.same(t, "orders", `"odd Schema"."a ""table"" | name"`, "(SELECT id, name FROM customers)")
}

// F4: a dry run prints what the run does, and the run does exactly that.
func TestDryRun(t *testing.T) {
	t.Parallel()
	b := setup(t, shop)
	r := b.ok(t, "clone", "--dry-run")
	b.untouched(t)
	require.Contains(t, r.last(), "dry run: 4 tables and")
	require.Regexp(t, `-- copy public\.orders: [0-9]+ kB, .*rows.*, 1 part\n`, r.out)
	require.Contains(t, r.out, "CREATE TABLE")
	require.Contains(t, r.out, `CREATE VIEW "public"."paid"`)

	planned := map[string]bool{}
	var tables []string
	for _, o := range jsonObjects(t, b.ok(t, "clone", "--dry-run", "--json").out) {
		switch o["type"] {
		case "statement":
			planned[o["id"].(string)] = true
		case "table":
			tables = append(tables, o["target"].(string))
		}
	}
	b.untouched(t)
	done := map[string]bool{}
	var copied []string
	for _, o := range jsonObjects(t, b.ok(t, "clone", "--json").out) {
		switch o["type"] {
		case "statement_done":
			done[o["id"].(string)] = true
		case "table_done":
			copied = append(copied, o["table"].(string))
		}
	}
	require.Equal(t, planned, done)
	require.ElementsMatch(t, tables, copied)
}

// F5: a table takes its sequences, indexes and constraints along; a foreign key
// that would dangle is named.
func TestFilterTakesItsOwnAlong(t *testing.T) {
	t.Parallel()
	b := setup(t, shop)
	r := b.ok(t, "clone", "--include-table", "public.orders")
	b.same(t, "orders")
	require.Contains(t, r.out, "orders_customer_fkey")
	require.Equal(t, "f", b.target.QueryString(t, "SELECT to_regclass('customers') IS NOT NULL"))
	require.Equal(t, "t", b.target.QueryString(t, "SELECT to_regclass('orders_state') IS NOT NULL"))
	require.Equal(t, "3001", b.target.QueryString(t, "SELECT nextval('orders_id_seq')"))
}

// F2: a pattern that matches nothing is an error that names it.
func TestPatternThatMatchesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t, shop)
	for _, flag := range []string{"--include-table", "--exclude-table", "--include-schema", "--exclude-schema"} {
		r := b.run(t, "clone", flag, "nothing_like_it")
		require.Equal(t, Usage, r.code, r.err)
		require.Contains(t, r.last(), "nothing_like_it")
		b.untouched(t)
	}
}

// F3: everything excluded.
func TestEverythingExcluded(t *testing.T) {
	t.Parallel()
	b := setup(t, shop)
	r := b.run(t, "clone", "--exclude-table", "*")
	require.Equal(t, Usage, r.code, r.err)
	b.untouched(t)
}

// A blocking finding ends the run before anything is written (U1 code 4), and
// is named; accepted, it does not.
func TestBlockedAndAccepted(t *testing.T) {
	t.Parallel()
	b := setup(t, `CREATE TYPE own; CREATE FUNCTION own_in(cstring) RETURNS own LANGUAGE internal IMMUTABLE STRICT AS 'textin';
		CREATE FUNCTION own_out(own) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
		CREATE TYPE own (INPUT = own_in, OUTPUT = own_out, LIKE = text);
		CREATE TABLE t (id int PRIMARY KEY, p own); INSERT INTO t VALUES (1, 'x')`)
	r := b.run(t, "clone", "--profile", "db9")
	require.Equal(t, Blocked, r.code, r.out)
	require.Contains(t, r.last(), "nothing was written")
	require.Contains(t, r.out, "public.t.p")
	b.untouched(t)
	code := regexp.MustCompile(`block \[([a-z.-]+)\]`).FindStringSubmatch(r.out)
	require.NotNil(t, code, r.out)
	b.ok(t, "clone", "--profile", "db9", "--accept", code[1]+":public.t.p")
	require.Equal(t, "1", b.target.QueryString(t, "SELECT count(*) FROM t"))
}

func TestSchemaCommand(t *testing.T) {
	t.Parallel()
	b := setup(t, shop)
	r := b.ok(t, "schema")
	require.Contains(t, r.out, "-- phase: tables")
	require.Contains(t, r.out, `CREATE VIEW "public"."paid" ("id", "customer", "state", "total")`)
	b.untouched(t)
	// What is printed is a script that makes the schema.
	other := setup(t)
	other.target.Exec(t, r.out)
	require.Equal(t, "t", other.target.QueryString(t, "SELECT to_regclass('orders_state') IS NOT NULL"))

	// Without a target the profile is db9.
	r = (&call{args: []string{"schema", "--source", withPassword(b.source.URL)}}).run(t)
	require.Equal(t, OK, r.code, r.err)
	require.Contains(t, r.out, "timestamp(3)")
}

// Schema, rows, keys and sequences step by step are a clone.
func TestStepByStep(t *testing.T) {
	t.Parallel()
	b := setup(t, shop)
	r := b.ok(t, "schema", "--apply", "pre-data")
	require.Contains(t, r.last(), "statements executed")
	require.Equal(t, "0", b.target.QueryString(t, "SELECT count(*) FROM orders"))
	r = b.run(t, "verify")
	require.Equal(t, Differences, r.code, r.out)
	r = b.ok(t, "copy")
	require.Contains(t, r.last(), "done and verified: 4 tables")
	b.sameShop(t)
	b.ok(t, "schema", "--apply", "post-data")
	require.Equal(t, "1", b.target.QueryString(t, "SELECT count(*) FROM pg_constraint WHERE contype = 'f'"))
	// Again: nothing is left to do, and nothing fails for it.
	b.ok(t, "schema", "--apply", "all")

	r = b.run(t, "sequences")
	require.Equal(t, Differences, r.code, "the positions are not set yet")
	require.Contains(t, r.out, "public.alone")
	r = b.ok(t, "sequences", "--set")
	require.Contains(t, r.last(), "3 sequences stand as on the source")
	require.Equal(t, "105", b.target.QueryString(t, "SELECT nextval('alone')"))
	b.source.Exec(t, "SELECT nextval('alone')")
	r = b.ok(t, "verify")
	require.Contains(t, r.last(), "verified: 4 tables, 3,703 rows, 3 sequences are as on the source")
}

// U1 code 3: verification finds a difference, and names it.
func TestDifferences(t *testing.T) {
	t.Parallel()
	b := setup(t, shop)
	b.ok(t, "clone")
	b.target.Exec(t, "UPDATE orders SET total = total + 1 WHERE id = 17")
	r := b.run(t, "verify")
	require.Equal(t, Differences, r.code, r.err)
	require.Contains(t, r.last(), "verification found differences: public.orders")
	require.NotContains(t, r.last(), "public.customers")
}

// --primary-key says where keys stand, whatever the profile's own choice is.
func TestClonePrimaryKeyInlineAndAfter(t *testing.T) {
	t.Parallel()
	for where, inline := range map[string]bool{"inline": true, "after": false} {
		for _, profile := range []string{"db9", "postgres"} {
			t.Run(where+" "+profile, func(t *testing.T) {
				t.Parallel()
				b := setup(t, "CREATE TABLE a (id bigint PRIMARY KEY); INSERT INTO a VALUES (1), (2)")
				plan := b.run(t, "clone", "--profile", profile, "--primary-key", where, "--dry-run")
				require.Equal(t, inline, !strings.Contains(plan.out, "ADD CONSTRAINT \"a_pkey\"") && !strings.Contains(plan.out, "ADD CONSTRAINT a_pkey"), plan.out)
				b.ok(t, "clone", "--profile", profile, "--primary-key", where)
				require.Equal(t, "PRIMARY KEY (id)", b.target.QueryString(t, "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'a_pkey'"))
			})
		}
	}
}
