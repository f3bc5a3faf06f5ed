package verify

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/db9sim"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

const hung = `
	CREATE TABLE t (id integer PRIMARY KEY, owner text);
	CREATE TABLE log (id integer PRIMARY KEY);
	CREATE VIEW v AS SELECT id FROM t;
	CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
	CREATE TRIGGER "Row one" BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();
	CREATE TRIGGER after_two AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();
	CREATE TRIGGER off BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f();
	ALTER TABLE t DISABLE TRIGGER off;
	CREATE TRIGGER instead INSTEAD OF INSERT ON v FOR EACH ROW EXECUTE FUNCTION f();
	CREATE RULE ru AS ON DELETE TO log DO INSTEAD NOTHING;
	ALTER TABLE log ENABLE ALWAYS RULE ru;
	ALTER TABLE t ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
	CREATE POLICY po ON t USING (owner = current_user);`

// hungOn is a plan of what hangs on tables, made on a target.
func hungOn(t *testing.T, profile ddlgen.Profile) (*ddlgen.Plan, *pgtest.DB) {
	t.Helper()
	server := pgtest.Server(t)
	source, target := server.Database(t), server.Database(t)
	source.Exec(t, hung)
	asker := source.Conn(t)
	var plan *ddlgen.Plan
	require.NoError(t, pgx.BeginTxFunc(t.Context(), asker, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		db, err := catalog.Load(t.Context(), tx, catalog.LoadOptions{})
		require.NoError(t, err)
		db.Routines = nil // the function is made by hand: what it needs is not what is tried here
		for i := range db.Triggers {
			db.Triggers[i].Uses = nil
		}
		plan, err = ddlgen.Generate(db, profile, ddlgen.Options{})
		return err
	}))
	target.Exec(t, "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'")
	for _, s := range plan.Statements {
		target.Exec(t, s.SQL)
	}
	return plan, target
}

// T16: triggers, rules and policies that were planned are there, and in their
// state; each that is not is a difference of its table or view.
func TestHangingIsReadBack(t *testing.T) {
	t.Parallel()
	plan, target := hungOn(t, ddlgen.Postgres())
	look := func() *Report {
		report, err := Run(t.Context(), Params{
			Target: endpoint(t, dial.Target, target), Plan: plan, Profile: ddlgen.Postgres(), Copied: accountOfNothing(plan), SkipData: true,
		})
		require.NoError(t, err)
		return report
	}
	report := look()
	for _, x := range report.Tables {
		require.Equal(t, Match, x.Shape.Verdict, "%s: %s", x.Target, x.Detail)
		require.Empty(t, x.Shape.Assumed)
	}
	for _, c := range []struct{ damage, repair, where, detail string }{
		{`DROP TRIGGER "Row one" ON t`, `CREATE TRIGGER "Row one" BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()`, "t", "trigger Row one: expected trigger, found none"},
		{"ALTER TABLE t ENABLE TRIGGER off", "ALTER TABLE t DISABLE TRIGGER off", "t", "trigger off: expected disabled, found enabled"},
		{"ALTER TABLE t DISABLE TRIGGER after_two", "ALTER TABLE t ENABLE TRIGGER after_two", "t", "trigger after_two: expected enabled, found disabled"},
		{"ALTER TABLE log ENABLE RULE ru", "ALTER TABLE log ENABLE ALWAYS RULE ru", "log", "rule ru: expected always enabled, found enabled"},
		{"ALTER TABLE t NO FORCE ROW LEVEL SECURITY", "ALTER TABLE t FORCE ROW LEVEL SECURITY", "t", "row security t: expected forced, found enabled"},
		{"ALTER TABLE t DISABLE ROW LEVEL SECURITY", "ALTER TABLE t ENABLE ROW LEVEL SECURITY", "t", "row security t: expected row security, found none"},
		{"ALTER POLICY po ON t RENAME TO other", "ALTER POLICY other ON t RENAME TO po", "t", "policy po: expected policy, found none"},
	} {
		target.Exec(t, c.damage)
		x := table(t, look(), c.where)
		require.Equal(t, Mismatch, x.Shape.Verdict, c.damage)
		require.Contains(t, x.Detail, c.detail)
		target.Exec(t, c.repair)
		require.Equal(t, Match, table(t, look(), c.where).Shape.Verdict, c.repair)
	}
	require.Equal(t, Match, report.Views[0].Verdict, report.Views[0].Detail)
	target.Exec(t, "DROP TRIGGER instead ON v")
	report = look()
	require.Equal(t, Mismatch, report.Views[0].Verdict)
	require.Contains(t, report.Views[0].Detail, "trigger instead: expected trigger, found none")
	require.False(t, report.Good())
}

// What was not executed is not looked for.
func TestHangingThatFailedIsNotMissed(t *testing.T) {
	t.Parallel()
	plan, target := hungOn(t, ddlgen.Postgres())
	target.Exec(t, "DROP TRIGGER after_two ON t")
	missing := map[string]bool{}
	for _, s := range plan.Statements {
		missing[s.ID] = s.Object.Name == "after_two"
	}
	report, err := Run(t.Context(), Params{
		Target: endpoint(t, dial.Target, target), Plan: plan, Profile: ddlgen.Postgres(), Copied: accountOfNothing(plan), SkipData: true, Missing: missing,
	})
	require.NoError(t, err)
	require.Equal(t, Match, table(t, report, "t").Shape.Verdict)
}

// Through the stand-in, whose catalogs are poorer: triggers are looked for, and
// assumed where it has no catalog of them.
func TestHangingThroughStandIn(t *testing.T) {
	t.Parallel()
	plan, target := hungOn(t, ddlgen.DB9())
	sim, err := db9sim.Start(t.Context(), db9sim.Config{Backend: target.URL, Rules: db9sim.Strict()})
	require.NoError(t, err)
	t.Cleanup(sim.Close)
	e, err := dial.Parse(dial.Target, sim.URL())
	require.NoError(t, err)
	look := func(ctx context.Context) *Report {
		report, err := Run(ctx, Params{Target: e, Plan: plan, Profile: ddlgen.DB9(), Copied: accountOfNothing(plan), SkipData: true})
		require.NoError(t, err)
		return report
	}
	x := table(t, look(t.Context()), "t")
	require.Equal(t, Match, x.Shape.Verdict, x.Detail)
	require.NotContains(t, x.Shape.Assumed, "trigger after_two")
	target.Exec(t, "DROP TRIGGER after_two ON t")
	x = table(t, look(t.Context()), "t")
	require.Equal(t, Mismatch, x.Shape.Verdict)
	require.Contains(t, x.Detail, "trigger after_two: expected trigger, found none")
}
