package catalog

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// fingerprintSchema is made anew for each case.
const fingerprintSchema = `
	CREATE SCHEMA app;
	CREATE TABLE app.t (id integer, v varchar(20), gone integer);
	INSERT INTO app.t VALUES (1, 'x', 2);
	CREATE TABLE app.root (id integer) PARTITION BY RANGE (id);
	CREATE TABLE app.p1 PARTITION OF app.root FOR VALUES FROM (0) TO (10);
	CREATE TABLE app.loose (id integer);
	CREATE TABLE app.child () INHERITS (app.t);
	CREATE MATERIALIZED VIEW app.m AS SELECT 1 AS one;`

// T15, T3: what is done to a table after the snapshot is told by comparing the
// snapshot's fingerprint with one of now, in words.
func TestT3T15ChangesSinceTheSnapshot(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, table, sql, want string
	}{
		{"nothing", "t", "", ""},
		{"rows alone", "t", "INSERT INTO app.t VALUES (2, 'y', 3); VACUUM app.t", ""},
		{"statistics", "t", "ANALYZE app.t; COMMENT ON TABLE app.t IS 'x'; CREATE INDEX ON app.t (id)", ""},
		{"truncated", "t", "TRUNCATE app.t", "was truncated or rewritten"},
		{"truncated by its root", "p1", "TRUNCATE app.root", "was truncated or rewritten"},
		{"rewritten", "t", "VACUUM FULL app.t", "was truncated or rewritten"},
		{"dropped", "loose", "DROP TABLE app.loose", "was dropped"},
		{"dropped and created again", "loose", "DROP TABLE app.loose; CREATE TABLE app.loose (id integer)", "was dropped, and another table has its name,"},
		{"renamed", "t", "ALTER TABLE app.t RENAME TO u", "was renamed to app.u"},
		{"renamed, and the name taken", "t", "ALTER TABLE app.t RENAME TO u; CREATE TABLE app.t (id integer, v varchar(20), gone integer)", "was renamed to app.u"},
		{"moved", "t", "ALTER TABLE app.t SET SCHEMA public", "was renamed to public.t"},
		{"column added", "t", "ALTER TABLE app.t ADD more integer", "had a column more added"},
		{"column dropped", "t", "ALTER TABLE app.t DROP gone", "had its column gone dropped"},
		{"column dropped and added again", "t", "ALTER TABLE app.t DROP gone; ALTER TABLE app.t ADD gone integer", "had its column gone dropped and added again"},
		{"column renamed", "t", "ALTER TABLE app.t RENAME gone TO went", "had its column gone renamed to went"},
		{"column retyped", "t", "ALTER TABLE app.t ALTER gone TYPE bigint", "had the type of its column gone changed from integer to bigint"},
		{"column widened", "t", "ALTER TABLE app.t ALTER v TYPE varchar(30)", "had the type of its column v changed from character varying(20) to character varying(30)"},
		{"partition attached", "root", "ALTER TABLE app.root ATTACH PARTITION app.loose FOR VALUES FROM (10) TO (20)", "had a partition app.loose attached or created"},
		{"attached as a partition", "loose", "ALTER TABLE app.root ATTACH PARTITION app.loose FOR VALUES FROM (10) TO (20)", "was attached to app.root"},
		{"partition created", "root", "CREATE TABLE app.p2 PARTITION OF app.root DEFAULT", "had a partition app.p2 attached or created"},
		{"partition detached", "root", "ALTER TABLE app.root DETACH PARTITION app.p1", "had its partition app.p1 detached or dropped"},
		{"detached", "p1", "ALTER TABLE app.root DETACH PARTITION app.p1", "was detached from app.root"},
		{"partition dropped", "root", "DROP TABLE app.p1", "had its partition app.p1 detached or dropped"},
		{"partition renamed", "root", "ALTER TABLE app.p1 RENAME TO p_1", ""},
		{"child dropped", "t", "DROP TABLE app.child", "had its child app.child detached or dropped"},
		{"became another kind", "loose", "DROP TABLE app.loose; CREATE VIEW app.loose AS SELECT 1 AS id", "was dropped, and another table has its name,"},
	}
	for _, major := range []int{13, 15, 18} {
		cluster := pgtest.Major(t, major)
		t.Run(fmt.Sprint(major), func(t *testing.T) {
			t.Parallel()
			db := cluster.Database(t)
			snapshot, live := db.Conn(t), db.Conn(t)
			for _, tt := range tests {
				db.Exec(t, "DROP SCHEMA IF EXISTS app CASCADE; DROP TABLE IF EXISTS public.t CASCADE;"+fingerprintSchema)
				require.NoError(t, within(t, snapshot, func(tx pgx.Tx) error {
					name := Name{"app", tt.table}
					_, err := tx.Exec(t.Context(), "SELECT pg_catalog.pg_export_snapshot()")
					require.NoError(t, err)
					if tt.sql != "" {
						for _, sql := range statements(tt.sql) {
							_, err := live.Exec(t.Context(), sql)
							require.NoError(t, err)
						}
					}
					then, err := Fingerprints(t.Context(), tx, []Name{name})
					require.NoError(t, err)
					require.Len(t, then, 1, "the snapshot no longer sees the table")
					require.Equal(t, name, then[0].Name)
					changes, err := Changes(t.Context(), live, then)
					require.NoError(t, err)
					if tt.want == "" {
						require.Empty(t, changes, tt.name)
					} else {
						require.Equal(t, []Change{{Table: name, What: tt.want}}, changes, tt.name)
					}
					return nil
				}))
			}
		})
	}
}

// What a query reads of pg_class under a snapshot is the snapshot's, while the
// server's functions read what stands now: fingerprints must not be made of them.
func TestWhatReadsTheSnapshotAndWhatReadsNow(t *testing.T) {
	t.Parallel()
	eachMajor(t, func(t *testing.T, db *pgtest.DB) {
		db.Exec(t, "CREATE TABLE t (id integer CONSTRAINT positive CHECK (id > 0)); CREATE INDEX i ON t (id); INSERT INTO t VALUES (1)")
		other := db.Conn(t)
		const sql = `SELECT c.relfilenode::int8 AS column, pg_relation_filenode(c.oid)::int8 AS function,
			(SELECT count(*) FROM t) AS rows, pg_get_indexdef('i'::regclass) AS def,
			(SELECT attname::text FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum = 1) AS attname
			FROM pg_class c WHERE relname = 't'`
		type seen struct {
			Column, Function, Rows int64
			Def, AttName           string
		}
		require.NoError(t, within(t, db.Conn(t), func(tx pgx.Tx) error {
			read := func() seen {
				rows, err := tx.Query(t.Context(), sql)
				require.NoError(t, err)
				s, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[seen])
				require.NoError(t, err)
				return s
			}
			_, err := tx.Exec(t.Context(), "SELECT pg_catalog.pg_export_snapshot()")
			require.NoError(t, err)
			for _, sql := range []string{"TRUNCATE t", "ALTER TABLE t RENAME id TO renamed"} {
				_, err := other.Exec(t.Context(), sql)
				require.NoError(t, err)
			}
			got := read()
			require.NotEqual(t, got.Column, got.Function)
			require.Equal(t, "id", got.AttName)
			require.Contains(t, got.Def, "renamed")
			require.Zero(t, got.Rows, "a truncated table reads as empty under the snapshot, without an error")
			return nil
		}))
	})
}

// Many tables are one query; what is not there is left out.
func TestFingerprintsOfMany(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	db.Exec(t, fingerprintSchema)
	conn := db.Conn(t)
	got, err := Fingerprints(t.Context(), conn, []Name{in("t"), in("absent"), {"absent", "t"}, in("root"), in("p1")})
	require.NoError(t, err)
	require.Len(t, got, 3)
	require.Equal(t, in("t"), got[0].Name)
	require.Equal(t, []string{"app.child"}, got[0].Children)
	require.Equal(t, in("root"), got[1].Name)
	require.Zero(t, got[1].Filenode)
	require.Equal(t, []string{"app.root"}, got[2].Parents)
	none, err := Fingerprints(t.Context(), conn, nil)
	require.NoError(t, err)
	require.Empty(t, none)
}

// statements splits SQL that holds no semicolon of its own: VACUUM wants to be alone.
func statements(sql string) []string { return strings.Split(sql, ";") }
