package catalog

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// A trigger of every shape, on every major alike; those that a partitioned table
// gives its partitions are told only where they are enabled in another way.
func TestTriggers(t *testing.T) {
	t.Parallel()
	eachMajor(t, func(t *testing.T, db *pgtest.DB) {
		db.Exec(t, triggersSQL)
		f := in("f()")
		uses := []Ref{{Kind: "routine", Name: f}}
		got := load(t, db)
		same(t, []Trigger{
			{
				Table: in("p"), Name: "rooted", Def: "CREATE TRIGGER rooted AFTER INSERT ON app.p FOR EACH ROW EXECUTE FUNCTION app.f()",
				Timing: "after", Events: []string{"insert"}, Row: true, Function: f, Enabled: "origin",
				Apart: []TriggerState{{in("p1a"), "disabled"}}, Uses: uses,
			},
			{
				Table: in("p2"), Name: "leafy", Def: "CREATE TRIGGER leafy AFTER INSERT ON app.p2 FOR EACH ROW EXECUTE FUNCTION app.f()",
				Timing: "after", Events: []string{"insert"}, Row: true, Function: f, Enabled: "origin", Uses: uses,
			},
			{
				Table: in("t"), Name: "a_row",
				Def:    `CREATE TRIGGER a_row BEFORE INSERT OR UPDATE OF "B c", a ON app.t FOR EACH ROW WHEN ((new.a > 1)) EXECUTE FUNCTION app.f('x', 'it''s')`,
				Timing: "before", Events: []string{"insert", "update"}, Row: true, Columns: []string{"B c", "a"}, When: true, Function: f, Enabled: "origin", Uses: uses,
			},
			{
				Table: in("t"), Name: "b_statement", Def: "CREATE TRIGGER b_statement AFTER TRUNCATE ON app.t FOR EACH STATEMENT EXECUTE FUNCTION app.f()",
				Timing: "after", Events: []string{"truncate"}, Function: f, Enabled: "origin", Uses: uses,
			},
			{
				Table: in("t"), Name: "c_transition",
				Def:    `CREATE TRIGGER c_transition AFTER UPDATE ON app.t REFERENCING OLD TABLE AS was NEW TABLE AS "Is" FOR EACH STATEMENT EXECUTE FUNCTION app.f()`,
				Timing: "after", Events: []string{"update"}, Function: f, OldTable: "was", NewTable: "Is", Enabled: "origin", Uses: uses,
			},
			{
				Table: in("t"), Name: "d_constraint",
				Def:    "CREATE CONSTRAINT TRIGGER d_constraint AFTER INSERT OR DELETE ON app.t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION app.f()",
				Timing: "after", Events: []string{"insert", "delete"}, Row: true, Function: f, Constraint: true, Deferrable: true, Deferred: true, Enabled: "origin", Uses: uses,
			},
			{
				Table: in("t"), Name: "e_off", Def: "CREATE TRIGGER e_off AFTER DELETE ON app.t FOR EACH ROW EXECUTE FUNCTION app.f()",
				Timing: "after", Events: []string{"delete"}, Row: true, Function: f, Enabled: "disabled", Uses: uses,
			},
			{
				Table: in("t"), Name: "f_always", Def: "CREATE TRIGGER f_always AFTER DELETE ON app.t FOR EACH ROW EXECUTE FUNCTION app.f()",
				Timing: "after", Events: []string{"delete"}, Row: true, Function: f, Enabled: "always", Uses: uses,
			},
			{
				Table: in("t"), Name: "g_replica", Def: "CREATE TRIGGER g_replica AFTER DELETE ON app.t FOR EACH ROW EXECUTE FUNCTION app.f()",
				Timing: "after", Events: []string{"delete"}, Row: true, Function: f, Enabled: "replica", Uses: uses,
			},
			{
				Table: in("v"), Name: "instead", Def: "CREATE TRIGGER instead INSTEAD OF INSERT ON app.v FOR EACH ROW EXECUTE FUNCTION app.f()",
				Timing: "instead of", Events: []string{"insert"}, Row: true, Function: f, Enabled: "origin", Uses: uses,
			},
		}, got.Triggers)
		same(t, []EventTrigger{
			{Name: "watch", Event: "ddl_command_end", Tags: []string{"CREATE TABLE", "DROP TABLE"}, Function: in("watched()"), Enabled: "always"},
		}, got.EventTriggers)
	})
}

const triggersSQL = `
	CREATE SCHEMA app;
	CREATE FUNCTION app.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
	CREATE FUNCTION app.watched() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
	CREATE TABLE app.t (id integer, a integer, "B c" text);
	CREATE VIEW app.v AS SELECT id FROM app.t;
	CREATE TRIGGER a_row BEFORE INSERT OR UPDATE OF "B c", a ON app.t FOR EACH ROW WHEN (NEW.a > 1) EXECUTE FUNCTION app.f('x', 'it''s');
	CREATE TRIGGER b_statement AFTER TRUNCATE ON app.t EXECUTE FUNCTION app.f();
	CREATE TRIGGER c_transition AFTER UPDATE ON app.t REFERENCING OLD TABLE AS was NEW TABLE AS "Is" FOR EACH STATEMENT EXECUTE FUNCTION app.f();
	CREATE CONSTRAINT TRIGGER d_constraint AFTER INSERT OR DELETE ON app.t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION app.f();
	CREATE TRIGGER e_off AFTER DELETE ON app.t FOR EACH ROW EXECUTE FUNCTION app.f();
	CREATE TRIGGER f_always AFTER DELETE ON app.t FOR EACH ROW EXECUTE FUNCTION app.f();
	CREATE TRIGGER g_replica AFTER DELETE ON app.t FOR EACH ROW EXECUTE FUNCTION app.f();
	ALTER TABLE app.t DISABLE TRIGGER e_off, ENABLE ALWAYS TRIGGER f_always, ENABLE REPLICA TRIGGER g_replica;
	CREATE TRIGGER instead INSTEAD OF INSERT ON app.v FOR EACH ROW EXECUTE FUNCTION app.f();
	CREATE TABLE app.p (id integer) PARTITION BY LIST (id);
	CREATE TABLE app.p1 PARTITION OF app.p FOR VALUES IN (1) PARTITION BY LIST (id);
	CREATE TABLE app.p1a PARTITION OF app.p1 FOR VALUES IN (1);
	CREATE TABLE app.p2 PARTITION OF app.p FOR VALUES IN (2);
	CREATE TRIGGER rooted AFTER INSERT ON app.p FOR EACH ROW EXECUTE FUNCTION app.f();
	CREATE TRIGGER leafy AFTER INSERT ON app.p2 FOR EACH ROW EXECUTE FUNCTION app.f();
	ALTER TABLE app.p1a DISABLE TRIGGER rooted;
	CREATE EVENT TRIGGER watch ON ddl_command_end WHEN TAG IN ('DROP TABLE', 'CREATE TABLE') EXECUTE FUNCTION app.watched();
	ALTER EVENT TRIGGER watch ENABLE ALWAYS`

// Rules and policies, on every major alike.
func TestRulesAndPolicies(t *testing.T) {
	t.Parallel()
	eachMajor(t, func(t *testing.T, db *pgtest.DB) {
		db.Exec(t, `
			CREATE SCHEMA app;
			CREATE FUNCTION app.me() RETURNS text STABLE LANGUAGE sql AS 'SELECT current_user::text';
			CREATE TABLE app.t (id integer, owner text);
			CREATE TABLE app.log (id integer);
			CREATE VIEW app.v AS SELECT id FROM app.t;
			CREATE RULE logged AS ON INSERT TO app.t WHERE new.id > 1 DO ALSO INSERT INTO app.log VALUES (new.id);
			CREATE RULE kept AS ON DELETE TO app.t DO INSTEAD NOTHING;
			ALTER TABLE app.t DISABLE RULE kept;
			CREATE RULE through AS ON UPDATE TO app.v DO INSTEAD UPDATE app.t SET id = new.id WHERE id = old.id;
			ALTER TABLE app.t ENABLE ROW LEVEL SECURITY;
			CREATE POLICY mine ON app.t USING (owner = app.me());
			CREATE POLICY "No others" ON app.t AS RESTRICTIVE FOR UPDATE TO pg_monitor, pg_read_all_stats USING (id > 0) WITH CHECK (id < 9);
			CREATE POLICY new ON app.t FOR INSERT TO CURRENT_USER WITH CHECK (EXISTS (SELECT FROM app.log l WHERE l.id = t.id));
			CREATE POLICY nothing ON app.t FOR SELECT`)
		me := db.QueryString(t, "SELECT current_user")
		got := load(t, db)
		of := func(table, column string) Ref { return Ref{Kind: "table", Name: in(table), Column: column} }
		same(t, []Rule{
			{Table: in("t"), Name: "kept", Def: "CREATE RULE kept AS\n    ON DELETE TO app.t DO INSTEAD NOTHING", Event: "delete", Instead: true, Enabled: "disabled"},
			{
				Table: in("t"), Name: "logged", Event: "insert", Enabled: "origin",
				Def:  "CREATE RULE logged AS\n    ON INSERT TO app.t\n   WHERE (new.id > 1) DO  INSERT INTO app.log (id)\n  VALUES (new.id)",
				Uses: []Ref{of("log", "id")},
			},
			{
				Table: in("v"), Name: "through", Event: "update", Instead: true, Enabled: "origin",
				Def:  "CREATE RULE through AS\n    ON UPDATE TO app.v DO INSTEAD  UPDATE app.t SET id = new.id\n  WHERE (t.id = old.id)",
				Uses: []Ref{of("t", "id")},
			},
		}, got.Rules)
		same(t, []Policy{
			{Table: in("t"), Name: "No others", Command: "update", Roles: []string{"pg_monitor", "pg_read_all_stats"}, Using: "(id > 0)", Check: "(id < 9)"},
			{
				Table: in("t"), Name: "mine", Command: "all", Permissive: true, Roles: []string{""}, Using: "(owner = app.me())",
				Uses: []Ref{{Kind: "routine", Name: in("me()")}},
			},
			{
				Table: in("t"), Name: "new", Command: "insert", Permissive: true, Roles: []string{me},
				Check: "(EXISTS ( SELECT\n   FROM app.log l\n  WHERE (l.id = t.id)))", Uses: []Ref{of("log", "id")},
			},
			{Table: in("t"), Name: "nothing", Command: "select", Permissive: true, Roles: []string{""}},
		}, got.Policies)
		require.NotEmpty(t, got.Roles, "the one that a policy names")
	})
}
