package preflight

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// viewPlan makes a table and, upon it, views by dependency: top upon stored upon
// base, and two that need each other, of which one has a shell.
func viewPlan() *ddlgen.Plan {
	st := func(phase ddlgen.Phase, kind, n string) ddlgen.Statement {
		o := finding.Object{Kind: kind, Schema: "public", Name: n}
		return ddlgen.Statement{ID: o.String(), Phase: phase, Object: o, SQL: "SELECT 1"}
	}
	return &ddlgen.Plan{Statements: []ddlgen.Statement{
		st(ddlgen.PhaseTables, "table", "t"),
		st(ddlgen.PhaseViews, "view", "base"), st(ddlgen.PhaseViews, "materialized view", "stored"), st(ddlgen.PhaseViews, "index", "stored_i"),
		st(ddlgen.PhaseViews, "view", "top"), st(ddlgen.PhaseViews, "view", "one"), st(ddlgen.PhaseViews, "view", "two"), st(ddlgen.PhaseViews, "view", "one"),
		st(ddlgen.PhaseRefresh, "materialized view", "stored"),
	}}
}

const viewsPlanned = `CREATE TABLE t (a int);
	CREATE VIEW base AS SELECT a FROM t; CREATE MATERIALIZED VIEW stored AS SELECT a FROM base; CREATE INDEX stored_i ON stored (a);
	CREATE VIEW top AS SELECT a FROM stored; CREATE VIEW one AS SELECT 1 AS a; CREATE VIEW two AS SELECT a FROM one; CREATE OR REPLACE VIEW one AS SELECT a FROM two;`

// T22: views are dropped before the tables, those that need each other together;
// a REFRESH is never had, so that a kept view is filled anew.
func TestDropsOfViews(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	db.Exec(t, viewsPlanned)
	for _, full := range []bool{true, false} {
		e, err := ReadExisting(t.Context(), db.Conn(t), viewPlan(), full)
		require.NoError(t, err)
		require.Equal(t, []string{
			`DROP VIEW "public"."one", "public"."two", "public"."top"`, `DROP MATERIALIZED VIEW "public"."stored"`, `DROP VIEW "public"."base"`,
			`DROP TABLE "public"."t"`,
		}, e.Drops(viewPlan()))
		var had int
		for _, s := range viewPlan().Statements {
			if _, ok := e.Has(s); ok {
				had++
			}
		}
		require.Equal(t, len(viewPlan().Statements)-1, had)
	}
	e, err := ReadExisting(t.Context(), db.Conn(t), viewPlan(), true)
	require.NoError(t, err)
	db.Exec(t, strings.Join(e.Drops(viewPlan()), ";"))
}

// A name that something of another kind has blocks.
func TestNamesOfViewsTaken(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	db.Exec(t, "CREATE TABLE base (a int); CREATE VIEW stored AS SELECT 1 AS a; CREATE TABLE stored_i (a int)")
	e, err := ReadExisting(t.Context(), db.Conn(t), viewPlan(), true)
	require.NoError(t, err)
	var taken []string
	for _, f := range e.occupied(viewPlan()) {
		taken = append(taken, f.Object.String()+": "+f.Message)
	}
	require.Equal(t, []string{
		"view public.base: on the target a table has this name", "materialized view public.stored: on the target a view has this name",
		"index public.stored_i: on the target a table has this name",
	}, taken)
}
