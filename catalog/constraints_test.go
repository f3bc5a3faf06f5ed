package catalog

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// T18, T19: constraints of every kind with their options.
func TestConstraints(t *testing.T) {
	t.Parallel()
	eachMajor(t, func(t *testing.T, db *pgtest.DB) {
		db.Exec(t, `
			CREATE SCHEMA app; CREATE SCHEMA other;
			CREATE FUNCTION app.ok(integer) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT true';
			CREATE TABLE other.k (x integer, y text, "Z z" integer, PRIMARY KEY ("Z z", x), UNIQUE (y));
			CREATE TABLE app.t (
				a integer, b integer, c text, d int4range, e integer,
				CONSTRAINT pk PRIMARY KEY (b, a) WITH (fillfactor = 60) DEFERRABLE INITIALLY DEFERRED,
				CONSTRAINT uq UNIQUE (c) INCLUDE (e),
				CONSTRAINT uq_d UNIQUE (a, c) DEFERRABLE,
				CONSTRAINT ch CHECK (a > 0 AND app.ok(b)),
				CONSTRAINT ch_local CHECK (a < 9) NO INHERIT,
				CONSTRAINT ch_const CHECK (true),
				CONSTRAINT ex EXCLUDE USING gist (d WITH &&) WHERE (e IS NULL) DEFERRABLE,
				CONSTRAINT fk FOREIGN KEY (e, a) REFERENCES other.k MATCH FULL ON UPDATE CASCADE ON DELETE SET DEFAULT DEFERRABLE INITIALLY DEFERRED,
				CONSTRAINT fk_self FOREIGN KEY (b, a) REFERENCES app.t (a, b),
				CONSTRAINT fk_y FOREIGN KEY (c) REFERENCES other.k (y) ON DELETE RESTRICT ON UPDATE SET NULL,
				CONSTRAINT uq_ab UNIQUE (a, b)
			);
			ALTER TABLE app.t ADD CONSTRAINT ch_late CHECK (e > 0) NOT VALID, ADD CONSTRAINT fk_late FOREIGN KEY (e, b) REFERENCES other.k NOT VALID`)
		table, k := in("t"), Name{"other", "k"}
		want := []Constraint{
			{Table: k, Name: "k_pkey", Kind: PrimaryKey, Def: `PRIMARY KEY ("Z z", x)`, Columns: []string{"Z z", "x"}, Index: "k_pkey", Validated: true, Enforced: true},
			{Table: k, Name: "k_y_key", Kind: Unique, Def: "UNIQUE (y)", Columns: []string{"y"}, Index: "k_y_key", Validated: true, Enforced: true},

			{
				Table: table, Name: "ch", Kind: Check, Def: "CHECK (((a > 0) AND app.ok(b)))", Columns: []string{"a", "b"}, Validated: true, Enforced: true,
				Uses: []Ref{{Kind: "routine", Name: in("ok(integer)")}},
			},
			{Table: table, Name: "ch_const", Kind: Check, Def: "CHECK (true)", Validated: true, Enforced: true},
			{Table: table, Name: "ch_late", Kind: Check, Def: "CHECK ((e > 0)) NOT VALID", Columns: []string{"e"}, Enforced: true},
			{Table: table, Name: "ch_local", Kind: Check, Def: "CHECK ((a < 9)) NO INHERIT", Columns: []string{"a"}, NoInherit: true, Validated: true, Enforced: true},
			{
				Table: table, Name: "ex", Kind: Exclusion, Def: "EXCLUDE USING gist (d WITH &&) WHERE ((e IS NULL)) DEFERRABLE", Columns: []string{"d"},
				Index: "ex", Deferrable: true, Validated: true, Enforced: true,
			},
			{
				Table: table, Name: "fk", Kind: ForeignKey, Columns: []string{"e", "a"}, Deferrable: true, Deferred: true, Validated: true, Enforced: true,
				Def:      `FOREIGN KEY (e, a) REFERENCES other.k("Z z", x) MATCH FULL ON UPDATE CASCADE ON DELETE SET DEFAULT DEFERRABLE INITIALLY DEFERRED`,
				RefTable: &k, RefColumns: []string{"Z z", "x"}, OnUpdate: "cascade", OnDelete: "set default", MatchFull: true,
			},
			{
				Table: table, Name: "fk_late", Kind: ForeignKey, Def: `FOREIGN KEY (e, b) REFERENCES other.k("Z z", x) NOT VALID`, Columns: []string{"e", "b"}, Enforced: true,
				RefTable: &k, RefColumns: []string{"Z z", "x"},
			},
			{
				Table: table, Name: "fk_self", Kind: ForeignKey, Def: "FOREIGN KEY (b, a) REFERENCES app.t(a, b)", Columns: []string{"b", "a"}, Validated: true, Enforced: true,
				RefTable: &table, RefColumns: []string{"a", "b"},
			},
			{
				Table: table, Name: "fk_y", Kind: ForeignKey, Def: "FOREIGN KEY (c) REFERENCES other.k(y) ON UPDATE SET NULL ON DELETE RESTRICT", Columns: []string{"c"},
				Validated: true, Enforced: true, RefTable: &k, RefColumns: []string{"y"}, OnUpdate: "set null", OnDelete: "restrict",
			},
			{
				Table: table, Name: "pk", Kind: PrimaryKey, Def: "PRIMARY KEY (b, a) DEFERRABLE INITIALLY DEFERRED", Columns: []string{"b", "a"}, Index: "pk",
				Deferrable: true, Deferred: true, Validated: true, Enforced: true,
			},
			{Table: table, Name: "uq", Kind: Unique, Def: "UNIQUE (c) INCLUDE (e)", Columns: []string{"c"}, Index: "uq", Validated: true, Enforced: true},
			{Table: table, Name: "uq_ab", Kind: Unique, Def: "UNIQUE (a, b)", Columns: []string{"a", "b"}, Index: "uq_ab", Validated: true, Enforced: true},
			{Table: table, Name: "uq_d", Kind: Unique, Def: "UNIQUE (a, c) DEFERRABLE", Columns: []string{"a", "c"}, Index: "uq_d", Deferrable: true, Validated: true, Enforced: true},
		}
		got := load(t, db)
		same(t, want[2:], got.Constraints[:len(got.Constraints)-2])
		same(t, want[:2], got.Constraints[len(got.Constraints)-2:])
		require.Equal(t, []string{"fillfactor=60"}, got.index(t, in("pk")).Options)
	})
}

// ON DELETE SET NULL and SET DEFAULT of some columns, NULLS NOT DISTINCT: 15 and later.
func TestConstraintsOf15(t *testing.T) {
	t.Parallel()
	for _, major := range []int{15, 18} {
		db := loadSQL(t, pgtest.Major(t, major), `
			CREATE SCHEMA app;
			CREATE TABLE app.k (x integer, y integer, PRIMARY KEY (x, y));
			CREATE TABLE app.t (
				a integer, b integer, gone integer, c integer,
				CONSTRAINT n FOREIGN KEY (a, c) REFERENCES app.k ON DELETE SET NULL (c),
				CONSTRAINT d FOREIGN KEY (a, b) REFERENCES app.k ON DELETE SET DEFAULT (b, a),
				CONSTRAINT u UNIQUE NULLS NOT DISTINCT (a, c)
			);
			ALTER TABLE app.t DROP COLUMN gone`)
		table, k := in("t"), in("k")
		same(t, Constraint{
			Table: table, Name: "n", Kind: ForeignKey, Def: "FOREIGN KEY (a, c) REFERENCES app.k(x, y) ON DELETE SET NULL (c)", Columns: []string{"a", "c"},
			Validated: true, Enforced: true, RefTable: &k, RefColumns: []string{"x", "y"}, OnDelete: "set null", SetColumns: []string{"c"},
		}, db.constraint(t, table, "n"))
		require.Equal(t, []string{"b", "a"}, db.constraint(t, table, "d").SetColumns)
		require.Equal(t, ConstraintDef("UNIQUE NULLS NOT DISTINCT (a, c)"), db.constraint(t, table, "u").Def)
		require.True(t, db.index(t, in("u")).NullsEqual)
	}
}

// 18's NOT NULL constraints are listed only where they say more than the column
// does; NOT ENFORCED, virtual columns and temporal keys are told.
func TestConstraintsOf18(t *testing.T) {
	t.Parallel()
	db := loadSQL(t, pgtest.Major(t, 18), `
		CREATE SCHEMA app;
		CREATE TABLE app.t (
			a integer CONSTRAINT must NOT NULL,
			b integer NOT NULL NO INHERIT,
			c integer NOT NULL,
			d integer,
			e integer,
			v integer GENERATED ALWAYS AS (a * 2) VIRTUAL,
			CONSTRAINT hoped CHECK (a > 0) NOT ENFORCED
		);
		ALTER TABLE app.t ADD CONSTRAINT t_e_not_null CHECK (e > 0);
		ALTER TABLE app.t ALTER e SET NOT NULL, ADD CONSTRAINT soon NOT NULL d NOT VALID;
		COMMENT ON CONSTRAINT t_c_not_null ON app.t IS 'of the server''s making';
		CREATE TABLE app.a_table_whose_name_is_so_long_that_it_must_be_cut ("and a column äöü whose name is long too" integer NOT NULL);
		CREATE TABLE app.another_table_whose_name_is_so_long_that_it_is_cut ("and a column äöü whose name is long too" integer CONSTRAINT mine NOT NULL);
		CREATE TABLE app.child () INHERITS (app.t);
		CREATE TABLE app.p (k integer, r int4range, s daterange, CONSTRAINT pk PRIMARY KEY (r, s WITHOUT OVERLAPS));
		CREATE TABLE app.f (r int4range, s daterange, CONSTRAINT period FOREIGN KEY (r, PERIOD s) REFERENCES app.p (r, PERIOD s),
			CONSTRAINT wished FOREIGN KEY (r, PERIOD s) REFERENCES app.p (r, PERIOD s) NOT ENFORCED);
		CREATE TABLE app.old (k integer NOT NULL);
		ALTER TABLE app.old RENAME TO renamed`)
	var names []string
	for _, k := range db.Constraints {
		names = append(names, k.Table.Name+"."+k.Name)
	}
	same(t, []string{
		"another_table_whose_name_is_so_long_that_it_is_cut.mine", "child.hoped", "child.t_e_not_null", "f.period", "f.wished", "p.pk", "renamed.old_k_not_null",
		"t.hoped", "t.must", "t.soon", "t.t_b_not_null", "t.t_e_not_null",
	}, names)
	table, p := in("t"), in("p")
	same(t, Constraint{Table: table, Name: "must", Kind: NotNull, Def: "NOT NULL a", Columns: []string{"a"}, Validated: true, Enforced: true}, db.constraint(t, table, "must"))
	same(t, Constraint{
		Table: table, Name: "t_b_not_null", Kind: NotNull, Def: "NOT NULL b NO INHERIT", Columns: []string{"b"}, NoInherit: true, Validated: true, Enforced: true,
	}, db.constraint(t, table, "t_b_not_null"))
	same(t, Constraint{Table: table, Name: "soon", Kind: NotNull, Def: "NOT NULL d NOT VALID", Columns: []string{"d"}, Enforced: true}, db.constraint(t, table, "soon"))
	same(t, Constraint{Table: table, Name: "hoped", Kind: Check, Def: "CHECK ((a > 0)) NOT ENFORCED", Columns: []string{"a"}}, db.constraint(t, table, "hoped"))
	same(t, Constraint{
		Table: p, Name: "pk", Kind: PrimaryKey, Def: "PRIMARY KEY (r, s WITHOUT OVERLAPS)", Columns: []string{"r", "s"}, Index: "pk", Validated: true, Enforced: true,
	}, db.constraint(t, p, "pk"))
	same(t, Constraint{
		Table: in("f"), Name: "wished", Kind: ForeignKey, Def: "FOREIGN KEY (r, PERIOD s) REFERENCES app.p(r, PERIOD s) NOT ENFORCED", Columns: []string{"r", "s"},
		RefTable: &p, RefColumns: []string{"r", "s"},
	}, db.constraint(t, in("f"), "wished"))
	require.Equal(t, "gist", db.index(t, in("pk")).Method)
	require.True(t, db.column(t, table, "c").NotNull)
	same(t, []Comment{{Kind: "constraint", Name: table, Sub: "t_c_not_null", Text: "of the server's making"}}, db.Comments)
	same(t, Column{Name: "v", Num: 6, Type: base("int4", "integer", -1), Default: "(a * 2)", Generated: GeneratedVirtual, Local: true, StatsTgt: -1}, db.column(t, table, "v"))
}

// The server cuts the names that it makes; what it made is told from what was named.
func TestServerName(t *testing.T) {
	t.Parallel()
	db := pgtest.Major(t, 18).Database(t)
	db.Exec(t, `
		DO $$
		DECLARE n int;
		BEGIN
			FOR n IN 1..62 LOOP -- characters of one and of three bytes
				EXECUTE format('CREATE TABLE %I (%I int NOT NULL, %I int NOT NULL)', 't' || repeat('a', n), 'c' || repeat('b', 63 - n), 'd' || repeat('日', (62 - n) / 3));
			END LOOP;
		END $$`)
	got := load(t, db)
	require.Len(t, got.Tables, 62)
	require.Empty(t, got.Constraints)
}
