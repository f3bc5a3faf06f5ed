package preflight

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

func told(t *testing.T, conn Querier, on OnExisting, onlyData bool, unfit map[catalog.Name]error) []finding.Finding {
	t.Helper()
	p := plan()
	e, err := ReadExisting(t.Context(), conn, p, false)
	require.NoError(t, err)
	found, err := Run(t.Context(), TargetChecks(Target{Q: conn, Plan: p, Existing: e, OnExisting: on, OnlyData: onlyData, Foreign: true, Unfit: unfit}), true)
	require.NoError(t, err)
	return found
}

// What information_schema tells is what PostgreSQL's own catalog tells.
func TestToldIsWhatStands(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	db.Exec(t, planned+`CREATE VIEW v AS SELECT 1; CREATE MATERIALIZED VIEW m AS SELECT 1 AS x; CREATE SCHEMA other; CREATE TABLE other.a (id int PRIMARY KEY)`)
	conn := db.Conn(t)
	whole, err := ReadExisting(t.Context(), conn, plan(), true)
	require.NoError(t, err)
	got, err := ReadExisting(t.Context(), conn, plan(), false)
	require.NoError(t, err)
	require.Empty(t, got.untold)
	require.Empty(t, got.notKnown())
	require.Equal(t, slices.Sorted(maps.Keys(names(whole.relations))), slices.Sorted(maps.Keys(names(got.relations))))
	require.Equal(t, names(whole.types), names(got.types))
	for key, c := range whole.constraints {
		require.Equal(t, c, got.constraints[key])
	}
	require.Equal(t, whole.Drops(plan()), got.Drops(plan()))
	require.Equal(t, whole.ForeignKeyDrops(plan()), got.ForeignKeyDrops(plan()))
	require.Equal(t, whole.Tables(plan()), got.Tables(plan()))
	require.Equal(t, codes(target(t, conn, plan(), Truncate, false)), codes(told(t, conn, Truncate, false, nil)))
	require.Equal(t, codes(target(t, conn, plan(), Refuse, false)), codes(told(t, conn, Refuse, false, nil)))
	require.Equal(t, codes(target(t, conn, plan(), Refuse, true)), codes(told(t, conn, Refuse, true, nil)))

	db.Exec(t, `CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER t1 BEFORE INSERT ON a FOR EACH ROW EXECUTE FUNCTION f();
		CREATE TRIGGER t1 BEFORE INSERT ON other.a FOR EACH ROW EXECUTE FUNCTION f(); ALTER TABLE b ADD x int NOT NULL, DROP v`)
	require.Contains(t, codes(told(t, conn, Truncate, false, nil)), "block target.triggers trigger public.a.t1")
	require.NotContains(t, strings.Join(codes(told(t, conn, Truncate, false, nil)), "\n"), "other")
	require.Equal(t, codes(target(t, conn, plan(), Refuse, true)), codes(told(t, conn, Refuse, true, nil)))
	unfit := map[catalog.Name]error{name("public", "b"): errUnfit, name("public", "none"): errUnfit}
	require.Contains(t, codes(told(t, conn, Truncate, false, unfit)), "block target.table-differs table public.b")
	require.NotContains(t, strings.Join(codes(told(t, conn, Truncate, false, unfit)), "\n"), "public.none")
}

var errUnfit = &pgconn.PgError{Message: "other types"}

func names(objects map[catalog.Name]object) map[string]string {
	out := map[string]string{}
	for n, o := range objects {
		out[n.String()+" "+o.Kind] = o.Kind
	}
	return out
}

// A target that lacks catalogs, or columns of them, fails no run: what it does
// not tell is said, and what it tells counts.
func TestCatalogsThatAreNotThere(t *testing.T) {
	t.Parallel()
	for view, untold := range map[string]string{
		"ALTER VIEW information_schema.tables RENAME TO gone":                        "tables and views",
		"ALTER VIEW information_schema.sequences RENAME TO gone":                     "sequences",
		"ALTER VIEW information_schema.sequences RENAME COLUMN sequence_name TO x":   "sequences",
		"ALTER VIEW pg_catalog.pg_indexes RENAME TO gone":                            "indexes",
		"ALTER VIEW information_schema.table_constraints RENAME TO gone":             "constraints",
		"ALTER VIEW information_schema.constraint_column_usage RENAME TO gone":       "constraints",
		"ALTER VIEW information_schema.columns RENAME TO gone":                       "",
		"ALTER VIEW information_schema.columns RENAME COLUMN is_identity TO missing": "",
	} {
		t.Run(view, func(t *testing.T) {
			t.Parallel()
			db := pgtest.Server(t).Database(t)
			db.Exec(t, planned+"SET allow_system_table_mods = on;"+view)
			for _, on := range []OnExisting{Refuse, Truncate, Drop} {
				for _, onlyData := range []bool{true, false} {
					found := told(t, db.Conn(t), on, onlyData, nil)
					said := false
					for _, f := range found {
						said = said || f.Code == CheckNotRun && strings.Contains(f.Message, untold)
					}
					if on == Drop && !onlyData {
						require.Equal(t, untold != "", said, "%v", found)
					}
				}
			}
			_, err := Run(t.Context(), ServerChecks(Servers{Source: db.Conn(t), Target: db.Conn(t), TargetForeign: true}), true)
			require.NoError(t, err)
		})
	}
}

// N14: no query for a foreign target reads an OID or casts to regclass.
func TestToldQueriesHaveNoOIDsN14(t *testing.T) {
	t.Parallel()
	entries, err := queries.ReadDir("queries")
	require.NoError(t, err)
	n := 0
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), "told_") {
			continue
		}
		n++
		sql := text(strings.TrimSuffix(e.Name(), ".sql"))
		require.NotRegexp(t, `(?i)::\s*(pg_catalog\.)?reg`, sql, e.Name())
		selected := regexp.MustCompile(`(?s)SELECT(.*?)FROM`).FindAllString(sql, -1)
		require.NotEmpty(t, selected)
		for _, s := range selected {
			require.NotRegexp(t, `(?i)\boid\b`, s, e.Name())
		}
	}
	require.Equal(t, 12, n)
	for _, name := range []string{"target_rights", "target_table_rights", "server"} { // asked of any target
		require.NotRegexp(t, `(?i)privilege\([a-z]+\.oid|::\s*(pg_catalog\.)?reg`, text(name), name)
	}
}
