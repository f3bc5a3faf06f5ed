package catalog

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// counting counts the queries that pass through it.
type counting struct {
	Querier
	queries int
}

func (c *counting) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	c.queries++
	return c.Querier.Query(ctx, sql, args...)
}

// The number of queries does not grow with the number of objects.
func TestFixedNumberOfQueries(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	conn := db.Conn(t)
	count := func() (queries, tables int) {
		c := &counting{}
		require.NoError(t, within(t, conn, func(tx pgx.Tx) error {
			c.Querier = tx
			got, err := Load(t.Context(), c, LoadOptions{})
			tables = len(got.Tables)
			return err
		}))
		return c.queries, tables
	}
	create := func(from, to int) {
		var sql strings.Builder
		for i := from; i < to; i++ {
			typ := "integer"
			if i < 150 { // their positions fit one query
				typ = "serial"
			}
			fmt.Fprintf(&sql, "CREATE TABLE t%d (id %s PRIMARY KEY REFERENCES t0, n numeric(%d) CHECK (n > 0)); CREATE VIEW v%[1]d AS SELECT * FROM t%[1]d;", i, typ, i%38+1)
		}
		db.Exec(t, sql.String())
	}
	create(0, 5)
	few, tables := count()
	require.Equal(t, 5, tables)
	create(5, 300)
	many, tables := count()
	require.Equal(t, 300, tables)
	require.Equal(t, few, many)
}

// Outside of a transaction the settings would be gone before the second query.
func TestLoadWantsATransaction(t *testing.T) {
	t.Parallel()
	conn := pgtest.Server(t).Database(t).Conn(t)
	for _, path := range []string{"public", ""} {
		_, err := conn.Exec(t.Context(), "SELECT pg_catalog.set_config('search_path', $1, false)", path)
		require.NoError(t, err)
		_, err = Load(t.Context(), conn, LoadOptions{})
		require.ErrorIs(t, err, ErrNoTransaction)
	}
}

func TestSizes(t *testing.T) {
	t.Parallel()
	eachMajor(t, func(t *testing.T, db *pgtest.DB) {
		db.Exec(t, `CREATE TABLE t (a integer PRIMARY KEY, b text); ALTER TABLE t ALTER b SET STORAGE EXTERNAL;
		INSERT INTO t SELECT i, repeat('x', 10000) FROM generate_series(1, 100) i; ANALYZE t; CREATE TABLE never (a integer)`)
		got := load(t, db)
		table := got.table(t, public("t"))
		require.EqualValues(t, 8192, table.HeapBytes)
		require.Greater(t, table.ToastBytes, int64(1_000_000))
		require.EqualValues(t, 100, table.RowsGuess)
		require.EqualValues(t, 16384, got.index(t, public("t_pkey")).Bytes)
		require.Negative(t, got.table(t, public("never")).RowsGuess)

		var sizeless *Database
		require.NoError(t, within(t, db.Conn(t), func(tx pgx.Tx) (err error) {
			sizeless, err = Load(t.Context(), tx, LoadOptions{NoSizes: true})
			return err
		}))
		require.Zero(t, sizeless.table(t, public("t")).HeapBytes)
		require.Zero(t, sizeless.index(t, public("t_pkey")).Bytes)
		same(t, got, sizeless, unstable)
	})
}

// N8, N9, T14: tables of no column and of 1,600, and dropped columns between
// live ones.
func TestManyAndNoColumns(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	var wide []string
	for i := range 1600 {
		wide = append(wide, fmt.Sprintf("c%d integer", i+1))
	}
	db.Exec(t, "CREATE TABLE none (); CREATE TABLE identity (id integer GENERATED ALWAYS AS IDENTITY); CREATE TABLE generated (g integer GENERATED ALWAYS AS (1) STORED)")
	db.Exec(t, "CREATE TABLE wide ("+strings.Join(wide, ", ")+")")
	db.Exec(t, "ALTER TABLE wide DROP c2, DROP c1600; CREATE TABLE emptied (a integer); ALTER TABLE emptied DROP a")
	got := load(t, db)
	require.Empty(t, got.table(t, public("none")).Columns)
	require.Empty(t, got.table(t, public("emptied")).Columns)
	require.Equal(t, IdentityAlways, got.table(t, public("identity")).Columns[0].Identity)
	require.Equal(t, GeneratedStored, got.table(t, public("generated")).Columns[0].Generated)
	columns := got.table(t, public("wide")).Columns
	require.Len(t, columns, 1598)
	require.Equal(t, []any{"c1", int16(1), "c3", int16(3), "c1599", int16(1599)}, []any{columns[0].Name, columns[0].Num, columns[1].Name, columns[1].Num, columns[1597].Name, columns[1597].Num})
}

// F5 on a real database: what a table needs is found by the server's own
// dependencies.
func TestSelectFromAServer(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	db.Exec(t, `CREATE SCHEMA app; CREATE SCHEMA shared; CREATE SEQUENCE shared.numbers;
		CREATE TYPE shared.mood AS ENUM ('a'); CREATE TYPE shared.unused AS ENUM ('a'); CREATE DOMAIN shared.moods AS shared.mood[] CHECK (cardinality(VALUE) < 9);
		CREATE TABLE app.customer (id integer PRIMARY KEY);
		CREATE TABLE app.orders (id serial PRIMARY KEY, no bigint DEFAULT nextval('shared.numbers'), m shared.moods, customer integer REFERENCES app.customer);
		CREATE VIEW app.one AS SELECT o.id FROM app.orders o; CREATE VIEW app.two AS SELECT v.id FROM app.one v JOIN app.customer c USING (id);
		CREATE MATERIALIZED VIEW app.stored AS SELECT * FROM app.two; CREATE INDEX stored_i ON app.stored (id);
		COMMENT ON COLUMN app.one.id IS 'kept'; COMMENT ON INDEX app.stored_i IS 'left'`)
	all := load(t, db)
	got, findings, err := all.Select(Filter{IncludeTables: []string{"app.orders"}})
	require.NoError(t, err)
	require.Equal(t, []string{
		"schema app", "schema shared", "enum shared.mood", "domain shared.moods", "sequence app.orders_id_seq", "sequence shared.numbers",
		"table app.orders", "constraint orders_pkey", "index app.orders_pkey", "comment kept", "view app.one",
	}, listed(got))
	require.Equal(t, []string{
		"left filter.foreign-key constraint app.orders.orders_customer_fkey: the foreign key refers to app.customer, which is not selected",
		"left filter.view materialized view app.stored: it reads app.customer, which is not selected",
		"left filter.view view app.two: it reads app.customer, which is not selected",
	}, told(findings)[:3])

	got, findings, err = all.Select(Filter{IncludeTables: []string{"app.orders", "app.customer"}})
	require.NoError(t, err)
	require.Len(t, got.Views, 3)
	require.Equal(t, in("stored"), got.index(t, in("stored_i")).Table, "an index goes with its materialized view")
	require.Len(t, findings, 1)
}

// M2: through a pooler that takes only simple queries, the same is read.
func TestSimpleProtocol(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	script(t, db, "everything.sql")
	config, err := pgx.ParseConfig(db.URL)
	require.NoError(t, err)
	config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	conn, err := pgx.ConnectConfig(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close(context.WithoutCancel(t.Context()))) })
	var got *Database
	require.NoError(t, within(t, conn, func(tx pgx.Tx) (err error) {
		got, err = Load(t.Context(), tx, LoadOptions{})
		return err
	}))
	same(t, load(t, db), got)
	list, err := ListTables(t.Context(), conn)
	require.NoError(t, err)
	var all []Name
	for _, r := range list {
		all = append(all, r.Name)
	}
	prints, err := Fingerprints(t.Context(), conn, all)
	require.NoError(t, err)
	require.Len(t, prints, len(got.Tables))
}
