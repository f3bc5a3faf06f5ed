package catalog

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// T25: indexes of every kind with their options.
func TestIndexes(t *testing.T) {
	t.Parallel()
	eachMajor(t, func(t *testing.T, db *pgtest.DB) {
		db.Exec(t, `
			CREATE SCHEMA app;
			CREATE COLLATION app.mine FROM "C";
			CREATE FUNCTION app.f(text) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT $1';
			CREATE OPERATOR CLASS app.ints FOR TYPE integer USING btree AS
				OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 btint4cmp(integer, integer);
			CREATE TYPE app.mood AS ENUM ('a', 'b');
			CREATE TABLE app.t (gone integer, a integer, b text, c text COLLATE "C", d jsonb, e text[], m app.mood, p point, v varchar(5));
			ALTER TABLE app.t DROP COLUMN gone;
			CREATE INDEX i01 ON app.t (a);
			CREATE UNIQUE INDEX i02 ON app.t (a DESC, b NULLS FIRST, c DESC NULLS LAST);
			CREATE INDEX i03 ON app.t (lower(b), (a + 1) DESC, app.f(b)) INCLUDE (c, a) WITH (fillfactor = 70, deduplicate_items = off);
			CREATE INDEX i04 ON app.t (b COLLATE app.mine text_pattern_ops, c COLLATE "default", (b || 'x') COLLATE "C", v varchar_pattern_ops);
			CREATE INDEX i05 ON app.t (a app.ints) WHERE m = 'b' AND b IS NOT NULL;
			CREATE INDEX i06 ON app.t USING gin (d jsonb_path_ops, e);
			CREATE INDEX i07 ON app.t USING brin (a) WITH (pages_per_range = 4, autosummarize = on);
			CREATE INDEX i08 ON app.t USING hash (b);
			CREATE INDEX i09 ON app.t USING spgist (p quad_point_ops);
			CREATE INDEX i10 ON app.t USING gist (p);
			CREATE INDEX i11 ON app.t ((app.f(c) = 'x')) WHERE app.f(c) <> '';
			ALTER TABLE app.t CLUSTER ON i01`)
		table := in("t")
		index := func(name, def, method string, keys ...IndexKey) Index {
			return Index{Name: in(name), Table: table, Def: IndexDef("CREATE INDEX " + name + " ON app.t USING " + method + " " + def), Method: method, Valid: true, Keys: keys}
		}
		f := Ref{Kind: "routine", Name: in("f(text)")}
		i01 := index("i01", "(a)", "btree", IndexKey{Column: "a"})
		i01.Clustered = true
		i02 := index("i02", "(a DESC, b NULLS FIRST, c DESC NULLS LAST)", "btree",
			IndexKey{Column: "a", Descending: true, NullsFirst: true}, IndexKey{Column: "b", NullsFirst: true}, IndexKey{Column: "c", Descending: true})
		i02.Unique, i02.Def = true, "CREATE UNIQUE INDEX i02 ON app.t USING btree (a DESC, b NULLS FIRST, c DESC NULLS LAST)"
		i03 := index("i03", "(lower(b), ((a + 1)) DESC, app.f(b)) INCLUDE (c, a) WITH (fillfactor='70', deduplicate_items=off)", "btree",
			IndexKey{Expr: "lower(b)"}, IndexKey{Expr: "((a + 1))", Descending: true, NullsFirst: true}, IndexKey{Expr: "app.f(b)"})
		i03.Include, i03.Options, i03.Uses = []string{"c", "a"}, []string{"deduplicate_items=off", "fillfactor=70"}, []Ref{f}
		i04 := index("i04", `(b COLLATE app.mine text_pattern_ops, c COLLATE "default", ((b || 'x'::text)) COLLATE "C", v varchar_pattern_ops)`, "btree",
			IndexKey{Column: "b", Collation: &Name{"app", "mine"}, OpClass: &Name{"pg_catalog", "text_pattern_ops"}},
			IndexKey{Column: "c", Collation: &Name{"pg_catalog", "default"}},
			IndexKey{Expr: "((b || 'x'::text))", Collation: &Name{"pg_catalog", "C"}},
			IndexKey{Column: "v", OpClass: &Name{"pg_catalog", "varchar_pattern_ops"}})
		i04.Uses = []Ref{{Kind: "collation", Name: in("mine")}}
		i05 := index("i05", "(a app.ints) WHERE ((m = 'b'::app.mood) AND (b IS NOT NULL))", "btree", IndexKey{Column: "a", OpClass: &Name{"app", "ints"}})
		i05.Predicate = "((m = 'b'::app.mood) AND (b IS NOT NULL))"
		i05.Uses = []Ref{{Kind: "operator class", Name: in("ints USING btree")}, {Kind: "type", Name: in("mood")}}
		i07 := index("i07", "(a) WITH (pages_per_range='4', autosummarize='on')", "brin", IndexKey{Column: "a"})
		i07.Options, i07.Def = []string{"autosummarize=on", "pages_per_range=4"}, "CREATE INDEX i07 ON app.t USING brin (a) WITH (pages_per_range='4', autosummarize='on')"
		i11 := index("i11", "(((app.f(c) = 'x'::text))) WHERE (app.f(c) <> ''::text)", "btree", IndexKey{Expr: "((app.f(c) = 'x'::text))"})
		i11.Predicate, i11.Uses = "(app.f(c) <> ''::text)", []Ref{f}
		same(t, []Index{
			i01, i02, i03, i04, i05,
			index("i06", "(d jsonb_path_ops, e)", "gin", IndexKey{Column: "d", OpClass: &Name{"pg_catalog", "jsonb_path_ops"}}, IndexKey{Column: "e"}),
			i07,
			index("i08", "(b)", "hash", IndexKey{Column: "b"}),
			index("i09", "(p)", "spgist", IndexKey{Column: "p"}),
			index("i10", "(p)", "gist", IndexKey{Column: "p"}),
			i11,
		}, load(t, db).Indexes, cmpopts.IgnoreFields(Index{}, "Bytes"))
	})
}

// What stands behind constraints is listed too, and what a failed CREATE INDEX
// CONCURRENTLY left is told.
func TestIndexesOfConstraints(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	db.Exec(t, `
		CREATE SCHEMA app;
		CREATE TABLE app.t (a integer PRIMARY KEY, b integer NOT NULL, CONSTRAINT u UNIQUE (b) INCLUDE (a));
		CREATE UNIQUE INDEX ident ON app.t (b);
		ALTER TABLE app.t REPLICA IDENTITY USING INDEX ident;
		INSERT INTO app.t SELECT n, n FROM generate_series(1, 1000) n;
		ALTER TABLE app.t ADD COLUMN c integer DEFAULT 1`)
	_, err := db.Conn(t).Exec(t.Context(), "CREATE UNIQUE INDEX CONCURRENTLY broken ON app.t (c)")
	require.Error(t, err)
	got := load(t, db)
	same(t, []Index{
		{Name: in("broken"), Table: in("t"), Def: "CREATE UNIQUE INDEX broken ON app.t USING btree (c)", Method: "btree", Unique: true, Keys: []IndexKey{{Column: "c"}}},
		{
			Name: in("ident"), Table: in("t"), Def: "CREATE UNIQUE INDEX ident ON app.t USING btree (b)", Method: "btree", Unique: true, Valid: true,
			Keys: []IndexKey{{Column: "b"}}, ReplIdent: true,
		},
		{
			Name: in("t_pkey"), Table: in("t"), Def: "CREATE UNIQUE INDEX t_pkey ON app.t USING btree (a)", Method: "btree", Unique: true, Primary: true, Valid: true,
			Constraint: "t_pkey", Keys: []IndexKey{{Column: "a"}},
		},
		{
			Name: in("u"), Table: in("t"), Def: "CREATE UNIQUE INDEX u ON app.t USING btree (b) INCLUDE (a)", Method: "btree", Unique: true, Valid: true,
			Constraint: "u", Keys: []IndexKey{{Column: "b"}}, Include: []string{"a"},
		},
	}, got.Indexes, cmpopts.IgnoreFields(Index{}, "Bytes"))
	require.Equal(t, ReplicaIndex, got.table(t, in("t")).ReplIdent)
	require.Positive(t, got.index(t, in("t_pkey")).Bytes)
}

// V28, N7: a definition above 1 KiB is whole.
func TestLongIndexDefinition(t *testing.T) {
	t.Parallel()
	var list string
	for range 300 {
		list += "'a long literal of a predicate', "
	}
	db := loadSQL(t, pgtest.Server(t), `CREATE SCHEMA app; CREATE TABLE app.t (a text); CREATE INDEX i ON app.t (a) WHERE a IN (`+list+`'end')`)
	i := db.index(t, in("i"))
	require.Greater(t, len(i.Def), 10_000)
	require.Contains(t, string(i.Predicate), "'end'::text")
}

// An operator class that is the default is not named, whatever the type is
// built from; another one is.
func TestDefaultOperatorClasses(t *testing.T) {
	t.Parallel()
	eachMajor(t, func(t *testing.T, db *pgtest.DB) {
		db.Exec(t, `
			CREATE SCHEMA app;
			CREATE TYPE app.mood AS ENUM ('a'); CREATE TYPE app.pair AS (a integer, b integer);
			CREATE DOMAIN app.word AS varchar(9); CREATE DOMAIN app.words AS app.word; CREATE DOMAIN app.ints AS integer[];
			CREATE TABLE app.t (i integer, v varchar, c char(3), n name, a integer[], m app.mood, p app.pair, w app.words, d app.ints, r int4range,
				net inet, cidr cidr, j jsonb, ts tsvector, box box, pt point, u uuid, t text, o oid, iv int2vector, b bytea, ch "char", num numeric)`)
		for method, columns := range map[string]string{
			"btree":  "i v c n a m p w d r net cidr j ts u t o iv b ch num",
			"hash":   "i v c n a m w d r net cidr j u t o b ch num",
			"gin":    "a d j ts",
			"gist":   "r box pt ts",
			"spgist": "r v w t box pt net cidr",
			"brin":   "i v c n w r net cidr u t o b ch num box",
		} {
			for _, c := range strings.Fields(columns) {
				db.Exec(t, "CREATE INDEX ON app.t USING "+method+" ("+c+")")
			}
		}
		got := load(t, db)
		require.Len(t, got.Indexes, 21+18+4+4+8+15)
		for _, x := range got.Indexes {
			require.Nil(t, x.Keys[0].OpClass, "%s", x.Def)
			require.Nil(t, x.Keys[0].Collation, "%s", x.Def)
		}
		db.Exec(t, "CREATE INDEX other ON app.t USING gist (net inet_ops)")
		require.Equal(t, &Name{"pg_catalog", "inet_ops"}, load(t, db).index(t, in("other")).Keys[0].OpClass)
	})
}
