package catalog

import (
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// N12: what was dropped or renamed since the snapshot is an error that says so,
// never a model with holes. (What the lock of a table forbids cannot happen to a
// chosen one.)
func TestGoneSinceTheSnapshot(t *testing.T) {
	t.Parallel()
	tests := []struct{ sql, want string }{
		{"DROP INDEX app.i", "index app.i"},
		{"DROP TABLE app.t CASCADE", ""},
		{"DROP TABLE app.p", "table app.p"},
		{"DROP TYPE app.mood CASCADE", "type app.mood"},
		{"DROP DOMAIN app.price CASCADE", "type app.price"},
		{"ALTER TYPE app.mood RENAME TO other", "type app.mood"},
		{"ALTER TYPE app.mood SET SCHEMA public", "type app.mood"},
		{"DROP SEQUENCE app.s", "sequence app.s"},
		{"ALTER SEQUENCE app.s RENAME TO other", "a sequence"},
		{"DROP SCHEMA app CASCADE", ""},
		{"DROP FUNCTION app.f(integer)", "function app.f(integer)"},
		{"ALTER FUNCTION app.f RENAME TO g", "function app.f(integer)"},
		{"ALTER PROCEDURE app.run SET SCHEMA public", "procedure app.run()"},
		{"CREATE OR REPLACE FUNCTION app.f(integer) RETURNS integer LANGUAGE sql AS 'SELECT 2'", "function app.f(integer)"},
	}
	for _, major := range []int{13, 15, 18} {
		t.Run(fmt.Sprint(major), func(t *testing.T) {
			t.Parallel()
			db := pgtest.Major(t, major).Database(t)
			for _, tt := range tests {
				db.Exec(t, `DROP SCHEMA IF EXISTS app, public CASCADE; CREATE SCHEMA public; CREATE SCHEMA app;
					CREATE TYPE app.mood AS ENUM ('a'); CREATE FUNCTION app.f(integer) RETURNS integer LANGUAGE sql AS 'SELECT 1';
					CREATE PROCEDURE app.run() LANGUAGE sql AS ''; CREATE DOMAIN app.price AS integer DEFAULT 3 CHECK (VALUE > 0);
					CREATE TABLE app.t (id integer CHECK (id > 0), m app.mood[] DEFAULT '{a}', p app.price); CREATE INDEX i ON app.t (id) WHERE id > 1;
					CREATE SEQUENCE app.s; CREATE TABLE app.root (id integer) PARTITION BY RANGE (id);
					CREATE TABLE app.p PARTITION OF app.root FOR VALUES FROM (1) TO (10)`)
				other := db.Conn(t)
				err := within(t, db.Conn(t), func(tx pgx.Tx) error {
					_, err := tx.Exec(t.Context(), "SELECT pg_catalog.pg_export_snapshot()")
					require.NoError(t, err)
					_, err = other.Exec(t.Context(), tt.sql)
					require.NoError(t, err)
					_, err = Load(t.Context(), tx, LoadOptions{})
					return err
				})
				var gone *GoneError
				require.ErrorAs(t, err, &gone, "%s: %v", tt.sql, err)
				require.ErrorContains(t, err, tt.want+" was dropped or changed", tt.sql)
			}
		})
	}
}
