package ddlgen

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
)

// graph is a plan of nodes alone, beside tables t, u and v with a column each.
type graph struct{ p *planner }

func newGraph() graph {
	db := &catalog.Database{ServerVersion: 150000, Schemas: []catalog.Schema{{Name: "s"}}}
	for _, name := range []string{"t", "u", "v"} {
		db.Tables = append(db.Tables, catalog.Table{
			Name: inS(name), Kind: catalog.TableOrdinary,
			Columns: []catalog.Column{{Name: "a", Num: 1, Type: builtInType("int4", "integer", -1), StatsTgt: -1}},
		})
	}
	db.Sequences = []catalog.Sequence{{Name: inS("q"), Type: "bigint", Start: 1, Increment: 1, Min: 1, Max: 9, Cache: 1}}
	p := newPlanner(db, Postgres(), Options{})
	p.source = db
	return graph{p}
}

func inS(name string) catalog.Name { return catalog.Name{Schema: "s", Name: name} }

func ref(kind, name string) catalog.Ref { return catalog.Ref{Kind: kind, Name: inS(name)} }

// node declares one whose only statement is its name.
func (g graph) node(kind, name string, phase Phase, refs ...catalog.Ref) *node {
	n := &node{key: refKey{kind, inS(name)}, object: objectOf(kind, inS(name)), refs: refs, phase: phase, code: objectLeft}
	n.make = func(at place) {
		sql := "make " + name
		if at.shell {
			sql = "replace " + name
		}
		g.p.add(Statement{ID: kind + "/" + name, Phase: at.phase, Object: n.object, SQL: sql})
	}
	g.p.declare(n)
	return n
}

// plan makes the plan, of which column a of each named table has a default that
// uses the references.
func (g graph) plan(t *testing.T, defaults map[string][]catalog.Ref) *Plan {
	t.Helper()
	p := g.p
	for i := range p.db.Tables {
		if refs := defaults[p.db.Tables[i].Name.Name]; refs != nil {
			p.db.Tables[i].Columns[0].Default, p.db.Tables[i].Columns[0].Uses = "s.f()", refs
		}
	}
	p.decideTables()
	p.decideColumns()
	p.sequences()
	p.tableStatements()
	p.defaults()
	p.placeNodes()
	plan, err := p.plan()
	require.NoError(t, err)
	return plan
}

// order gives the phase and ID of all statements.
func order(plan *Plan) []string {
	var out []string
	for _, s := range plan.Statements {
		out = append(out, fmt.Sprintf("%s: %s", s.Phase, s.ID))
	}
	return out
}

// What nothing needs early goes where its kind goes, after what it needs.
func TestGraphOrdersByNeed(t *testing.T) {
	t.Parallel()
	g := newGraph()
	g.node("view", "b", PhaseViews, ref("view", "c"), ref("table", "t"))
	g.node("view", "c", PhaseViews, ref("routine", "late()"))
	g.node("function", "late()", PhaseRoutines)
	g.node("function", "other()", PhaseRoutines)
	require.Equal(t, []string{
		"sequences: sequences/s.q", "tables: tables/s.t", "tables: tables/s.u", "tables: tables/s.v",
		"views: function/late()", "views: view/c", "views: view/b", "routines: function/other()",
	}, order(g.plan(t, nil)))
}

// A routine goes before the tables as far as what it needs allows, and a default
// follows it where it cannot stand in CREATE TABLE.
func TestGraphEarlyRoutines(t *testing.T) {
	t.Parallel()
	uses := []catalog.Ref{ref("routine", "f()")}
	early := func(refs ...catalog.Ref) []string {
		g := newGraph()
		g.node("function", "f()", PhaseRoutines, refs...)
		g.node("view", "seen", PhaseViews, ref("table", "u"))
		g.node("type", "pair", PhaseTypes, ref("type", "u"))
		return order(g.plan(t, map[string][]catalog.Ref{"t": uses}))
	}
	require.Equal(t, []string{
		"sequences: sequences/s.q", "early routines: function/f()", "tables: tables/s.t", "tables: tables/s.u", "tables: tables/s.v",
		"tables: type/pair", "views: view/seen",
	}, early(ref("sequence", "q")))
	for _, own := range []catalog.Ref{ref("table", "t"), ref("type", "t"), ref("table", "u"), ref("type", "pair")} {
		got := early(own)
		require.Contains(t, got, "tables: function/f()", own)
		require.Contains(t, got, "checks: defaults/s.t/a", own)
	}
	got := early(ref("view", "seen"))
	require.Contains(t, got, "views: function/f()")
	require.Equal(t, "views: defaults/s.t/a", got[len(got)-1])
}

// T22: a circle is carried or left as one; a shell makes it possible.
func TestGraphCircles(t *testing.T) {
	t.Parallel()
	g := newGraph()
	a := g.node("view", "a", PhaseViews, ref("view", "b"))
	a.shell = func(at place) {
		g.p.add(Statement{ID: "view/a/shell", Phase: at.phase, Object: a.object, SQL: "shell"})
	}
	g.node("view", "b", PhaseViews, ref("routine", "f()"))
	g.node("function", "f()", PhaseRoutines, ref("view", "a"))
	plan := g.plan(t, nil)
	require.Equal(t, []string{"views: view/a/shell", "views: function/f()", "views: view/b", "views: view/a"}, order(plan)[4:])
	require.Equal(t, "replace a", plan.Statements[len(plan.Statements)-1].SQL)

	g = newGraph()
	g.node("view", "a", PhaseViews, ref("view", "b"))
	g.node("view", "b", PhaseViews, ref("view", "a"), ref("routine", "f()"))
	g.node("view", "c", PhaseViews, ref("view", "a"))
	g.node("function", "f()", PhaseRoutines).refuse = "it is in a language of its own"
	plan = g.plan(t, nil)
	require.Len(t, plan.Statements, 4)
	var why []string
	for _, f := range plan.Findings {
		if f.Code == objectLeft {
			why = append(why, f.Object.Name+": "+f.Message)
		}
	}
	require.Equal(t, []string{
		"f(): it is in a language of its own", "a: view s.b is left behind", "b: routine s.f() is left behind", "c: view s.a is left behind",
	}, why)
}

// Every circle asked about in another order gets the same answer.
func TestGraphAnswersDoNotHangOnTheOrder(t *testing.T) {
	t.Parallel()
	kinds := []string{"a", "b", "c", "d"}
	for first := range kinds {
		g := newGraph()
		nodes := map[string]*node{}
		for _, k := range kinds {
			next := string('a' + (k[0]-'a'+1)%4)
			nodes[k] = g.node("view", k, PhaseViews, ref("view", next))
		}
		nodes["c"].refs = append(nodes["c"].refs, ref("routine", "gone()"))
		for i := range kinds {
			require.NotEmpty(t, g.p.whyLeft(nodes[kinds[(first+i)%4]]))
		}
		require.Equal(t, "routine s.gone() is left behind", g.p.whyLeft(nodes["c"]))
	}
}

// A generated column cannot wait: where what it calls needs the table, even by
// way of another table, its values are copied.
func TestGraphGeneratedColumnOfItsOwnTable(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		needs catalog.Ref
		plain bool
	}{
		{ref("type", "t"), true},
		{ref("type", "u"), true},
		{ref("type", "v"), false},
	} {
		g := newGraph()
		g.node("function", "f()", PhaseRoutines, c.needs)
		g.node("function", "g()", PhaseRoutines, ref("type", "t"))
		p := g.p
		p.db.Tables[0].Columns[0].Generated = catalog.GeneratedStored
		plan := g.plan(t, map[string][]catalog.Ref{"t": {ref("routine", "f()")}, "u": {ref("routine", "g()")}})
		var plain bool
		for _, f := range plan.Findings {
			plain = plain || f.Code == generatedPlain
		}
		require.Equal(t, c.plain, plain, c.needs)
	}
}

// N13: the graph's work grows with the objects, not with the paths between them:
// here each node needs the two before it, which makes more paths than atoms.
func TestGraphIsLinear(t *testing.T) {
	t.Parallel()
	g := newGraph()
	const n = 20_000
	name := func(i int) string { return fmt.Sprintf("f%06d()", i) }
	for i := range n {
		var refs []catalog.Ref
		for _, d := range []int{i - 1, i - 2} {
			if d >= 0 {
				refs = append(refs, ref("routine", name(d)))
			}
		}
		g.node("function", name(i), PhaseRoutines, refs...)
	}
	began := time.Now()
	plan := g.plan(t, map[string][]catalog.Ref{"t": {ref("routine", name(n-1))}})
	require.Less(t, time.Since(began), 30*time.Second) // under a second on an idle machine; what squares n takes minutes under the race detector
	require.Equal(t, "early routines: function/"+name(n-1), order(plan)[n], "all stand before the table, the last of them last")
}
