package ddlgen

import (
	"context"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// goldenMajor is the PostgreSQL whose models the golden cases hold.
const goldenMajor = 15

// load reads a model and takes out what differs from server to server.
func load(t *testing.T, conn *pgx.Conn) *catalog.Database {
	t.Helper()
	tx, err := conn.BeginTx(t.Context(), pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	require.NoError(t, err)
	defer func() { require.NoError(t, tx.Rollback(context.WithoutCancel(t.Context()))) }()
	db, err := catalog.Load(t.Context(), tx, catalog.LoadOptions{})
	require.NoError(t, err)
	db.ServerVersion -= db.ServerVersion % 10000
	db.Collate, db.Ctype = "C", "C"
	for i := range db.Extensions {
		db.Extensions[i].Version, db.Extensions[i].Members = "", 0
	}
	var me string
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT current_user").Scan(&me))
	unnamed(db, me)
	return db
}

// unnamed takes the test's own role out of a model: it is another one on every
// machine. What it owns, and what it has granted, is told of no one.
func unnamed(db *catalog.Database, me string) {
	db.Owners = slices.DeleteFunc(db.Owners, func(o catalog.Owner) bool { return o.Role == me })
	db.Roles = slices.DeleteFunc(db.Roles, func(o catalog.Role) bool { return o.Name == me })
	for i := range db.Grants {
		if db.Grants[i].Grantor == me {
			db.Grants[i].Grantor = ""
		}
	}
	if len(db.Owners) == 0 {
		db.Owners = nil
	}
	if len(db.Roles) == 0 {
		db.Roles = nil
	}
}

// apply runs the statements of a plan one by one, as a writer's session does:
// bodies of routines are not looked into.
func apply(t *testing.T, conn *pgx.Conn, plan *Plan) {
	t.Helper()
	_, err := conn.Exec(t.Context(), "SET check_function_bodies = off")
	require.NoError(t, err)
	for _, s := range plan.Statements {
		_, err := conn.Exec(t.Context(), s.SQL)
		require.NoError(t, err, "%s: %s", s.ID, s.SQL)
	}
}

// The live half of the golden cases: the model is that of the source; the plan
// applies without an error; what it makes is what it promises; and under
// postgres the model read back gives the same plan again.
func TestGoldenLive(t *testing.T) {
	for _, g := range goldens(t) {
		t.Run(g.name(), func(t *testing.T) {
			if !*update {
				t.Parallel()
			}
			source := serverOf(t, g.major(t)).Database(t)
			source.Exec(t, g.section("source.sql"))
			db := load(t, source.Conn(t))
			switch {
			case *update:
				g.set("catalog.json", modelText(t, db))
			case source.Cluster().Major() == g.major(t):
				require.Empty(t, cmp.Diff(g.section("catalog.json"), modelText(t, db)))
			}
			for _, v := range g.variants(t) {
				t.Run(v.name, func(t *testing.T) { g.live(t, source.Cluster(), db, v) })
			}
			if *update {
				g.save(t)
			}
		})
	}
}

// serverOf is a server of a major; the process's own stands for the usual one,
// and for whatever PGTEST_BIN or PGTEST_URL names instead of it.
func serverOf(t *testing.T, major int) *pgtest.Cluster {
	t.Helper()
	if major != goldenMajor {
		return pgtest.Major(t, major)
	}
	server := pgtest.Server(t)
	if server.Major() < goldenMajor {
		pgtest.Lacks(t, "PostgreSQL %d: the golden cases are of %d", server.Major(), goldenMajor)
	}
	return server
}

func (g *golden) live(t *testing.T, source *pgtest.Cluster, db *catalog.Database, v variant) {
	t.Helper()
	v.opts.Mapping = g.mapping(t, db)
	plan, err := Generate(db, v.profile, v.opts)
	require.NoError(t, err)
	requireSound(t, db, plan, v.opts.Mapping)
	if source.Major() == g.major(t) {
		g.check(t, v, plan)
	}
	server := source
	switch {
	case v.opts.TargetVersion != 0:
		server = pgtest.Major(t, v.major)
	case v.major != g.major(t):
		server = serverOf(t, v.major)
	}
	conn := server.Database(t).Conn(t)
	apply(t, conn, plan)
	back := load(t, conn)
	requireExpected(t, plan, back)

	mapped := !v.opts.Mapping.Empty()
	v.opts.Mapping = nil
	again, err := Generate(back, v.profile, v.opts)
	require.NoError(t, err)
	requireSound(t, back, again)
	for _, f := range again.Findings {
		require.NotEqual(t, typeMapped, f.Code, "mapped twice: %s", f.Message)
		require.Less(t, f.Severity, finding.Block, "%s %s", f.Object, f.Message)
	}
	if v.profile.Map || mapped || v.major != g.major(t) {
		return // what was changed on the way is no fixed point
	}
	require.Equal(t, statementsOf(plan), statementsOf(again), "the plan of what the plan made")
	if diff := cmp.Diff(comparable(db, plan), comparable(back, plan), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("the model read back differs, and no finding says so:\n%s", diff)
	}
}

// requireExpected compares the tables of a model with what the plan expects.
func requireExpected(t *testing.T, plan *Plan, back *catalog.Database) {
	t.Helper()
	var got []ExpectedTable
	for _, table := range back.Tables {
		if table.Kind == catalog.TableForeign {
			continue // it has no rows to read or to compare
		}
		e := ExpectedTable{Name: table.Name, Columns: []ExpectedColumn{}}
		for _, c := range table.Columns {
			e.Columns = append(e.Columns, ExpectedColumn{
				Name: c.Name, Type: c.Type.Text, NotNull: c.NotNull, Identity: c.Identity, Generated: c.Generated,
				HasDefault: c.Default != "" && c.Generated == 0,
			})
		}
		got = append(got, e)
	}
	want := slices.Clone(plan.Expect)
	for i := range want {
		want[i].Partitions, want[i].Expressions = nil, nil // not read back
	}
	require.Equal(t, want, got)
	require.True(t, slices.IsSortedFunc(plan.Expect, func(a, b ExpectedTable) int { return a.Name.Compare(b.Name) }))
}

// comparable is what of a model the other side must have too: all that no
// finding speaks of.
func comparable(db *catalog.Database, plan *Plan) *catalog.Database {
	spoken := map[finding.Object]bool{}
	for _, f := range plan.Findings {
		if f.Severity > finding.Info {
			spoken[f.Object] = true
		}
	}
	for _, g := range plan.Groups {
		for _, o := range g.Objects {
			spoken[o] = true
		}
	}
	whole := map[catalog.Name]bool{} // tables that are one on both sides
	for _, e := range plan.Expect {
		whole[e.Name] = true
	}
	for _, f := range plan.Findings {
		if f.Code == tableFlattened {
			delete(whole, catalog.Name{Schema: f.Object.Schema, Name: f.Object.Name})
		}
	}
	for _, t := range db.Tables {
		if t.Kind == catalog.TableForeign {
			whole[t.Name] = !spoken[tableObject(t.Name)]
		}
	}
	c := *db
	c.Collate, c.Ctype, c.ServerVersion = "", "", 0
	c.Schemas = slices.DeleteFunc(slices.Clone(c.Schemas), func(s catalog.Schema) bool { return s.Name == "public" })
	c.Domains = slices.DeleteFunc(slices.Clone(c.Domains), func(d catalog.Domain) bool { return spoken[objectOf("domain", d.Name)] })
	c.Composites = slices.DeleteFunc(slices.Clone(c.Composites), func(d catalog.Composite) bool { return spoken[objectOf("type", d.Name)] })
	c.Routines = slices.DeleteFunc(slices.Clone(c.Routines), func(r catalog.Routine) bool { return spoken[routineObject(&r)] })
	c.Sequences = slices.Clone(c.Sequences)
	for i := range c.Sequences {
		s := &c.Sequences[i]
		s.LastValue, s.IsCalled = 0, false // set after the data
	}
	c.Sequences = slices.DeleteFunc(c.Sequences, func(s catalog.Sequence) bool { return spoken[sequenceObject(s.Name)] })
	c.Constraints = slices.DeleteFunc(slices.Clone(c.Constraints), func(k catalog.Constraint) bool {
		return !whole[k.Table] || spoken[constraintObject(&k)] || k.Kind == catalog.Check && spoken[tableObject(k.Table)]
	})
	c.Views = slices.DeleteFunc(slices.Clone(c.Views), func(v catalog.View) bool { return spoken[objectOf(v.Kind(), v.Name)] })
	for i := range c.Views {
		v := &c.Views[i]
		whole[v.Name] = v.Materialized
		v.HeapBytes, v.ToastBytes, v.RowsGuess = 0, 0, 0
	}
	c.Indexes = slices.Clone(c.Indexes)
	for i := range c.Indexes {
		x := &c.Indexes[i]
		x.Bytes = 0
		x.Uses = slices.DeleteFunc(slices.Clone(x.Uses), func(u catalog.Ref) bool { return u.Kind == "collation" }) // the columns' are spoken of
	}
	c.Indexes = slices.DeleteFunc(c.Indexes, func(x catalog.Index) bool { return !whole[x.Table] || spoken[indexObject(&x)] })
	c.Comments = slices.DeleteFunc(slices.Clone(c.Comments), func(m catalog.Comment) bool { return spoken[commentObject(m)] })
	comparableRights(&c, spoken)
	c.Ranges = slices.DeleteFunc(slices.Clone(c.Ranges), func(r catalog.RangeType) bool { return spoken[objectOf("range type", r.Name)] })
	c.Statistics = slices.DeleteFunc(slices.Clone(c.Statistics), func(s catalog.Statistics) bool { return spoken[objectOf("statistics", s.Name)] })
	c.Collations = slices.DeleteFunc(slices.Clone(c.Collations), func(l catalog.Collation) bool { return spoken[objectOf("collation", l.Name)] })
	for i := range c.Collations {
		c.Collations[i].Encoding = "" // one made FROM "C" is of any
	}
	c.Others = slices.DeleteFunc(slices.Clone(c.Others), func(o catalog.Other) bool { return spoken[otherObject(o)] })
	c.Tables = nil
	for _, t := range db.Tables {
		if !whole[t.Name] || spoken[tableObject(t.Name)] {
			continue // its columns are compared with what the plan expects
		}
		t.HeapBytes, t.ToastBytes, t.RowsGuess = 0, 0, 0
		t.Columns = slices.Clone(t.Columns)
		for i := range t.Columns {
			t.Columns[i].Num = int16(i + 1)
		}
		t.Columns = slices.DeleteFunc(t.Columns, func(col catalog.Column) bool { return spoken[columnObject(t.Name, col.Name)] })
		c.Tables = append(c.Tables, t)
	}
	return &c
}

// comparableRights takes out of a model the triggers, rules, policies and rights
// that a finding speaks of, and what tells of the test's own role.
func comparableRights(c *catalog.Database, spoken map[finding.Object]bool) {
	c.Triggers = slices.DeleteFunc(slices.Clone(c.Triggers), func(t catalog.Trigger) bool { return spoken[triggerObject(&t)] })
	c.EventTriggers = slices.DeleteFunc(slices.Clone(c.EventTriggers), func(t catalog.EventTrigger) bool {
		return spoken[finding.Object{Kind: "event trigger", Name: t.Name}]
	})
	c.Rules = slices.DeleteFunc(slices.Clone(c.Rules), func(r catalog.Rule) bool { return spoken[hangingObject("rule", r.Table, r.Name)] })
	c.Policies = slices.DeleteFunc(slices.Clone(c.Policies), func(x catalog.Policy) bool { return spoken[policyObject(&x)] })
	c.Roles = slices.DeleteFunc(slices.Clone(c.Roles), func(r catalog.Role) bool { return spoken[roleObject(r.Name)] })
	c.Owners = slices.DeleteFunc(slices.Clone(c.Owners), func(w catalog.Owner) bool { return spoken[rightObject("owner of", w.Object)] })
	c.Grants = slices.DeleteFunc(slices.Clone(c.Grants), func(g catalog.Grant) bool { return spoken[rightObject("privileges on", g.Object)] })
	c.DefaultPrivileges = slices.DeleteFunc(slices.Clone(c.DefaultPrivileges), func(d catalog.DefaultPrivilege) bool { return spoken[defaultPrivilegeObject(&d)] })
	c.Settings = slices.DeleteFunc(slices.Clone(c.Settings), func(s catalog.Setting) bool { return spoken[settingObject(&s)] })
}
