package ddlgen

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
)

// withoutFunctions takes away what triggers need of routines: they are made by
// hand where the triggers alone are tried.
func withoutFunctions(db *catalog.Database) *catalog.Database {
	c := *db
	c.Routines = nil
	c.Triggers, c.EventTriggers = slices.Clone(db.Triggers), slices.Clone(db.EventTriggers)
	for i := range c.Triggers {
		c.Triggers[i].Uses = nil
	}
	return &c
}

const triggersOfEachKind = `
	CREATE TABLE t (id integer PRIMARY KEY, a integer, "B c" text, code char(3));
	CREATE TRIGGER a_row BEFORE INSERT OR DELETE OR UPDATE OF "B c", a ON t FOR EACH ROW WHEN (pg_trigger_depth() < 2) EXECUTE FUNCTION f('x', 'it''s', 'EXECUTE FUNCTION g(');
	CREATE TRIGGER "WHEN" BEFORE UPDATE ON t FOR EACH ROW WHEN (OLD.a > 1 AND (NEW.code = 'a) ' OR CASE WHEN NEW.a IS NULL THEN false ELSE true END)) EXECUTE FUNCTION f();
	CREATE TRIGGER c_truncate AFTER TRUNCATE ON t EXECUTE FUNCTION f();
	CREATE TRIGGER d_transition AFTER UPDATE ON t REFERENCING OLD TABLE AS was NEW TABLE AS "Is" FOR EACH STATEMENT EXECUTE FUNCTION f();
	CREATE TABLE "from" (id integer PRIMARY KEY);
	CREATE CONSTRAINT TRIGGER e_constraint AFTER INSERT OR DELETE ON t FROM "from" DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (true) EXECUTE FUNCTION f();
	CREATE CONSTRAINT TRIGGER f_not_deferrable AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();
	CREATE CONSTRAINT TRIGGER f_immediate AFTER INSERT ON t DEFERRABLE FOR EACH ROW EXECUTE FUNCTION f();
	CREATE TRIGGER execute AFTER DELETE ON t FOR EACH ROW EXECUTE FUNCTION f();
	CREATE TRIGGER h_always AFTER DELETE ON t FOR EACH ROW EXECUTE FUNCTION f();
	CREATE TRIGGER i_replica AFTER DELETE ON t FOR EACH ROW EXECUTE FUNCTION f();
	ALTER TABLE t DISABLE TRIGGER execute, ENABLE ALWAYS TRIGGER h_always, ENABLE REPLICA TRIGGER i_replica;
	CREATE TABLE p (id integer) PARTITION BY LIST (id);
	CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1) PARTITION BY LIST (id);
	CREATE TABLE p1a PARTITION OF p1 FOR VALUES IN (1);
	CREATE TRIGGER rooted AFTER INSERT ON p FOR EACH ROW EXECUTE FUNCTION f();
	CREATE TRIGGER leafy AFTER INSERT ON p1a FOR EACH ROW EXECUTE FUNCTION f();
	ALTER TABLE p1a DISABLE TRIGGER rooted;
	CREATE VIEW v AS SELECT id FROM t;
	CREATE TRIGGER instead INSTEAD OF INSERT ON v FOR EACH ROW EXECUTE FUNCTION f()`

const functionsOfTriggers = `
	CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
	CREATE FUNCTION watched() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';`

// Each kind of trigger arrives as it is, in its state; Undo takes it away.
func TestTriggersLive(t *testing.T) {
	t.Parallel()
	server := serverOf(t, goldenMajor)
	source, target := server.Database(t), server.Database(t)
	source.Exec(t, functionsOfTriggers+triggersOfEachKind)
	db := withoutFunctions(load(t, source.Conn(t)))
	require.Len(t, db.Triggers, 13)
	plan, err := Generate(db, Postgres(), Options{})
	require.NoError(t, err)
	requireSound(t, db, plan)
	require.Empty(t, findingLines(plan)[1:], "but for the tables without a key")

	target.Exec(t, functionsOfTriggers)
	conn := target.Conn(t)
	apply(t, conn, plan)
	require.Equal(t, db.Triggers, withoutFunctions(load(t, conn)).Triggers)

	for _, s := range slices.Backward(plan.Statements) {
		if s.Phase == PhaseTriggers && s.Undo != "" {
			_, err := conn.Exec(t.Context(), s.Undo)
			require.NoError(t, err, s.Undo)
		}
	}
	require.Empty(t, load(t, conn).Triggers)
}

// What DB9 does not take of triggers is left, each with its reason; what it
// takes of the conditions is in its own types.
func TestTriggersOfDB9(t *testing.T) {
	t.Parallel()
	source := serverOf(t, goldenMajor).Database(t)
	source.Exec(t, functionsOfTriggers+triggersOfEachKind+`;
		CREATE TABLE w (at inet, n smallint, code char(2), ok integer);
		CREATE TRIGGER of_inet BEFORE UPDATE OF at ON w FOR EACH ROW WHEN (NEW.at << '10.0.0.0/8') EXECUTE FUNCTION f();
		CREATE TRIGGER of_inet_null BEFORE UPDATE OF at ON w FOR EACH ROW WHEN (NEW.at IS NULL) EXECUTE FUNCTION f();
		CREATE TRIGGER of_code BEFORE INSERT ON w FOR EACH ROW WHEN (NEW.code = 'a' AND NEW.n > 3::smallint) EXECUTE FUNCTION f();
		CREATE TRIGGER of_words BEFORE INSERT ON w FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
		CREATE TRIGGER of_each AFTER INSERT ON w FOR EACH STATEMENT EXECUTE FUNCTION f()`)
	db := withoutFunctions(load(t, source.Conn(t)))
	plan, err := Generate(db, DB9(), Options{})
	require.NoError(t, err)
	requireSound(t, db, plan)
	require.Equal(t, []string{
		`CREATE TRIGGER "rooted" AFTER INSERT ON "public"."p" FOR EACH ROW EXECUTE FUNCTION public.f()`,
		`CREATE TRIGGER "a_row" BEFORE INSERT OR DELETE OR UPDATE OF "B c", "a" ON "public"."t" FOR EACH ROW WHEN ((pg_trigger_depth() < 2)) ` +
			`EXECUTE FUNCTION public.f('x', 'it''s', 'EXECUTE FUNCTION g(')`,
		`CREATE TRIGGER "h_always" AFTER DELETE ON "public"."t" FOR EACH ROW EXECUTE FUNCTION public.f()`,
		`CREATE TRIGGER "of_code" BEFORE INSERT ON "public"."w" FOR EACH ROW WHEN (((new.code = 'a'::text) AND (new.n > (3)::integer))) EXECUTE FUNCTION public.f()`,
		`CREATE TRIGGER "of_inet_null" BEFORE UPDATE OF "at" ON "public"."w" FOR EACH ROW WHEN ((new.at IS NULL)) EXECUTE FUNCTION public.f()`,
	}, without(phaseOf(plan, PhaseTriggers), `"WHEN"`))
	got := findingLines(plan)
	for _, want := range []string{
		"left trigger.left trigger public.p1a.leafy: public.p1a is part of public.p on the target",
		"left trigger.left trigger public.t.c_truncate: the target has no triggers on TRUNCATE",
		"left trigger.left trigger public.t.d_transition: the target has no transition tables",
		"left trigger.left trigger public.t.e_constraint: the target has no constraint triggers",
		"left trigger.left trigger public.t.execute: it is disabled at the source, and the target cannot switch triggers off: there it would fire",
		"left trigger.left trigger public.t.i_replica: it is enabled for replicas alone at the source, and the target cannot switch triggers off: there it would fire",
		"left trigger.left trigger public.v.instead: the target is not known to have INSTEAD OF triggers",
		"left trigger.left trigger public.w.of_each: whether the target fires triggers for each statement is not proved: it may take one that never fires",
		"left trigger.left trigger public.w.of_inet: its condition needs a cast to inet, which the target lacks",
		"left trigger.left trigger public.w.of_words: the target does not have PostgreSQL's own trigger function suppress_redundant_updates_trigger()",
		"change trigger.changed trigger public.p.rooted: on partition public.p1a it is disabled at the source, and acts on all rows on the target",
		"change trigger.changed trigger public.t.h_always: ENABLE ALWAYS is not kept: the target knows no other way",
		"change trigger.late trigger public.p.rooted: the transaction that fires it may not see what it does",
	} {
		require.Contains(t, got, want)
	}

	// Where the target was seen to fire them (probe 20).
	seen := DB9()
	seen.StatementLevel, seen.AfterTriggers = true, true
	plan, err = Generate(db, seen, Options{})
	require.NoError(t, err)
	require.Contains(t, phaseOf(plan, PhaseTriggers), `CREATE TRIGGER "of_each" AFTER INSERT ON "public"."w" FOR EACH STATEMENT EXECUTE FUNCTION public.f()`)
	for _, f := range plan.Findings {
		require.NotEqual(t, triggerLate, f.Code)
	}
}

// without leaves out the statements with a word.
func without(statements []string, word string) []string {
	return slices.DeleteFunc(slices.Clone(statements), func(s string) bool { return len(s) > 20 && s[15:15+len(word)] == word })
}

// Event triggers come after everything, ANALYZE and comments too, for they would
// act on it; DB9 has none.
func TestEventTriggersComeLast(t *testing.T) {
	t.Parallel()
	server := serverOf(t, goldenMajor)
	source, target := server.Database(t), server.Database(t)
	source.Exec(t, functionsOfTriggers+`
		CREATE TABLE t (id integer PRIMARY KEY);
		COMMENT ON TABLE t IS 'a table';
		CREATE EVENT TRIGGER "Watch it" ON ddl_command_end WHEN TAG IN ('CREATE TABLE', 'COMMENT') EXECUTE FUNCTION watched();
		CREATE EVENT TRIGGER off ON sql_drop EXECUTE FUNCTION watched();
		ALTER EVENT TRIGGER off DISABLE;
		COMMENT ON EVENT TRIGGER off IS 'an event trigger'`)
	db := load(t, source.Conn(t))
	db.Routines = nil
	for i := range db.EventTriggers {
		db.EventTriggers[i].Function = catalog.Name{Schema: "pg_catalog", Name: db.EventTriggers[i].Function.Name}
	}
	plan, err := Generate(db, Postgres(), Options{})
	require.NoError(t, err)
	requireSound(t, db, plan)
	last := phaseOf(plan, PhaseEventTriggers)
	require.Equal(t, []string{
		`CREATE EVENT TRIGGER "Watch it" ON ddl_command_end WHEN TAG IN ('COMMENT', 'CREATE TABLE') EXECUTE FUNCTION "pg_catalog"."watched"()`,
		`CREATE EVENT TRIGGER "off" ON sql_drop EXECUTE FUNCTION "pg_catalog"."watched"()`,
		`ALTER EVENT TRIGGER "off" DISABLE`,
		`COMMENT ON EVENT TRIGGER "off" IS 'an event trigger'`,
	}, last)
	require.Equal(t, PhaseEventTriggers, plan.Statements[len(plan.Statements)-1].Phase)
	target.Exec(t, functionsOfTriggers)
	conn := target.Conn(t)
	for i := range plan.Statements {
		if s := &plan.Statements[i]; s.Phase == PhaseEventTriggers {
			require.True(t, s.Optional, s.SQL)
			s.SQL = strings.ReplaceAll(s.SQL, `"pg_catalog"."watched"`, "public.watched")
		}
	}
	apply(t, conn, plan)
	back := load(t, conn)
	require.Equal(t, []string{"origin", "disabled"}, []string{back.EventTriggers[0].Enabled, back.EventTriggers[1].Enabled})
	require.Equal(t, []string{"COMMENT", "CREATE TABLE"}, back.EventTriggers[0].Tags)

	plan, err = Generate(db, DB9(), Options{})
	require.NoError(t, err)
	require.Contains(t, findingLines(plan), "left event-trigger.left event trigger off: the target has no event triggers")
	require.Empty(t, phaseOf(plan, PhaseEventTriggers))
}
