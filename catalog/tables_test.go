package catalog

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// T24, N10: what a table has beside its columns.
func TestTables(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t, pgtest.ClusterOptions{Major: 15, Settings: map[string]string{"allow_in_place_tablespaces": "on"}}).Database(t)
	db.Exec(t, "CREATE TABLESPACE elsewhere LOCATION ''")
	t.Cleanup(func() { db.Exec(t, "DROP SCHEMA app CASCADE") }) // or the tablespace's files keep the database
	db.Exec(t, `
		CREATE SCHEMA app;
		CREATE ACCESS METHOD heaped TYPE TABLE HANDLER heap_tableam_handler;
		CREATE FOREIGN DATA WRAPPER wrapper; CREATE SERVER far FOREIGN DATA WRAPPER wrapper;
		CREATE TYPE app.pair AS (a integer, b integer);
		CREATE TABLE app.placed (id integer) TABLESPACE elsewhere;
		CREATE INDEX placed_i ON app.placed (id) TABLESPACE elsewhere;
		CREATE TABLE app.other (id integer, long text) USING heaped WITH (fillfactor = 40, toast.autovacuum_enabled = off, autovacuum_vacuum_scale_factor = 0.5);
		CREATE UNLOGGED TABLE app.fleeting (id integer);
		CREATE TABLE app.typed OF app.pair;
		CREATE TABLE app.guarded (id integer); ALTER TABLE app.guarded ENABLE ROW LEVEL SECURITY;
		CREATE TABLE app.forced (id integer); ALTER TABLE app.forced ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY, REPLICA IDENTITY FULL;
		CREATE TABLE app.silent (id integer); ALTER TABLE app.silent REPLICA IDENTITY NOTHING;
		CREATE FOREIGN TABLE app.far (id integer) SERVER far;
		CREATE TABLE app.parts (id integer) PARTITION BY RANGE (id) TABLESPACE elsewhere`)
	got := load(t, db)
	table := func(name string, change func(*Table)) Table {
		x := Table{Name: in(name), Kind: TableOrdinary, AccessMeth: "heap"}
		change(&x)
		return x
	}
	same(t, []Table{
		{Name: in("far"), Kind: TableForeign, Foreign: &Foreign{Server: "far"}, ReplIdent: ReplicaNothing}, // no change stream knows it
		table("fleeting", func(x *Table) { x.Unlogged = true }),
		table("forced", func(x *Table) { x.RowSecurity, x.ForceRLS, x.ReplIdent = true, true, ReplicaFull }),
		table("guarded", func(x *Table) { x.RowSecurity = true }),
		table("other", func(x *Table) {
			x.AccessMeth, x.Options = "heaped", []string{"autovacuum_vacuum_scale_factor=0.5", "fillfactor=40", "toast.autovacuum_enabled=off"}
		}),
		{Name: in("parts"), Kind: TablePartitioned, PartitionKey: "RANGE (id)", Tablespace: "elsewhere"},
		table("placed", func(x *Table) { x.Tablespace = "elsewhere" }),
		table("silent", func(x *Table) { x.ReplIdent = ReplicaNothing }),
		table("typed", func(x *Table) { x.OfType = &Name{"app", "pair"} }),
	}, got.Tables, shape)
	require.Equal(t, "elsewhere", got.index(t, in("placed_i")).Tablespace)
}

// V16: a source of another encoding is read in UTF-8, and says its own.
func TestEncodings(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t, pgtest.DBOptions{Encoding: "LATIN1"})
	db.Exec(t, `SET client_encoding = 'UTF8'; CREATE SCHEMA app; CREATE TABLE app."Bücher" ("Größe" text DEFAULT 'übrig'); COMMENT ON TABLE app."Bücher" IS 'ÿ'`)
	got := load(t, db)
	require.Equal(t, "LATIN1", got.Encoding)
	require.Equal(t, "C", got.Collate)
	require.Equal(t, "C", got.Ctype)
	require.Equal(t, Expr("'übrig'::text"), got.column(t, in("Bücher"), "Größe").Default)
	require.Equal(t, "ÿ", got.Comments[0].Text)
	require.Equal(t, "UTF8", load(t, pgtest.Server(t).Database(t)).Encoding)
}

// money has as many digits after the point as lc_monetary says.
func TestMoneyDigits(t *testing.T) {
	t.Parallel()
	for amount, want := range map[string]int{
		"$0.00": 2, "0,00 €": 2, "￥0": 0, "0": 0, "0.000 KD": 3, "": 0, ".5": 1, "$0.": 0, "kr 0,00-": 2,
	} {
		require.Equal(t, want, fractionDigits(amount), amount)
	}
	require.Equal(t, 2, load(t, pgtest.Server(t).Database(t)).MoneyDigits)
}
