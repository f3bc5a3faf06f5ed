package cli

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// shop is a small database with something of most kinds.
const shop = `
	CREATE SCHEMA "odd Schema";
	CREATE TYPE state AS ENUM ('new', 'paid', 'it''s sent');
	CREATE TABLE customers (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, joined timestamptz DEFAULT now());
	CREATE TABLE orders (id bigserial PRIMARY KEY, customer int NOT NULL REFERENCES customers (id), state state NOT NULL, total numeric(12,2) CHECK (total >= 0));
	CREATE INDEX orders_state ON orders (state, customer);
	CREATE TABLE "odd Schema"."a ""table"" | name" ("Key" text, v jsonb);
	CREATE TABLE log (at timestamp, line text);
	CREATE VIEW paid AS SELECT * FROM orders WHERE state = 'paid';
	CREATE SEQUENCE alone START 100 INCREMENT 5;
	COMMENT ON TABLE orders IS 'what was bought';
	INSERT INTO customers (name) SELECT 'customer ' || i FROM generate_series(1, 200) i;
	INSERT INTO orders (customer, state, total) SELECT 1 + i % 200, (ARRAY['new', 'paid', 'it''s sent']::state[])[1 + i % 3], i / 7.0 FROM generate_series(1, 3000) i;
	INSERT INTO "odd Schema"."a ""table"" | name" VALUES ('', '{"a": [1, null]}'), (NULL, 'null'), (E'tab\tnl\n\\', NULL);
	INSERT INTO log SELECT now(), repeat('x', 100) FROM generate_series(1, 500);
	SELECT nextval('alone');`

// bundle is a source, a target and calls of the program between them.
type bundle struct {
	source, target *pgtest.DB
}

// setup makes an empty target and a source with the SQL.
func setup(t *testing.T, sql ...string) *bundle {
	t.Helper()
	server := pgtest.Server(t)
	b := &bundle{source: server.Database(t), target: server.Database(t)}
	for _, s := range sql {
		b.source.Exec(t, s)
	}
	return b
}

// urls are the flags of both sides, with a password that must not show.
func (b *bundle) urls() []string {
	return []string{"--source", withPassword(b.source.URL), "--target", withPassword(b.target.URL)}
}

func withPassword(url string) string {
	sep := "?"
	if strings.Contains(url, "?") {
		sep = "&"
	}
	return url + sep + "password=" + password
}

// call is a call of a command between both sides.
func (b *bundle) call(command string, args ...string) *call {
	return &call{args: append(append(strings.Fields(command), b.urls()...), args...)}
}

func (b *bundle) run(t *testing.T, command string, args ...string) result {
	t.Helper()
	return b.call(command, args...).run(t)
}

// ok runs a command that must succeed.
func (b *bundle) ok(t *testing.T, command string, args ...string) result {
	t.Helper()
	r := b.run(t, command, args...)
	require.Equal(t, OK, r.code, "%s\n%s", r.err, r.out)
	return r
}

// same fails unless the tables hold the same rows on both sides.
func (b *bundle) same(t *testing.T, tables ...string) {
	t.Helper()
	for _, table := range tables {
		sql := fmt.Sprintf("SELECT count(*) || ' ' || coalesce(md5(string_agg(x::text, '|' ORDER BY x::text)), '-') FROM %s x", table)
		require.Equal(t, b.source.QueryString(t, sql), b.target.QueryString(t, sql), table)
	}
}

func (b *bundle) sameShop(t *testing.T) {
	t.Helper()
	b.same(t, "customers", "orders", "log", `"odd Schema"."a ""table"" | name"`)
}

// untouched fails if anything of the user's, or a ledger, stands on the target.
func (b *bundle) untouched(t *testing.T) {
	t.Helper()
	require.Equal(t, "0", b.target.QueryString(t, `SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')`), "something was written")
	require.Equal(t, "0", b.target.QueryString(t, `SELECT count(*) FROM pg_namespace
		WHERE nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'public')`), "a schema was made")
}
