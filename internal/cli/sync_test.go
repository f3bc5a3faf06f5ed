package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// jobs writes a job file.
func jobs(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "jobs.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// S19: an insert, an update and a delete arrive, a second run sends no row; JSON
// lines, a plan, a reset, and what cannot be used is told before anything is written.
func TestS19SyncRun(t *testing.T) {
	t.Parallel()
	b := setup(t, `CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, 'v' || i FROM generate_series(1, 500) i; CREATE TABLE bag (a int)`)
	file := jobs(t, "tables: [{table: public.t, mode: mirror}]\n")
	args := []string{"--profile", "postgres", "--config", file}

	r := b.ok(t, "sync plan", args...)
	require.Contains(t, r.out, "public.t (mirror): the table is made on the target, and all rows are loaded: 500 rows")
	b.untouched(t)
	r = b.ok(t, "sync run", args...)
	require.Contains(t, r.out, "public.t (mirror): 500 rows sent (500 inserted, 0 updated, 0 deleted)")
	b.same(t, "t")

	b.source.Exec(t, `INSERT INTO t VALUES (501, 'new'); UPDATE t SET v = 'changed' WHERE id = 3; DELETE FROM t WHERE id = 4`)
	require.Contains(t, b.ok(t, "sync plan", args...).last(), "1 table: 3 rows would be sent")
	r = b.ok(t, "sync run", append(args, "--json")...)
	var synced map[string]any
	for _, o := range jsonObjects(t, r.out) {
		if o["type"] == "synced" {
			synced = o
		}
	}
	require.Equal(t, []any{"public.t", "match", 3.0, 1.0, 1.0, 1.0, ""}, []any{synced["table"], synced["verdict"], synced["rows_sent"], synced["inserted"], synced["updated"], synced["deleted"], synced["error"]})
	b.same(t, "t")
	r = b.ok(t, "sync run", append(args, "t")...)
	require.Contains(t, r.out, "public.t (mirror): nothing to send; verified, as at the source at 20")
	require.Contains(t, r.last(), "1 table: 0 rows sent")

	r = (&call{args: []string{"sync", "reset", "--target", withPassword(b.target.URL), "public.t"}}).run(t)
	require.Equal(t, OK, r.code, r.err)
	require.Contains(t, r.last(), "forgotten: the next run of public.t reads all rows")

	for text, want := range map[string]string{
		"tables: [{table: public.no, mode: mirror}]":                 "jobs.yaml:1: tables.public.no: the source has no table public.no",
		"tables: [{table: public.bag, mode: append, cursor: a}]":     "has no primary key",
		"tables: [{table: public.t, mode: upsert, cursor: missing}]": `tables.public.t.cursor: public.t has no column "missing"`,
	} {
		r := b.run(t, "sync run", "--profile", "postgres", "--config", jobs(t, text))
		require.Equal(t, Usage, r.code, r.err)
		require.Contains(t, r.err, want)
	}
	r = b.run(t, "sync run", append(args, "--group", "none")...)
	require.Equal(t, Usage, r.code)
	require.Contains(t, r.err, `has no group "none"`)

	// A failure is the table's: it says why, and others go on.
	b.target.Exec(t, `CREATE TABLE bag (b int); ALTER TABLE t ADD CHECK (v <> 'bad')`)
	b.source.Exec(t, `INSERT INTO t VALUES (600, 'bad'), (601, 'good'); INSERT INTO bag VALUES (1)`)
	file = jobs(t, "tables: [{table: public.t, mode: mirror}, {table: public.bag, mode: mirror}]\n")
	r = b.run(t, "sync run", "--profile", "postgres", "--config", file)
	require.Equal(t, Failed, r.code, r.err)
	require.Contains(t, r.out, "public.t (mirror): failed: ")
	require.Contains(t, r.out, "t_v_check")
	require.Contains(t, r.last(), "continue with: pg2db9 sync run")
	require.NotContains(t, r.out+r.err, password)

	// The ledger of syncs goes with the ledger.
	r = (&call{args: []string{"clean", "--yes", "--target", withPassword(b.target.URL)}}).run(t)
	require.Equal(t, OK, r.code, r.err)
	require.Equal(t, "0", b.target.QueryString(t, "SELECT count(*) FROM pg_namespace WHERE nspname = '_pg2db9'"))
}

// The commands of docs/sync.md run, with the job file that stands there.
func TestSyncDocument(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "sync.md"))
	require.NoError(t, err)
	block := func(kind string) string {
		_, rest, found := strings.Cut(string(page), "```"+kind+"\n")
		require.True(t, found, kind)
		text, _, _ := strings.Cut(rest, "```")
		return text
	}
	b := setup(t, `CREATE TABLE customers (id int PRIMARY KEY, name text); CREATE TABLE orders (id int PRIMARY KEY, customer int REFERENCES customers, updated_at timestamptz);
		CREATE TABLE events (id bigint PRIMARY KEY); CREATE TABLE rates (currency text PRIMARY KEY, rate numeric);
		INSERT INTO customers SELECT i, 'c' FROM generate_series(1, 20) i; INSERT INTO orders SELECT i, 1 + i % 20, now() FROM generate_series(1, 50) i;
		INSERT INTO events SELECT generate_series(1, 30); INSERT INTO rates VALUES ('EUR', 1), ('USD', 1.1)`)
	file := jobs(t, block("yaml"))
	ran := 0
	for line := range strings.Lines(block("sh")) {
		words := strings.Fields(line)
		if words[0] != "pg2db9" {
			continue
		}
		for i, w := range words {
			if w == "sync.yaml" {
				words[i] = file
			}
		}
		c := &call{args: words[1:], env: map[string]string{"PG2DB9_SOURCE": withPassword(b.source.URL), "PG2DB9_TARGET": withPassword(b.target.URL), "PG2DB9_PROFILE": "postgres"}}
		r := c.run(t)
		require.Equal(t, OK, r.code, "%s\n%s\n%s", line, r.err, r.out)
		ran++
	}
	require.Equal(t, 6, ran)
	b.same(t, "customers", "orders", "events", "rates")
	require.Equal(t, "1", b.target.QueryString(t, "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND conname = 'orders_customer_fkey'"))
}
