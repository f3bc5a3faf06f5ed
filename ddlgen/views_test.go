package ddlgen

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
)

// tower is the shop with views upon each other, the highest first by name.
func tower(height int) *catalog.Database {
	db := shop()
	name := func(i int) catalog.Name {
		return catalog.Name{Schema: "public", Name: fmt.Sprintf("v%03d", height-i)}
	}
	for i := range height {
		v := catalog.View{
			Name: name(i), Def: " SELECT customers.id\n   FROM public.customers", RowsGuess: -1,
			Columns: []catalog.ViewColumn{{Name: "id", Type: builtInType("int8", "bigint", -1), StatsTgt: -1}},
			Uses:    []catalog.Ref{{Kind: "table", Name: catalog.Name{Schema: "public", Name: "customers"}, Column: "id"}},
		}
		if i > 0 {
			v.Def = catalog.ViewDef(" SELECT " + name(i-1).Name + ".id\n   FROM " + name(i-1).String())
			v.Uses = []catalog.Ref{{Kind: "view", Name: name(i - 1), Column: "id"}}
		}
		db.Views = append([]catalog.View{v}, db.Views...)
	}
	return db
}

// A DB9 takes 64 views, one upon the other: those above are left, and what they
// stand upon is carried.
func TestViewNesting(t *testing.T) {
	t.Parallel()
	left := func(profile Profile) []string {
		plan, err := Generate(tower(66), profile, Options{})
		require.NoError(t, err)
		requireSound(t, tower(66), plan)
		var out []string
		for _, f := range plan.Findings {
			if f.Code == viewLost {
				out = append(out, f.Object.Name+": "+f.Message)
			}
		}
		return out
	}
	require.Empty(t, left(Postgres()))
	require.Equal(t, []string{
		"v001: view public.v002 is left behind", "v002: it stands upon 64 views, one upon the other: the target takes 63",
	}, left(DB9()))
}

// What a target without security_invoker would show to everybody is left.
func TestSecurityInvoker(t *testing.T) {
	t.Parallel()
	db := tower(1)
	db.Views[0].Options = []string{"security_invoker=true"}
	found := func(profile Profile, version int) (codes []finding.Code) {
		plan, err := Generate(db, profile, Options{TargetVersion: version})
		require.NoError(t, err)
		for _, f := range plan.Findings {
			if strings.HasPrefix(string(f.Code), "view.") {
				codes = append(codes, f.Code)
			}
		}
		return codes
	}
	require.Empty(t, found(Postgres(), 150000))
	require.Equal(t, []finding.Code{viewLost}, found(Postgres(), 140000))
	require.Equal(t, []finding.Code{viewChanged}, found(DB9(), 0))
	db.Views[0].Options = []string{"security_invoker=false", "security_barrier=true"}
	require.Empty(t, found(Postgres(), 140000))
	plan, err := Generate(db, Postgres(), Options{TargetVersion: 140000})
	require.NoError(t, err)
	require.Contains(t, strings.Join(statementsOf(plan), "\n"), "WITH (security_barrier='true')")
}

// Every statement of a view says how to take it back.
func TestViewUndo(t *testing.T) {
	t.Parallel()
	plan, err := Generate(tower(2), Postgres(), Options{})
	require.NoError(t, err)
	undo := map[string]string{}
	for _, s := range plan.Statements {
		if s.Phase == PhaseViews {
			undo[s.ID] = s.Undo
		}
	}
	require.Equal(t, map[string]string{"views/public.v001": `DROP VIEW "public"."v001"`, "views/public.v002": `DROP VIEW "public"."v002"`}, undo)
	require.Equal(t, []catalog.Name{{Schema: "public", Name: "customers"}}, plan.Views[0].Reads)
}
