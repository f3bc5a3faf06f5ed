package catalog

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// T23: collations of every provider, read alike from every major.
func TestCollations(t *testing.T) {
	t.Parallel()
	eachMajor(t, func(t *testing.T, db *pgtest.DB) {
		db.Exec(t, `CREATE SCHEMA app; SET search_path = app;
			CREATE COLLATION german (PROVIDER = icu, LOCALE = 'de-DE');
			CREATE COLLATION loose (PROVIDER = icu, LOCALE = 'und-u-ks-level2', DETERMINISTIC = false);
			CREATE COLLATION "Plain" FROM "C";
			CREATE TABLE t (a text COLLATE loose, b text COLLATE loose);`)
		want := []Collation{
			{Name: in("Plain"), Provider: "libc", Deterministic: true, Collate: "C", Ctype: "C"},
			{Name: in("german"), Provider: "icu", Deterministic: true, Locale: "de-DE"},
			{Name: in("loose"), Provider: "icu", Locale: "und-u-ks-level2"},
		}
		if db.Cluster().Major() >= 17 {
			db.Exec(t, `CREATE COLLATION app.built (PROVIDER = builtin, LOCALE = 'C.UTF-8');
				CREATE COLLATION app.ruled (PROVIDER = icu, LOCALE = 'und', RULES = '&a < z')`)
			want = append(want[:1:1],
				Collation{Name: in("built"), Provider: "builtin", Deterministic: true, Locale: "C.UTF-8", Encoding: "UTF8"}, want[1], want[2],
				Collation{Name: in("ruled"), Provider: "icu", Deterministic: true, Locale: "und", Rules: "&a < z"})
		}
		same(t, want, load(t, db).Collations)
	})
}

// Ranges name what differs from their subtype's own; the multirange since 14.
func TestRangesAndStatistics(t *testing.T) {
	t.Parallel()
	eachMajor(t, func(t *testing.T, db *pgtest.DB) {
		db.Exec(t, `CREATE SCHEMA app; SET search_path = app;
			CREATE TYPE whole;
			CREATE FUNCTION canon(whole) RETURNS whole LANGUAGE internal IMMUTABLE STRICT AS 'int4range_canonical';
			CREATE FUNCTION diff(a integer, b integer) RETURNS float8 LANGUAGE sql IMMUTABLE AS 'SELECT (a - b)::float8';
			CREATE TYPE whole AS RANGE (SUBTYPE = integer, CANONICAL = canon, SUBTYPE_DIFF = diff);
			CREATE TYPE words AS RANGE (SUBTYPE = text, SUBTYPE_OPCLASS = text_pattern_ops, COLLATION = "C");
			CREATE TABLE t (a integer, b integer);
			CREATE STATISTICS pair (ndistinct, mcv) ON a, b FROM t;
			ALTER STATISTICS pair SET STATISTICS 7;`)
		got := load(t, db)
		integer := Type{Name: builtIn("int4"), Kind: KindBase, Mod: -1, Text: "integer"}
		text := Type{Name: builtIn("text"), Kind: KindBase, Mod: -1, Text: "text"}
		whole := RangeType{
			Name: in("whole"), Subtype: integer, Canonical: &Name{"app", "canon(app.whole)"}, Diff: &Name{"app", "diff(integer,integer)"},
			Uses: []Ref{{Kind: "routine", Name: in("canon(app.whole)")}, {Kind: "routine", Name: in("diff(integer,integer)")}},
		}
		words := RangeType{Name: in("words"), Subtype: text, OpClass: &Name{"pg_catalog", "text_pattern_ops"}, Collation: &Name{"pg_catalog", "C"}}
		if db.Cluster().Major() >= 14 {
			whole.Multirange, words.Multirange = in("whole_multirange"), in("words_multirange")
		}
		same(t, []RangeType{whole, words}, got.Ranges)
		same(t, []Statistics{{Name: in("pair"), Table: in("t"), Def: "CREATE STATISTICS app.pair (ndistinct, mcv) ON a, b FROM app.t", StatsTgt: 7}}, got.Statistics)
	})
}

// N17: of everything that only PostgreSQL itself takes the statements are read,
// and none of them holds what may be a secret.
func TestDefinitions(t *testing.T) {
	t.Parallel()
	eachMajor(t, func(t *testing.T, db *pgtest.DB) {
		everything(t, db)
		db.Exec(t, `ALTER SERVER far OPTIONS (ADD host 'h', ADD "pass""word" 'hidden1', ADD dsn 'ftp://u:hidden2@h/');
			ALTER FOREIGN DATA WRAPPER wrapper OPTIONS (ADD apikey 'hidden3', ADD debug 'true')`)
		for _, o := range load(t, db).Others {
			text := strings.Join(o.Def, ";\n")
			require.NotContains(t, text, "hidden", o.Name)
			require.NotContains(t, text, "nowhere", o.Name)
			switch o.Kind {
			case "large object", "comment on large object", "extension configuration table":
				require.Empty(t, o.Def, o.Kind)
				continue
			case "server":
				require.Equal(t, []string{"dsn", `pass"word`}, o.Secrets)
				require.Equal(t, "CREATE SERVER far FOREIGN DATA WRAPPER wrapper OPTIONS (host 'h')", text)
			case "foreign data wrapper":
				require.Equal(t, []string{"apikey"}, o.Secrets)
				require.Contains(t, text, " OPTIONS (debug 'true')")
			case "user mapping":
				require.Equal(t, []string{"options"}, o.Secrets)
			case "subscription":
				require.Contains(t, text, "CONNECTION '' PUBLICATION p WITH (connect = false, enabled = false")
			case "shell type":
				require.Equal(t, "CREATE TYPE app.unborn", text)
			}
			require.NotEmpty(t, o.Def, "%s %s", o.Kind, o.Name)
		}
	})
}

// V25: none, and 10,000 large objects, counted and sized.
func TestLargeObjects(t *testing.T) {
	t.Parallel()
	eachMajor(t, func(t *testing.T, db *pgtest.DB) {
		lo := func() []Other {
			return keep(load(t, db).Others, func(o Other) bool { return isData(o.Kind) })
		}
		require.Empty(t, lo())
		empty := load(t, db).Hash()
		db.Exec(t, `SELECT lo_from_bytea(n, 'twelve bytes') FROM generate_series(100001, 110000) n; SELECT lo_create(4294967295)`)
		got := lo()
		require.Len(t, got, 1)
		require.EqualValues(t, 10_001, got[0].Count)
		require.Greater(t, got[0].Bytes, int64(10_000*12))
		require.Equal(t, empty, load(t, db).Hash(), "large objects are content, not schema")
	})
}

// V25: an object that is newer than the snapshot is not in it.
func TestLargeObjectsOfTheSnapshot(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	db.Exec(t, "SELECT lo_create(4294967295)")
	require.NoError(t, within(t, db.Conn(t), func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), "SELECT 1"); err != nil { // now the snapshot is taken
			return err
		}
		db.Exec(t, "SELECT lo_create(1)")
		got, err := Load(t.Context(), tx, LoadOptions{})
		if err != nil {
			return err
		}
		large := keep(got.Others, func(o Other) bool { return o.Kind == "large object" })
		require.Len(t, large, 1)
		require.EqualValues(t, 1, large[0].Count)
		return nil
	}))
}

// N11: what is an extension's is counted, the rows of its configuration tables
// too, and who needs it is named down to the column.
func TestWhoUsesExtensions(t *testing.T) {
	t.Parallel()
	eachMajor(t, func(t *testing.T, db *pgtest.DB) {
		everything(t, db)
		db.Exec(t, `INSERT INTO ext.settings VALUES ('a', 'b'), ('c', 'd');
			UPDATE pg_catalog.pg_extension SET extcondition = ARRAY['WHERE v <> ''d'''] WHERE extname = 'hstore'`)
		var got *Database
		require.NoError(t, within(t, db.Conn(t), func(tx pgx.Tx) (err error) {
			got, err = Load(t.Context(), tx, LoadOptions{Dependencies: true})
			return err
		}))
		for _, x := range got.Extensions {
			require.Greater(t, x.Members, int64(20), x.Name)
		}
		config := keep(got.Others, func(o Other) bool { return o.Kind == "extension configuration table" })
		require.Len(t, config, 1)
		require.EqualValues(t, 1, config[0].Count)

		column := func(table, name string) ObjectRef {
			return ObjectRef{Kind: "column", Schema: "app", Parent: table, Name: name}
		}
		require.Contains(t, got.Dependencies, Dependency{
			Object: column("members", "nick"), On: ObjectRef{Kind: "type", Schema: "ext", Name: "citext"}, Extension: "citext",
		})
		require.Contains(t, got.Dependencies, Dependency{
			Object: column("members", "nicks"), On: ObjectRef{Kind: "type", Schema: "ext", Name: "citext"}, Extension: "citext",
		})
		require.Contains(t, got.Dependencies, Dependency{
			Object: column("members", "data"), On: ObjectRef{Kind: "function", Schema: "ext", Name: "hstore(text,text)"}, Extension: "hstore",
		})
		require.Contains(t, got.Dependencies, Dependency{
			Object: ObjectRef{Kind: "index", Schema: "app", Name: "members_data"},
			On:     ObjectRef{Kind: "operator class", Schema: "ext", Name: "gist_hstore_ops USING gist"}, Extension: "hstore",
		})
		require.Contains(t, got.Dependencies, Dependency{
			Object: ObjectRef{Kind: "view", Schema: "app", Name: "names"}, On: ObjectRef{Kind: "table", Schema: "app", Name: "customers"},
		})
		require.Contains(t, got.Dependencies, Dependency{
			Object: ObjectRef{Kind: "constraint", Schema: "app", Parent: "orders", Name: "orders_customer_fkey"},
			On:     ObjectRef{Kind: "table", Schema: "app", Name: "customers"},
		})
		for _, d := range got.Dependencies {
			require.NotEqual(t, d.Object, d.On)
			require.NotEmpty(t, d.On.Name)
		}
		without := *got
		without.Dependencies = nil
		require.Equal(t, without.Hash(), got.Hash())
	})
}
