package catalog

import (
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// unstable are the fields that are not the schema's.
var unstable = cmp.Options{
	cmpopts.IgnoreFields(Database{}, "ServerVersion"),
	cmpopts.IgnoreFields(Table{}, "HeapBytes", "ToastBytes", "RowsGuess"),
	cmpopts.IgnoreFields(Index{}, "Bytes"),
	cmpopts.IgnoreFields(View{}, "HeapBytes", "ToastBytes", "RowsGuess"),
	cmpopts.IgnoreFields(RangeType{}, "Multirange"), // from 14 on
}

// sameText takes out what majors render in their own way: 16 leaves out the
// prefixes of columns where a query reads one table.
func sameText(db *Database) *Database {
	for i := range db.Views {
		db.Views[i].Def = ""
	}
	return db
}

// The same DDL is the same model on every major, and so has the same hash.
func TestEveryMajorGivesTheSameModel(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	got := map[int]*Database{}
	t.Run("load", func(t *testing.T) {
		onMajors(t, majors, func(t *testing.T, db *pgtest.DB) {
			script(t, db, "everything.sql")
			model := load(t, db)
			for i := range model.Comments {
				if model.Comments[i].Kind == "database" {
					model.Comments[i].Name = Name{}
				}
			}
			for i := range model.Owners {
				if model.Owners[i].Object.Kind == "database" {
					model.Owners[i].Object.Name = ""
				}
			}
			require.Equal(t, db.Cluster().Major(), model.ServerVersion/10000)
			mu.Lock()
			defer mu.Unlock()
			got[db.Cluster().Major()] = sameText(model)
		})
	})
	first := got[majors[0]]
	if first == nil {
		pgtest.Lacks(t, "the oldest major is not there")
	}
	for _, major := range majors[1:] {
		if got[major] == nil {
			continue
		}
		if diff := cmp.Diff(first, got[major], unstable); diff != "" {
			t.Errorf("%d (-) and %d (+) differ:\n%s", majors[0], major, diff)
		}
		require.Equal(t, first.Hash(), got[major].Hash(), "the hash on %d", major)
	}
}

// A role that may do nothing but connect reads the same schema: the catalogs
// are open to all. (M1)
func TestEverybodyReadsTheSameSchema(t *testing.T) {
	t.Parallel()
	eachMajor(t, func(t *testing.T, db *pgtest.DB) {
		everything(t, db)
		reader := role(t, db)
		got, want := loadAs(t, db, reader), load(t, db)
		for i := range got.Sequences {
			require.True(t, got.Sequences[i].Unreadable)
			got.Sequences[i].Unreadable, got.Sequences[i].LastValue, got.Sequences[i].IsCalled = false, want.Sequences[i].LastValue, want.Sequences[i].IsCalled
		}
		same(t, want, got)
		require.Equal(t, want.Hash(), got.Hash())
	})
}

// Each change of the schema changes the hash; running the database does not.
func TestHashFollowsTheSchema(t *testing.T) {
	t.Parallel()
	for _, major := range []int{13, 18} {
		t.Run(fmt.Sprint(major), func(t *testing.T) {
			t.Parallel()
			db := pgtest.Major(t, major).Database(t)
			db.Exec(t, `
				CREATE SCHEMA app;
				CREATE TYPE app.mood AS ENUM ('a', 'b');
				CREATE DOMAIN app.word AS text CHECK (VALUE <> '');
				CREATE TYPE app.pair AS (a integer, b text);
				CREATE FUNCTION app.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
				CREATE TABLE app.t (id serial PRIMARY KEY, a integer DEFAULT 1, b text, m app.mood, gone integer, CONSTRAINT late CHECK (a > 0));
				ALTER TABLE app.t DROP CONSTRAINT late, ADD CONSTRAINT late CHECK (a > 0) NOT VALID;
				CREATE TABLE app.u (id integer CONSTRAINT fk REFERENCES app.t);
				CREATE INDEX i ON app.t (a);
				CREATE VIEW app.v AS SELECT 1 AS one;
				CREATE TABLE app.parts (id integer) PARTITION BY RANGE (id);
				CREATE TABLE app.part PARTITION OF app.parts DEFAULT`)
			conn := db.Conn(t)
			last := loadOn(t, conn).Hash()
			for _, sql := range []string{
				"INSERT INTO app.t (a) SELECT n FROM generate_series(1, 1000) n", "ANALYZE", "SELECT nextval('app.t_id_seq')", "SELECT setval('app.t_id_seq', 9000)",
				"UPDATE app.t SET b = repeat('x', 10000)", "VACUUM", "VACUUM FULL app.t", "REINDEX TABLE app.t", "TRUNCATE app.t CASCADE", "SELECT lo_create(0)", "CREATE TEMP TABLE x ()",
				"GRANT SELECT ON app.t TO PUBLIC", "ALTER TABLE app.t OWNER TO pg_monitor", "ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO PUBLIC",
			} {
				db.Exec(t, sql)
				require.Equal(t, last, loadOn(t, conn).Hash(), sql)
			}
			seen := map[string]string{last: "the beginning"}
			for _, sql := range []string{
				"ALTER TABLE app.t ADD c integer", "ALTER TABLE app.t DROP gone", "ALTER TABLE app.t RENAME c TO d", "ALTER TABLE app.t ALTER d TYPE bigint",
				"ALTER TABLE app.t ALTER a SET DEFAULT 2", "ALTER TABLE app.t ALTER a DROP DEFAULT", "ALTER TABLE app.t ALTER a SET NOT NULL", "ALTER TABLE app.t ALTER b TYPE text COLLATE \"C\"",
				"COMMENT ON TABLE app.t IS 'x'", "COMMENT ON TABLE app.t IS 'y'", "COMMENT ON COLUMN app.t.a IS 'x'",
				"ALTER TYPE app.mood ADD VALUE 'c' BEFORE 'b'", "ALTER TYPE app.mood RENAME VALUE 'c' TO 'd'", "DROP TYPE app.pair", "CREATE TYPE app.pair AS (b text, a integer)",
				"ALTER DOMAIN app.word SET NOT NULL", "ALTER DOMAIN app.word ADD CHECK (VALUE <> 'x')",
				"ALTER TABLE app.t VALIDATE CONSTRAINT late", "ALTER TABLE app.t RENAME CONSTRAINT late TO early", "ALTER TABLE app.u DROP CONSTRAINT fk",
				"ALTER TABLE app.u ADD CONSTRAINT fk FOREIGN KEY (id) REFERENCES app.t ON DELETE CASCADE", "ALTER TABLE app.u ALTER CONSTRAINT fk DEFERRABLE",
				"DROP INDEX app.i", "CREATE INDEX i ON app.t (a DESC)", "ALTER INDEX app.i SET (fillfactor = 50)", "ALTER TABLE app.t CLUSTER ON t_pkey",
				"ALTER SEQUENCE app.t_id_seq INCREMENT 2", "ALTER SEQUENCE app.t_id_seq OWNED BY NONE",
				"ALTER TABLE app.t SET (fillfactor = 70)", "ALTER TABLE app.t REPLICA IDENTITY FULL", "ALTER TABLE app.t ENABLE ROW LEVEL SECURITY", "ALTER TABLE app.u SET UNLOGGED",
				"ALTER TABLE app.parts DETACH PARTITION app.part", "ALTER TABLE app.parts ATTACH PARTITION app.part FOR VALUES FROM (1) TO (2)",
				"CREATE TRIGGER g BEFORE INSERT ON app.t FOR EACH ROW EXECUTE FUNCTION app.f()", "CREATE POLICY p ON app.t", "DROP VIEW app.v", "CREATE SCHEMA other",
				"ALTER TABLE app.t DISABLE TRIGGER g", "DROP POLICY p ON app.t", "CREATE RULE r AS ON DELETE TO app.t DO ALSO NOTIFY x",
				"ALTER TABLE app.u SET SCHEMA other", "CREATE STATISTICS app.s ON a, d FROM app.t",
			} {
				db.Exec(t, sql)
				hash := loadOn(t, conn).Hash()
				require.Empty(t, seen[hash], sql)
				seen[hash] = sql
			}
		})
	}
}
