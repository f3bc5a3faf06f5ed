package catalog

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// roles makes roles of a test's own, until it ends: "@x" in its SQL is one. Roles
// belong to the whole cluster, so that each has the database's name in its own.
func roles(t *testing.T, db *pgtest.DB, names ...string) (sql func(string) string, plain func(string) string) {
	t.Helper()
	for _, n := range names {
		name := db.Name + "_" + n
		db.Exec(t, "CREATE ROLE "+name)
		t.Cleanup(func() { db.Exec(t, "DROP OWNED BY "+name+" CASCADE; DROP ROLE "+name) })
	}
	return func(s string) string { return strings.ReplaceAll(s, "@", db.Name+"_") },
		func(s string) string { return strings.TrimPrefix(s, db.Name+"_") }
}

// T29: owners, grants, what is taken from the default, default privileges,
// settings, and the roles that all of these name, on every major alike.
func TestRights(t *testing.T) {
	t.Parallel()
	eachMajor(t, func(t *testing.T, db *pgtest.DB) {
		sql, plain := roles(t, db, "owner", "reader", "group", "member", "above", "stranger")
		db.Exec(t, sql(`
			ALTER ROLE @member LOGIN CONNECTION LIMIT 3;
			GRANT @group TO @member;
			GRANT @above TO @group;
			GRANT pg_monitor TO @member;
			CREATE SCHEMA app AUTHORIZATION @owner;
			CREATE TYPE app.mood AS ENUM ('a');
			CREATE TYPE app.pair AS (a integer);
			CREATE TABLE app.t (id serial, "Odd c" text);
			CREATE VIEW app.v AS SELECT 1 AS one;
			CREATE SEQUENCE app.s;
			CREATE FUNCTION app.f(integer, text) RETURNS integer LANGUAGE sql AS 'SELECT 1';
			CREATE PROCEDURE app.p() LANGUAGE sql AS 'SELECT 1';
			ALTER TABLE app.t OWNER TO @owner;
			ALTER FUNCTION app.f OWNER TO @owner;
			GRANT USAGE ON SCHEMA app TO @group;
			GRANT SELECT, INSERT ON app.t TO @group;
			GRANT DELETE ON app.t TO @reader WITH GRANT OPTION;
			GRANT UPDATE ("Odd c") ON app.t TO @reader;
			REVOKE TRUNCATE ON app.t FROM @owner;
			GRANT SELECT ON app.v TO PUBLIC;
			REVOKE ALL ON FUNCTION app.f FROM PUBLIC;
			GRANT EXECUTE ON FUNCTION app.f TO @reader;
			REVOKE USAGE ON TYPE app.mood FROM PUBLIC;
			GRANT ALL ON SEQUENCE app.s TO @reader;
			GRANT CREATE ON SCHEMA public TO @reader;
			GRANT EXECUTE ON FUNCTION pg_catalog.pg_ls_logdir() TO @reader;
			ALTER DEFAULT PRIVILEGES FOR ROLE @owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
			ALTER DEFAULT PRIVILEGES FOR ROLE @owner IN SCHEMA app GRANT SELECT, INSERT ON TABLES TO @reader WITH GRANT OPTION;
			ALTER ROLE @reader SET statement_timeout = '5s';
			ALTER ROLE @stranger SET statement_timeout = '6s'`))
		db.Exec(t, "ALTER DATABASE "+db.Name+" SET search_path = app, public; ALTER DATABASE "+db.Name+" SET app.jwt_secret = 'do not read'")
		me := db.QueryString(t, "SELECT current_user")
		got := load(t, db)

		owners := map[string]string{}
		for _, o := range got.Owners {
			owners[o.Object.String()] = plain(o.Role)
		}
		same(t, map[string]string{
			"database " + db.Name: me, "schema app": "owner", "type app.mood": me, "type app.pair": me, "table app.t": "owner", "view app.v": me,
			"sequence app.s": me, "sequence app.t_id_seq": "owner", "function app.f(integer,text)": "owner", "procedure app.p()": me,
		}, owners)

		for i := range got.Grants {
			g := &got.Grants[i]
			g.Grantee, g.Grantor = plain(g.Grantee), plain(g.Grantor)
		}
		object := func(kind, schema, name string) ObjectRef { return ObjectRef{Kind: kind, Schema: schema, Name: name} }
		f := object("function", "app", "f(integer,text)")
		table := object("table", "app", "t")
		public := slices.IndexFunc(got.Grants, func(g Grant) bool { return g.Object == object("schema", "", "public") })
		require.GreaterOrEqual(t, public, 0)
		got.Grants[public].Grantor = "the owner" // who that is differs from 15 on
		same(t, []Grant{
			{Object: ObjectRef{Kind: "column", Schema: "app", Parent: "t", Name: "Odd c"}, Grantee: "reader", Grantor: "owner", Privileges: []string{"UPDATE"}},
			{Object: f, Grantor: "owner", Privileges: []string{"EXECUTE"}, Revoked: true},
			{Object: f, Grantee: "reader", Grantor: "owner", Privileges: []string{"EXECUTE"}},
			{Object: object("function", "pg_catalog", "pg_ls_logdir()"), Grantee: "reader", Grantor: me, Privileges: []string{"EXECUTE"}},
			{Object: object("schema", "", "app"), Grantee: "group", Grantor: "owner", Privileges: []string{"USAGE"}},
			{Object: object("schema", "", "public"), Grantee: "reader", Grantor: "the owner", Privileges: []string{"CREATE"}},
			{Object: object("sequence", "app", "s"), Grantee: "reader", Grantor: me, Privileges: []string{"SELECT", "UPDATE", "USAGE"}},
			{Object: table, Grantee: "owner", Grantor: "owner", Privileges: []string{"TRUNCATE"}, Revoked: true},
			{Object: table, Grantee: "group", Grantor: "owner", Privileges: []string{"INSERT", "SELECT"}},
			{Object: table, Grantee: "reader", Grantor: "owner", Privileges: []string{"DELETE"}, Grantable: true},
			{Object: object("type", "app", "mood"), Grantor: me, Privileges: []string{"USAGE"}, Revoked: true},
			{Object: object("view", "app", "v"), Grantor: me, Privileges: []string{"SELECT"}},
		}, got.Grants)

		for i := range got.DefaultPrivileges {
			d := &got.DefaultPrivileges[i]
			d.Role, d.Grantee = plain(d.Role), plain(d.Grantee)
		}
		same(t, []DefaultPrivilege{
			{Role: "owner", Objects: "FUNCTIONS", Privileges: []string{"EXECUTE"}, Revoked: true},
			{Role: "owner", Schema: "app", Objects: "TABLES", Grantee: "reader", Privileges: []string{"INSERT", "SELECT"}, Grantable: true},
		}, got.DefaultPrivileges)

		for i := range got.Settings {
			got.Settings[i].Role = plain(got.Settings[i].Role)
		}
		same(t, []Setting{
			{Database: true, Name: "app.jwt_secret", Unread: true},
			{Database: true, Name: "search_path", Value: "app, public"},
			{Role: "reader", Name: "statement_timeout", Value: "5s"},
		}, got.Settings)

		named := map[string][]string{}
		for _, o := range got.Roles {
			if o.Name == me {
				continue
			}
			for i := range o.MemberOf {
				o.MemberOf[i] = plain(o.MemberOf[i])
			}
			named[plain(o.Name)] = o.MemberOf
			if plain(o.Name) == "member" {
				require.True(t, o.Login)
				require.Equal(t, 3, o.ConnLimit)
			}
		}
		slices.Sort(named["member"])
		same(t, map[string][]string{"owner": nil, "reader": nil, "group": {"above"}, "member": {"group", "pg_monitor"}, "above": nil}, named)
	})
}

// M1: a role that may do nothing reads all rights, without pg_authid.
func TestEverybodyReadsTheRights(t *testing.T) {
	t.Parallel()
	eachMajor(t, func(t *testing.T, db *pgtest.DB) {
		everything(t, db)
		reader := role(t, db)
		conn := db.Conn(t)
		_, err := conn.Exec(t.Context(), "SET SESSION AUTHORIZATION "+reader)
		require.NoError(t, err)
		_, err = conn.Exec(t.Context(), "SELECT FROM pg_catalog.pg_authid")
		require.ErrorContains(t, err, "permission denied")
		got, want := loadAs(t, db, reader), load(t, db)
		require.NotEmpty(t, got.Grants)
		for _, list := range [][2]any{
			{want.Owners, got.Owners},
			{want.Grants, got.Grants},
			{want.DefaultPrivileges, got.DefaultPrivileges},
			{want.Settings, got.Settings},
			{want.Roles, got.Roles},
			{want.Policies, got.Policies},
			{want.Triggers, got.Triggers},
			{want.Rules, got.Rules},
			{want.EventTriggers, got.EventTriggers},
		} {
			same(t, list[0], list[1])
		}
	})
}

// No statement of the reader names what holds a secret.
func TestNoSecretIsAskedFor(t *testing.T) {
	t.Parallel()
	files, err := queryFiles.ReadDir("queries")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, f := range files {
		var code strings.Builder
		for line := range strings.Lines(query(strings.TrimSuffix(f.Name(), ".sql"))) {
			before, _, _ := strings.Cut(line, "--")
			code.WriteString(before + "\n")
		}
		for _, word := range []string{"pg_authid", "rolpassword", "subconninfo", "pg_shadow", "umoptions"} {
			require.NotContains(t, code.String(), word, f.Name())
		}
	}
}

// A label is the user's however it came to be; no provider is there to make one.
func TestSecurityLabels(t *testing.T) {
	t.Parallel()
	eachMajor(t, func(t *testing.T, db *pgtest.DB) {
		db.Exec(t, `
			CREATE SCHEMA app; CREATE TABLE app.t (id integer); CREATE FUNCTION app.f() RETURNS integer LANGUAGE sql AS 'SELECT 1';
			SET allow_system_table_mods = on;
			INSERT INTO pg_seclabel VALUES ('app.t'::regclass, 'pg_class'::regclass, 0, 'guard', 'of the table'),
				('app.t'::regclass, 'pg_class'::regclass, 1, 'guard', 'of the column'), ('app.f'::regproc, 'pg_proc'::regclass, 0, 'guard', 'it''s of a function')`)
		same(t, []SecurityLabel{
			{Object: ObjectRef{Kind: "column", Schema: "app", Parent: "t", Name: "id"}, Provider: "guard", Label: "of the column"},
			{Object: ObjectRef{Kind: "function", Schema: "app", Name: "f()"}, Provider: "guard", Label: "it's of a function"},
			{Object: ObjectRef{Kind: "table", Schema: "app", Name: "t"}, Provider: "guard", Label: "of the table"},
		}, load(t, db).SecurityLabels)
	})
}
