package catalog

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// majors are those that a source may have.
var majors = []int{13, 14, 15, 16, 17, 18}

// eachMajor runs a test against an empty database of every major (make
// test-majors); of the oldest and the newest as a rule: what lies between is read
// whole by the tests of everything.
func eachMajor(t *testing.T, test func(t *testing.T, db *pgtest.DB)) {
	t.Helper()
	chosen := []int{majors[0], majors[len(majors)-1]}
	if os.Getenv("PG2DB9_MAJORS_ALL") == "1" {
		chosen = majors
	}
	onMajors(t, chosen, test)
}

func onMajors(t *testing.T, chosen []int, test func(t *testing.T, db *pgtest.DB)) {
	t.Helper()
	for _, major := range chosen {
		t.Run(fmt.Sprint(major), func(t *testing.T) {
			t.Parallel()
			test(t, pgtest.Major(t, major).Database(t))
		})
	}
}

// script runs a file of testdata.
func script(t *testing.T, db *pgtest.DB, name string) {
	t.Helper()
	sql, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)
	db.Exec(t, string(sql))
}

// within runs f in a read-only transaction with one snapshot, as the tool does.
func within(t *testing.T, conn *pgx.Conn, f func(tx pgx.Tx) error) error {
	t.Helper()
	tx, err := conn.BeginTx(t.Context(), pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	require.NoError(t, err)
	err = f(tx)
	require.NoError(t, tx.Rollback(t.Context()))
	return err
}

// load reads a test's database.
func load(t *testing.T, db *pgtest.DB) *Database {
	t.Helper()
	return loadOn(t, db.Conn(t))
}

// loadOn reads the database of a connection: one that has read it before is
// several times as fast.
func loadOn(t *testing.T, conn *pgx.Conn) *Database {
	t.Helper()
	var got *Database
	require.NoError(t, within(t, conn, func(tx pgx.Tx) (err error) {
		got, err = Load(t.Context(), tx, LoadOptions{})
		return err
	}))
	return got
}

// loadSQL reads a new database that the SQL made.
func loadSQL(t *testing.T, c *pgtest.Cluster, sql string) *Database {
	t.Helper()
	db := c.Database(t)
	db.Exec(t, sql)
	return load(t, db)
}

// same compares a part of a model with a literal.
func same(t *testing.T, want, got any, opts ...cmp.Option) {
	t.Helper()
	if diff := cmp.Diff(want, got, opts...); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
}

// in names an object of schema app, as most of them are.
func in(name string) Name { return Name{Schema: "app", Name: name} }

// builtIn names an object of pg_catalog.
func builtIn(name string) Name { return Name{Schema: "pg_catalog", Name: name} }

// column finds a column.
func (db *Database) column(t *testing.T, table Name, name string) Column {
	t.Helper()
	for _, c := range db.table(t, table).Columns {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("no column %s.%s", table, name)
	return Column{}
}

func (db *Database) table(t *testing.T, n Name) Table {
	t.Helper()
	return find(t, db.Tables, n, func(x Table) Name { return x.Name })
}

func (db *Database) sequence(t *testing.T, n Name) Sequence {
	t.Helper()
	return find(t, db.Sequences, n, func(x Sequence) Name { return x.Name })
}

func (db *Database) index(t *testing.T, n Name) Index {
	t.Helper()
	return find(t, db.Indexes, n, func(x Index) Name { return x.Name })
}

// constraint finds a constraint by table and name.
func (db *Database) constraint(t *testing.T, table Name, name string) Constraint {
	t.Helper()
	for _, k := range db.Constraints {
		if k.Table == table && k.Name == name {
			return k
		}
	}
	t.Fatalf("no constraint %s on %s", name, table)
	return Constraint{}
}

func find[T any](t *testing.T, list []T, n Name, name func(T) Name) T {
	t.Helper()
	for _, x := range list {
		if name(x) == n {
			return x
		}
	}
	t.Fatalf("no %s among %d", n, len(list))
	panic("unreachable")
}

// role makes a role that may log in and nothing else, until the test ends.
func role(t *testing.T, db *pgtest.DB) string {
	t.Helper()
	name := db.Name + "_reader"
	db.Exec(t, "CREATE ROLE "+name+" LOGIN")
	t.Cleanup(func() { db.Exec(t, "DROP OWNED BY "+name+"; DROP ROLE "+name) })
	return name
}

// loadAs reads a database as a role of the test's.
func loadAs(t *testing.T, db *pgtest.DB, role string) *Database {
	t.Helper()
	conn := db.Conn(t)
	_, err := conn.Exec(t.Context(), "SET SESSION AUTHORIZATION "+role)
	require.NoError(t, err)
	var got *Database
	require.NoError(t, within(t, conn, func(tx pgx.Tx) (err error) {
		got, err = Load(t.Context(), tx, LoadOptions{})
		return err
	}))
	return got
}

// standby turns a private cluster into a standby of nobody, which reads only.
func standby(t *testing.T, c *pgtest.Cluster) {
	t.Helper()
	c.Stop(t, pgtest.Fast)
	signal := filepath.Join(c.Dir(), "standby.signal")
	require.NoError(t, os.WriteFile(signal, nil, 0o644))
	c.Start(t)
	t.Cleanup(func() { c.Stop(t, pgtest.Fast) }) // a standby drops no database
}
