package catalog

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// shape is a table without its columns and sizes.
var shape = cmp.Options{cmpopts.IgnoreFields(Table{}, "HeapBytes", "ToastBytes", "RowsGuess", "Columns")}

// T2: trees of partitions with odd leaves.
func TestPartitions(t *testing.T) {
	t.Parallel()
	eachMajor(t, func(t *testing.T, db *pgtest.DB) {
		db.Exec(t, `
			CREATE SCHEMA app; CREATE SCHEMA other;
			CREATE TYPE app.mood AS ENUM ('a', 'b');
			CREATE FUNCTION app.f(integer) RETURNS integer IMMUTABLE LANGUAGE sql AS 'SELECT $1';
			CREATE COLLATION app.mine FROM "C";
			CREATE TABLE app.r (id integer NOT NULL, at timestamptz, k text) PARTITION BY RANGE (at, id);
			CREATE TABLE app.r1 PARTITION OF app.r FOR VALUES FROM (MINVALUE, MINVALUE) TO ('2024-01-01 00:00+00', 5);
			CREATE TABLE other.r2 PARTITION OF app.r (PRIMARY KEY (id)) FOR VALUES FROM ('2024-01-01 00:00+00', 5) TO (MAXVALUE, MAXVALUE) WITH (fillfactor = 50);
			CREATE TABLE app.l (k text COLLATE "C", n integer, m app.mood DEFAULT 'a') PARTITION BY LIST (k COLLATE app.mine);
			CREATE TABLE app.l1 PARTITION OF app.l FOR VALUES IN ('x', 'it''s', NULL);
			CREATE TABLE app.l2 (gone text, m app.mood, n integer, k text COLLATE "C");
			ALTER TABLE app.l2 DROP COLUMN gone;
			ALTER TABLE app.l ATTACH PARTITION app.l2 FOR VALUES IN ('y');
			CREATE TABLE app.ld PARTITION OF app.l DEFAULT PARTITION BY HASH (n);
			CREATE UNLOGGED TABLE app.ld0 PARTITION OF app.ld FOR VALUES WITH (MODULUS 2, REMAINDER 0);
			CREATE TABLE app.e (n integer, m app.mood) PARTITION BY RANGE (app.f(n), m);
			CREATE TABLE app.gone (LIKE app.e);
			ALTER TABLE app.e ATTACH PARTITION app.gone DEFAULT;
			ALTER TABLE app.e DETACH PARTITION app.gone`)
		leaf := func(n Name, of string, bound PartitionBound) Table {
			return Table{Name: n, Kind: TableOrdinary, AccessMeth: "heap", Inherits: []Name{in(of)}, IsPartition: true, Bound: bound}
		}
		ld := leaf(in("ld"), "l", "DEFAULT")
		ld.Kind, ld.AccessMeth, ld.PartitionKey = TablePartitioned, "", "HASH (n)"
		ld0 := leaf(in("ld0"), "ld", "FOR VALUES WITH (modulus 2, remainder 0)")
		ld0.Unlogged = true
		r2 := leaf(Name{"other", "r2"}, "r", "FOR VALUES FROM ('2024-01-01 00:00:00+00', 5) TO (MAXVALUE, MAXVALUE)")
		r2.Options = []string{"fillfactor=50"}
		got := load(t, db)
		same(t, []Table{
			{Name: in("e"), Kind: TablePartitioned, PartitionKey: "RANGE (app.f(n), m)", Uses: []Ref{{Kind: "routine", Name: in("f(integer)")}}},
			{Name: in("gone"), Kind: TableOrdinary, AccessMeth: "heap"},
			{Name: in("l"), Kind: TablePartitioned, PartitionKey: "LIST (k COLLATE app.mine)", Uses: []Ref{{Kind: "collation", Name: in("mine")}}},
			leaf(in("l1"), "l", "FOR VALUES IN ('x', 'it''s', NULL)"),
			leaf(in("l2"), "l", "FOR VALUES IN ('y')"),
			ld, ld0,
			{Name: in("r"), Kind: TablePartitioned, PartitionKey: "RANGE (at, id)"},
			leaf(in("r1"), "r", "FOR VALUES FROM (MINVALUE, MINVALUE) TO ('2024-01-01 00:00:00+00', 5)"),
			r2,
		}, got.Tables, shape)

		var columns []string
		for _, c := range got.table(t, in("l2")).Columns {
			columns = append(columns, c.Name)
			require.False(t, c.Local, "a partition owns none, though it had them before it was attached")
		}
		require.Equal(t, []string{"m", "n", "k"}, columns)
		require.EqualValues(t, 2, got.column(t, in("l2"), "m").Num)
		require.True(t, got.column(t, in("gone"), "n").Local)
		require.Equal(t, PrimaryKey, got.constraint(t, Name{"other", "r2"}, "r2_pkey").Kind)
		require.True(t, got.column(t, Name{"other", "r2"}, "id").NotNull)

		refs := []TableRef{
			{Name: in("e"), Kind: TablePartitioned},
			{Name: in("gone"), Kind: TableOrdinary},
			{Name: in("l"), Kind: TablePartitioned},
			{Name: in("l1"), Kind: TableOrdinary, IsPartition: true, Parent: &Name{"app", "l"}},
			{Name: in("l2"), Kind: TableOrdinary, IsPartition: true, Parent: &Name{"app", "l"}},
			{Name: in("ld"), Kind: TablePartitioned, IsPartition: true, Parent: &Name{"app", "l"}},
			{Name: in("ld0"), Kind: TableOrdinary, IsPartition: true, Parent: &Name{"app", "ld"}},
			{Name: in("r"), Kind: TablePartitioned},
			{Name: in("r1"), Kind: TableOrdinary, IsPartition: true, Parent: &Name{"app", "r"}},
			{Name: Name{"other", "r2"}, Kind: TableOrdinary, IsPartition: true, Parent: &Name{"app", "r"}},
		}
		list, err := ListTables(t.Context(), db.Conn(t))
		require.NoError(t, err)
		same(t, refs, list)
	})
}

// Keys, indexes and foreign keys of partitioned tables, and what of them the
// partitions have by themselves.
func TestKeysOfPartitions(t *testing.T) {
	t.Parallel()
	eachMajor(t, func(t *testing.T, db *pgtest.DB) {
		db.Exec(t, `
			CREATE SCHEMA app;
			CREATE TABLE app.k (id integer PRIMARY KEY);
			CREATE TABLE app.r (id integer, a integer REFERENCES app.k, up integer, CONSTRAINT pk PRIMARY KEY (id), CONSTRAINT ch CHECK (a > 0)) PARTITION BY RANGE (id);
			CREATE TABLE app.r1 PARTITION OF app.r FOR VALUES FROM (1) TO (10);
			CREATE TABLE app.r2 PARTITION OF app.r FOR VALUES FROM (10) TO (20) PARTITION BY RANGE (id);
			CREATE TABLE app.r21 PARTITION OF app.r2 (CONSTRAINT own CHECK (a < 100)) FOR VALUES FROM (10) TO (15);
			ALTER TABLE app.r ADD CONSTRAINT self FOREIGN KEY (up) REFERENCES app.r;
			CREATE INDEX ia ON app.r (a);
			CREATE INDEX iu ON ONLY app.r (up);
			CREATE INDEX r1_iu ON app.r1 (up);
			ALTER INDEX app.iu ATTACH PARTITION app.r1_iu;
			CREATE TABLE app.f (r integer, CONSTRAINT to_r FOREIGN KEY (r) REFERENCES app.r ON DELETE CASCADE)`)
		got := load(t, db)
		type line struct {
			Table, Name string
			Kind        ConstraintKind
			Inherited   bool
		}
		var constraints []line
		for _, k := range got.Constraints {
			constraints = append(constraints, line{k.Table.Name, k.Name, k.Kind, k.Inherited})
		}
		same(t, []line{
			{"f", "to_r", ForeignKey, false},
			{"k", "k_pkey", PrimaryKey, false},
			{"r", "ch", Check, false},
			{"r", "pk", PrimaryKey, false},
			{"r", "r_a_fkey", ForeignKey, false},
			{"r", "self", ForeignKey, false},
			{"r1", "ch", Check, true},
			{"r1", "r1_pkey", PrimaryKey, true},
			{"r1", "r_a_fkey", ForeignKey, true},
			{"r1", "self", ForeignKey, true},
			{"r2", "ch", Check, true},
			{"r2", "r2_pkey", PrimaryKey, true},
			{"r2", "r_a_fkey", ForeignKey, true},
			{"r2", "self", ForeignKey, true},
			{"r21", "ch", Check, true},
			{"r21", "own", Check, false},
			{"r21", "r21_pkey", PrimaryKey, true},
			{"r21", "r_a_fkey", ForeignKey, true},
			{"r21", "self", ForeignKey, true},
		}, constraints)
		require.Equal(t, in("r"), *got.constraint(t, in("r21"), "self").RefTable)
		require.Equal(t, "cascade", got.constraint(t, in("f"), "to_r").OnDelete)

		type branch struct {
			Index, Parent string
			Valid         bool
		}
		var indexes []branch
		for _, x := range got.Indexes {
			b := branch{Index: x.Name.Name, Valid: x.Valid}
			if x.Parent != nil {
				require.Equal(t, "app", x.Parent.Schema)
				b.Parent = x.Parent.Name
			}
			indexes = append(indexes, b)
		}
		same(t, []branch{
			{"k_pkey", "", true},
			{"ia", "", true},
			{"iu", "", false},
			{"pk", "", true}, // not every partition has its part of iu
			{"r1_a_idx", "ia", true},
			{"r1_iu", "iu", true},
			{"r1_pkey", "pk", true},
			{"r2_a_idx", "ia", true},
			{"r2_pkey", "pk", true},
			{"r21_a_idx", "r2_a_idx", true},
			{"r21_pkey", "r2_pkey", true},
		}, indexes)
	})
}

// An identity column of a partitioned table, 17 and later: the partitions have
// it without a sequence of their own.
func TestIdentityOfPartitions(t *testing.T) {
	t.Parallel()
	db := loadSQL(t, pgtest.Major(t, 17), `
		CREATE SCHEMA app;
		CREATE TABLE app.r (id integer GENERATED ALWAYS AS IDENTITY, n integer) PARTITION BY RANGE (n);
		CREATE TABLE app.r1 PARTITION OF app.r DEFAULT`)
	require.Equal(t, IdentityAlways, db.column(t, in("r1"), "id").Identity)
	require.Nil(t, db.column(t, in("r1"), "id").Sequence)
	require.Equal(t, in("r_id_seq"), *db.column(t, in("r"), "id").Sequence)
	require.Len(t, db.Sequences, 1)
	require.Equal(t, ColumnRef{Table: in("r"), Column: "id"}, *db.Sequences[0].Owner)
}

// T1: inheritance, with what is local and what is the parent's.
func TestInheritance(t *testing.T) {
	t.Parallel()
	eachMajor(t, func(t *testing.T, db *pgtest.DB) {
		db.Exec(t, `
			CREATE SCHEMA app; CREATE SCHEMA other;
			CREATE TABLE app.base (id integer, note text DEFAULT 'b', CONSTRAINT over CHECK (id > 0), CONSTRAINT own CHECK (id < 9) NO INHERIT);
			CREATE TABLE other.side (side integer, note text);
			CREATE TABLE app.child (extra integer) INHERITS (other.side, app.base);
			CREATE TABLE app.again (note text DEFAULT 'd', CONSTRAINT over CHECK (id > 0), CONSTRAINT mine CHECK (id < 5)) INHERITS (app.base);
			CREATE TABLE app.grand () INHERITS (app.child);
			CREATE TABLE app.joined (note text, id integer, CONSTRAINT over CHECK (id > 0));
			ALTER TABLE app.joined INHERIT app.base;
			CREATE TABLE app.left_behind () INHERITS (app.base);
			ALTER TABLE app.left_behind NO INHERIT app.base`)
		got := load(t, db)
		table := func(name string, parents ...Name) Table {
			return Table{Name: in(name), Kind: TableOrdinary, AccessMeth: "heap", Inherits: parents}
		}
		same(t, []Table{
			table("again", in("base")), table("base"), table("child", Name{"other", "side"}, in("base")), table("grand", in("child")), table("joined", in("base")),
			table("left_behind"),
			{Name: Name{"other", "side"}, Kind: TableOrdinary, AccessMeth: "heap"},
		}, got.Tables, shape)
		local := map[string][]string{}
		for _, x := range got.Tables {
			for _, c := range x.Columns {
				word := c.Name
				if !c.Local {
					word += "'" // the parent's
				}
				local[x.Name.Name] = append(local[x.Name.Name], word)
			}
		}
		same(t, map[string][]string{
			"base": {"id", "note"}, "side": {"side", "note"}, "child": {"side'", "note'", "id'", "extra"}, "again": {"id'", "note"},
			"grand": {"side'", "note'", "id'", "extra'"}, "joined": {"note", "id"}, "left_behind": {"id", "note"},
		}, local)
		inherited := map[string]bool{}
		for _, k := range got.Constraints {
			inherited[k.Table.Name+"."+k.Name] = k.Inherited
		}
		same(t, map[string]bool{
			"base.over": false, "base.own": false, "child.over": true, "again.over": false, "again.mine": false, "grand.over": true, "joined.over": false, "left_behind.over": false,
		}, inherited)
		require.True(t, got.constraint(t, in("base"), "own").NoInherit)
		require.Equal(t, Expr("'d'::text"), got.column(t, in("again"), "note").Default)
		list, err := ListTables(t.Context(), db.Conn(t))
		require.NoError(t, err)
		require.Len(t, list, len(got.Tables))
		for _, r := range list {
			require.False(t, r.IsPartition)
			require.Nil(t, r.Parent, "a parent of a partition alone decides with it")
		}
	})
}
