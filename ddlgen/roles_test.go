package ddlgen

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
)

// M3: a provider's own roles and event triggers are named, and neither created
// nor granted anything, unless the target has them.
func TestProvidersRolesAreLeft(t *testing.T) {
	t.Parallel()
	table := catalog.ObjectRef{Kind: "table", Schema: "public", Name: "t"}
	db := &catalog.Database{
		ServerVersion: 150000,
		Schemas:       []catalog.Schema{{Name: "public"}},
		Tables:        []catalog.Table{{Name: catalog.Name{Schema: "public", Name: "t"}, Kind: catalog.TableOrdinary, RowSecurity: true}},
		EventTriggers: []catalog.EventTrigger{{Name: "pgrst_ddl_watch", Event: "ddl_command_end", Function: catalog.Name{Schema: "pg_catalog", Name: "f()"}, Enabled: "origin"}},
		Policies: []catalog.Policy{{
			Table: catalog.Name{Schema: "public", Name: "t"}, Name: "own", Command: "all", Permissive: true, Roles: []string{"anon", "authenticated"}, Using: "true",
		}},
		Roles: []catalog.Role{{Name: "anon", ConnLimit: -1}, {Name: "app", Login: true, Inherit: true, ConnLimit: -1, MemberOf: []string{"anon"}}, {Name: "root", Superuser: true, ConnLimit: -1}},
		Grants: []catalog.Grant{
			{Object: table, Grantee: "anon", Grantor: "root", Privileges: []string{"SELECT"}},
			{Object: table, Grantee: "app", Grantor: "root", Privileges: []string{"INSERT", "SELECT"}},
		},
		Owners: []catalog.Owner{{Object: table, Role: "root"}},
	}
	opts := Options{
		Roles: true, Privileges: true, Owners: true, TargetRoles: []string{"postgres"},
		ProviderRoles: []string{"anon", "authenticated"}, ProviderEventTriggers: []string{"pgrst_ddl_watch"},
	}
	plan, err := Generate(db, Postgres(), opts)
	require.NoError(t, err)
	requireSound(t, db, plan)
	require.Equal(t, []string{
		`CREATE ROLE "app" LOGIN`,
		`ALTER TABLE "public"."t" ENABLE ROW LEVEL SECURITY`,
		`GRANT INSERT, SELECT ON TABLE "public"."t" TO "app"`,
	}, phaseOf(plan, PhaseRights))
	require.Equal(t, []string{
		"left event-trigger.left event trigger pgrst_ddl_watch: it is the source's provider's own, and never carried",
		"left owner.left owners to role root: the role is not on the target (1: owner of table public.t)",
		"left policy.left policy public.t.own: roles anon and authenticated are not on the target: rows that it shows stay hidden",
		"left privilege.left privileges of role anon: the role is not on the target (1: privileges on table public.t)",
		"left role.left role root: it is a superuser at the source: who may do everything on the target is not decided here",
		"left role.left roles of the provider: they are the source's provider's own, and never carried (1: role anon)",
		"info role.password role app: it is created without a password",
		"info table.no-key table public.t: no primary key, and no unique key whose columns are NOT NULL",
	}, findingLines(plan))

	opts.TargetRoles = []string{"anon", "authenticated", "app", "root"}
	plan, err = Generate(db, Postgres(), opts)
	require.NoError(t, err)
	requireSound(t, db, plan)
	require.Equal(t, []string{
		`ALTER TABLE "public"."t" ENABLE ROW LEVEL SECURITY`,
		`CREATE POLICY "own" ON "public"."t" FOR ALL TO "anon", "authenticated" USING (true)`,
		`ALTER TABLE "public"."t" OWNER TO "root"`,
		`GRANT SELECT ON TABLE "public"."t" TO "anon"`,
		`GRANT INSERT, SELECT ON TABLE "public"."t" TO "app"`,
	}, phaseOf(plan, PhaseRights))

	// A role that is there, and one that is not: the policy is for the one.
	opts.TargetRoles = []string{"authenticated"}
	plan, err = Generate(db, Postgres(), opts)
	require.NoError(t, err)
	requireSound(t, db, plan)
	require.Contains(t, phaseOf(plan, PhaseRights), `CREATE POLICY "own" ON "public"."t" FOR ALL TO "authenticated" USING (true)`)
	require.Contains(t, findingLines(plan), "change policy.changed policy public.t.own: role anon is not on the target, and left out of it")
}

func phaseOf(plan *Plan, phase Phase) []string {
	var out []string
	for _, s := range plan.Statements {
		if s.Phase == phase {
			out = append(out, s.SQL)
		}
	}
	return out
}

func findingLines(plan *Plan) []string {
	var out []string
	for _, f := range plan.Findings {
		out = append(out, f.Severity.String()+" "+string(f.Code)+" "+f.Object.String()+": "+f.Message)
	}
	return out
}

// M4: what points into a schema that is not selected is told, and crashes
// nothing: foreign keys, policies that ask its functions, defaults, triggers.
func TestWhatPointsIntoAnExcludedSchema(t *testing.T) {
	t.Parallel()
	source := serverOf(t, goldenMajor).Database(t)
	source.Exec(t, `
		CREATE SCHEMA auth;
		CREATE TABLE auth.users (id integer PRIMARY KEY);
		CREATE FUNCTION auth.uid() RETURNS integer STABLE LANGUAGE sql AS 'SELECT 1';
		CREATE FUNCTION auth.stamp() RETURNS integer STABLE LANGUAGE sql AS 'SELECT 1';
		CREATE FUNCTION auth.noticed() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
		CREATE TABLE public.notes (id integer PRIMARY KEY, owner integer REFERENCES auth.users, at integer DEFAULT auth.stamp());
		ALTER TABLE public.notes ENABLE ROW LEVEL SECURITY;
		CREATE POLICY own ON public.notes USING (owner = auth.uid());
		CREATE POLICY known ON public.notes AS RESTRICTIVE USING (EXISTS (SELECT FROM auth.users u WHERE u.id = notes.owner));
		CREATE TRIGGER noticed AFTER INSERT ON public.notes FOR EACH ROW EXECUTE FUNCTION auth.noticed()`)
	db := load(t, source.Conn(t))
	part, findings, err := db.Select(catalog.Filter{ExcludeSchemas: []string{"auth"}})
	require.NoError(t, err)
	require.Contains(t, lines(findings), "left filter.foreign-key constraint public.notes.notes_owner_fkey: the foreign key refers to auth.users, which is not selected")
	for _, profile := range []Profile{Postgres(), DB9()} {
		plan, err := Generate(part, profile, Options{Policies: true})
		require.NoError(t, err)
		requireSound(t, part, plan)
		for _, s := range plan.Statements {
			require.NotRegexp(t, "auth.*(users|uid|noticed)", s.SQL, s.ID) // what a default calls comes along
		}
		got := findingLines(plan)
		require.Contains(t, got, "left trigger.left trigger public.notes.noticed: routine auth.noticed() is left behind")
		if profile.Map {
			continue
		}
		require.Contains(t, got, "left policy.left policy public.notes.own: routine auth.uid() is left behind: rows that it shows stay hidden")
		require.Contains(t, got, "left policy.left policy public.notes.known: table auth.users is left behind: rows that it hides are shown")
		apply(t, source.Cluster().Database(t).Conn(t), plan)
	}
}

func lines(fs []finding.Finding) []string { return findingLines(&Plan{Findings: fs}) }

// T29: roles, memberships, owners, grants and default privileges arrive; what
// the target has of them stays as it is.
func TestRolesAndRightsLive(t *testing.T) {
	t.Parallel()
	server := serverOf(t, goldenMajor)
	source, target := server.Database(t), server.Database(t)
	names := []string{"owner", "reader", "above", "member"}
	at := func(db string) func(string) string {
		return func(sql string) string { return strings.ReplaceAll(sql, "@", db+"_") }
	}
	old := at(source.Name)
	for _, n := range names {
		source.Exec(t, "CREATE ROLE "+old("@"+n)+" NOINHERIT CONNECTION LIMIT 7")
		t.Cleanup(func() { source.Exec(t, "DROP OWNED BY "+old("@"+n)+" CASCADE; DROP ROLE "+old("@"+n)) })
	}
	source.Exec(t, old(`
		ALTER ROLE @member LOGIN CREATEDB;
		GRANT @reader TO @member; GRANT @above TO @reader; GRANT pg_monitor TO @member;
		CREATE SCHEMA app AUTHORIZATION @owner;
		CREATE TABLE app.t (id serial PRIMARY KEY, c text);
		ALTER TABLE app.t OWNER TO @owner;
		CREATE VIEW app.v AS SELECT 1 AS one;
		ALTER VIEW app.v OWNER TO @owner;
		GRANT USAGE ON SCHEMA app TO @reader;
		GRANT SELECT, INSERT ON app.t TO @reader WITH GRANT OPTION;
		GRANT UPDATE (c) ON app.t TO @reader;
		GRANT SELECT ON app.v TO @reader;
		REVOKE TRUNCATE ON app.t FROM @owner;
		ALTER DEFAULT PRIVILEGES FOR ROLE @owner IN SCHEMA app GRANT SELECT ON TABLES TO @reader;
		ALTER TABLE app.t ENABLE ROW LEVEL SECURITY;
		CREATE POLICY mine ON app.t TO @reader USING (id > 1)`))
	db := load(t, source.Conn(t))

	// The cluster has the roles already: under other names they are new.
	renamed := renameRoles(t, db, source.Name+"_", target.Name+"_")
	plan, err := Generate(renamed, Postgres(), Options{Roles: true, Owners: true, Privileges: true, TargetRoles: []string{"pg_monitor"}})
	require.NoError(t, err)
	requireSound(t, renamed, plan)
	conn := target.Conn(t)
	fresh := at(target.Name)
	t.Cleanup(func() {
		for _, n := range names {
			target.Exec(t, "DROP OWNED BY "+fresh("@"+n)+" CASCADE; DROP ROLE "+fresh("@"+n))
		}
	})
	apply(t, conn, plan)
	back := load(t, conn)
	require.Equal(t, renamed.Roles, back.Roles)
	require.Equal(t, renamed.Owners, back.Owners)
	require.Equal(t, renamed.Grants, back.Grants)
	require.Equal(t, renamed.DefaultPrivileges, back.DefaultPrivileges)
	require.Equal(t, renamed.Policies, back.Policies)

	// Again, with all of it there: no role is made twice.
	var has []string
	for _, n := range names {
		has = append(has, fresh("@"+n))
	}
	again, err := Generate(back, Postgres(), Options{Roles: true, Owners: true, Privileges: true, TargetRoles: append(has, "pg_monitor")})
	require.NoError(t, err)
	for _, s := range again.Statements {
		if s.Phase == PhaseRights && !strings.HasPrefix(s.ID, "policies/") {
			_, err := conn.Exec(t.Context(), s.SQL)
			require.NoError(t, err, s.SQL)
		}
	}
	require.Equal(t, back.Grants, load(t, conn).Grants)

	// Undo takes each of them back.
	for i := len(plan.Statements) - 1; i >= 0; i-- {
		if s := plan.Statements[i]; s.Phase == PhaseRights && s.Undo != "" && !strings.HasPrefix(s.ID, "roles/") {
			_, err := conn.Exec(t.Context(), s.Undo)
			require.NoError(t, err, s.Undo)
		}
	}
	undone := load(t, conn)
	require.Empty(t, undone.Policies)
	require.Empty(t, undone.DefaultPrivileges)
	require.Empty(t, undone.Grants)
}

// renameRoles gives a model's roles another prefix.
func renameRoles(t *testing.T, db *catalog.Database, from, to string) *catalog.Database {
	t.Helper()
	var out catalog.Database
	text := strings.ReplaceAll(modelText(t, db), `"`+from, `"`+to)
	require.NoError(t, json.Unmarshal([]byte(text), &out))
	return &out
}
