package provider

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// M3: each provider is known by what it alone has.
func TestM3Detect(t *testing.T) {
	t.Parallel()
	plain := Signs{
		Roles: []string{"postgres", "app"}, Schemas: []string{"public", "pg_catalog"}, Extensions: []string{"plpgsql"},
		Databases: []string{"postgres", "app"}, Database: "app",
	}
	with := func(f func(*Signs)) Signs {
		s := plain
		f(&s)
		return s
	}
	for _, c := range []struct {
		name string
		want Name
		s    Signs
	}{
		{"plain", "", plain},
		{"Aurora has what RDS has", Aurora, with(func(s *Signs) {
			s.Functions, s.Settings, s.Roles = []string{"aurora_version"}, []string{"rds.extensions"}, []string{"rdsadmin"}
		})},
		{"RDS by a setting", RDS, with(func(s *Signs) { s.Settings = []string{"rds.extensions"} })},
		{"RDS by a role", RDS, with(func(s *Signs) { s.Roles = []string{"rds_superuser"} })},
		{"a host of RDS's alone says little", "", with(func(s *Signs) { s.Host = "x.eu-west-1.rds.amazonaws.com" })},
		{"Heroku by both schemas", Heroku, with(func(s *Signs) { s.Schemas = []string{"heroku_ext", "_heroku"} })},
		{"one schema of Heroku's in a restored dump", "", with(func(s *Signs) { s.Schemas = []string{"heroku_ext"} })},
		{"Neon", Neon, with(func(s *Signs) { s.Settings = []string{"neon.timeline_id"} })},
		{"Neon's host and schema", Neon, with(func(s *Signs) { s.Host, s.Schemas = "EP-x.eu.aws.NEON.tech", []string{"neon_auth"} })},
		{"Supabase", Supabase, with(func(s *Signs) { s.Roles = []string{"anon", "supabase_admin"} })},
		{"PostgREST's roles are not Supabase's", "", with(func(s *Signs) { s.Roles = []string{"anon", "authenticated", "authenticator"} })},
		{"Azure", Azure, with(func(s *Signs) { s.Databases = []string{"azure_sys"} })},
		{"Cloud SQL", CloudSQL, with(func(s *Signs) { s.Roles = []string{"cloudsqlsuperuser"} })},
		{"DigitalOcean", DigitalOcean, with(func(s *Signs) { s.Roles = []string{"doadmin"} })},
		{"a database named defaultdb", "", with(func(s *Signs) { s.Database = "defaultdb" })},
		{"Railway", Railway, with(func(s *Signs) { s.Host, s.Database = "autorack.proxy.rlwy.net", "railway" })},
		{"a database named railway", "", with(func(s *Signs) { s.Database = "railway" })},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := Detect(c.s)
			require.Equal(t, c.want, f.Name, f)
			require.Equal(t, c.want != "", len(f.Evidence) > 0)
		})
	}
}

// M3: what is the provider's own, and what is the user's beside it.
func TestM3Own(t *testing.T) {
	t.Parallel()
	for _, role := range []string{"anon", "service_role", "supabase_admin", "supabase_storage_admin"} {
		require.True(t, IsRole(Supabase, role), role)
		require.False(t, IsRole(RDS, role), role)
		require.False(t, IsRole("", role), role)
	}
	require.False(t, IsRole(Supabase, "postgres"), "the user acts as it")
	require.False(t, IsRole(Supabase, "supabased"))
	require.True(t, IsRole(RDS, "rds_replication"))
	require.True(t, IsRole(Azure, "azure_pg_admin"))
	require.True(t, IsSchema(Supabase, "auth"))
	require.False(t, IsSchema(Neon, "auth"))
	require.True(t, IsExtension(RDS, "apg_plan_mgmt"))
	require.True(t, IsPublication(Supabase, "supabase_realtime", "postgres"))
	require.True(t, IsEventTrigger(Supabase, "any", "supabase_admin"))
	require.False(t, IsEventTrigger(Supabase, "mine", "postgres"))
	require.True(t, IsEventTrigger(Heroku, "validate_extension", "u1"))
	require.True(t, IsDatabase(CloudSQL, "cloudsqladmin"))
}

// Every provider says how it is reached; all but Railway have signs that decide
// alone.
func TestTable(t *testing.T) {
	t.Parallel()
	require.Len(t, All(), 9)
	for _, n := range All() {
		p, ok := Of(n)
		require.True(t, ok)
		require.NotEmpty(t, p.Direct, n)
		require.NotEmpty(t, p.Revoke, n)
		require.NotEmpty(t, p.Switch, n)
		for _, r := range p.acts {
			require.True(t, matchOne(p.Roles, r), "%s acts as %s, which is its own", n, r)
		}
	}
	settings, functions := Marks()
	require.Contains(t, settings, "rds.extensions")
	require.Contains(t, functions, "aurora_version")
}
