package simtest_test

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/db9sim"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// withViews are databases of real projects that have views, with how many of
// them at least arrive at a DB9 as things stand.
func withViews() map[string]int {
	out := map[string]int{"pagila": 3, "dvdrental": 3}
	if all() {
		out["northwind"], out["danbooru"], out["hatchet"] = 0, 0, 0
	}
	return out
}

// Every view of a real database arrives, proved, with as many rows as at the
// source, or is named with the reason why not.
func TestViews(t *testing.T) {
	t.Parallel()
	for name, least := range withViews() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source := pgtest.Server(t).Database(t)
			load(t, name, source)
			t.Run("strict", func(t *testing.T) {
				c, target := run(t, source, db9sim.Strict())
				require.GreaterOrEqual(t, requireViews(t, c, source, target), least)
			})
			t.Run("postgres", func(t *testing.T) {
				target := pgtest.Server(t).Database(t)
				c := clone(t, source, target.URL)
				if c.code == blocked {
					c = clone(t, source, target.URL, c.accepts()...)
				}
				require.Equal(t, done, c.code, c.troubles())
				require.GreaterOrEqual(t, requireViews(t, c, source, target), least)
			})
		})
	}
}

// requireViews compares the views of both sides, and says how many arrived.
func requireViews(t *testing.T, c cloned, source, target *pgtest.DB) (arrived int) {
	t.Helper()
	left := map[string]string{}
	for _, f := range c.rep.Findings {
		left[f.Object.Kind+" "+f.Object.Path()] = f.Message
	}
	told := map[string]bool{}
	for _, v := range c.rep.Views {
		require.Equal(t, "match", v.Verdict, "%s: %s", v.Target, v.Detail)
		told[v.Target] = true
	}
	views := source.QueryString(t, `SELECT count(*) FROM pg_class WHERE relkind IN ('v', 'm') AND relnamespace::regnamespace::text !~ '^(pg_|information_schema)'
		AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_class.oid AND deptype = 'e')`)
	all, err := strconv.Atoi(views)
	require.NoError(t, err)
	for i := range all {
		one := func(column string) string {
			return source.QueryString(t, `SELECT `+column+` FROM (SELECT relkind, relnamespace, relname, relispopulated FROM pg_class
				WHERE relkind IN ('v', 'm') AND relnamespace::regnamespace::text !~ '^(pg_|information_schema)'
				AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_class.oid AND deptype = 'e') ORDER BY oid OFFSET `+strconv.Itoa(i)+` LIMIT 1) c`)
		}
		name, sql := one("relnamespace::regnamespace || '.' || relname"), one("format('%s.%I', relnamespace::regnamespace, relname)")
		kind := one("CASE relkind WHEN 'm' THEN 'materialized view' ELSE 'view' END")
		if !told[name] {
			require.Contains(t, left, kind+" "+name)
			t.Logf("left: %s %s: %s", kind, name, left[kind+" "+name])
			continue
		}
		arrived++
		if one("relispopulated::text") == "true" {
			require.Equal(t, source.QueryString(t, "SELECT count(*) FROM "+sql), target.QueryString(t, "SELECT count(*) FROM "+sql), name)
		}
	}
	return arrived
}
