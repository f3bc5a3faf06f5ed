package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/internal/config"
	"github.com/pg2db9/pg2db9/internal/pgtest"
	"github.com/pg2db9/pg2db9/internal/preflight/sourcefacts"
	"github.com/pg2db9/pg2db9/internal/ui/report"
)

func readReport(t *testing.T, path string) report.Report {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	var r report.Report
	require.NoError(t, json.Unmarshal(data, &r))
	return r
}

// M3 and M4: of a source at Supabase the service's schemas are left out and
// named, and a foreign key into one of them is left with a finding, without a
// crash; --include-schema takes it in.
func TestM3ProviderSchemasStayBehind(t *testing.T) {
	t.Parallel()
	server := pgtest.New(t, pgtest.ClusterOptions{}) // roles are the cluster's
	source := server.Database(t)
	source.Exec(t, `CREATE ROLE supabase_admin; CREATE SCHEMA auth; CREATE SCHEMA storage;
		CREATE TABLE auth.users (id int PRIMARY KEY); INSERT INTO auth.users VALUES (1);
		CREATE TABLE public.orders (id int PRIMARY KEY, who int REFERENCES auth.users); INSERT INTO public.orders VALUES (7, 1);`)
	target := server.Database(t)
	path := filepath.Join(t.TempDir(), "r.json")
	r := run(t, "clone", "--source", source.URL, "--target", target.URL, "--report", path)
	require.Equal(t, OK, r.code, r.err)
	rep := readReport(t, path)
	require.Len(t, rep.Tables, 1)
	require.Equal(t, "public.orders", rep.Tables[0].Target)
	var left []string
	for _, f := range rep.Findings {
		if f.Code == "source.provider-schema" || f.Code == "filter.foreign-key" {
			left = append(left, string(f.Code)+" "+f.Object.String())
		}
	}
	require.Equal(t, []string{
		"filter.foreign-key constraint public.orders.orders_who_fkey",
		"source.provider-schema schema auth", "source.provider-schema schema storage",
	}, left)
	require.Equal(t, "0", target.QueryString(t, "SELECT count(*) FROM pg_namespace WHERE nspname IN ('auth', 'storage')"))

	r = run(t, "clone", "--source", source.URL, "--target", target.URL, "--on-existing", "drop", "--include-schema", "auth", "--include-schema", "public", "--report", path)
	require.Equal(t, OK, r.code, r.err)
	require.Len(t, readReport(t, path).Tables, 2)
	require.Equal(t, "1", target.QueryString(t, "SELECT count(*) FROM auth.users"))
}

// M2: clone refuses a transaction pooler before anything is written, and no
// --accept helps.
func TestM2CloneRefusesAPooler(t *testing.T) {
	t.Parallel()
	b := setup(t, shop)
	url := pgtest.NewPooler(t, b.source, 3, true)
	r := run(t, "clone", "--source", url, "--target", withPassword(b.target.URL))
	require.Equal(t, Blocked, r.code, r.err)
	require.Contains(t, r.last(), "nothing was written: server source: a transaction pooler stands before the source")
	require.Contains(t, r.last(), "not to the pooler")
	b.untouched(t)
	r = run(t, "clone", "--source", url, "--target", withPassword(b.target.URL), "--accept", "source.pooler")
	require.Equal(t, Usage, r.code, r.err)
}

// C22: the block of transaction identifiers that are nearly used up is one that
// --accept takes away, of all databases or of one.
func TestC22Accepted(t *testing.T) {
	t.Parallel()
	f := finding.Finding{Code: sourcefacts.SourceWraparound, Severity: finding.Block, Object: finding.Object{Kind: "database", Name: "d"}}
	for accept, want := range map[string]bool{"source.wraparound": true, "source.wraparound:d": true, "source.wraparound:e": false, "source.version": false} {
		o := &options{Config: &config.Config{Accept: []string{accept}}}
		require.Equal(t, want, o.accepted(f), accept)
		j := &job{opts: o, findings: []finding.Finding{f}}
		require.Equal(t, want, j.refuseBlocked() == nil, accept)
	}
}

// M10: what is free on both sides decides how many jobs there are, before a
// server says 53300: 20 connections on the source, few for the target's role.
func TestM10JobsByFreeConnections(t *testing.T) {
	t.Parallel()
	server := pgtest.New(t, pgtest.ClusterOptions{Settings: map[string]string{"max_connections": "20", "superuser_reserved_connections": "3", "max_wal_senders": "2"}})
	source, target := server.Database(t), server.Database(t)
	source.Exec(t, "CREATE TABLE a AS SELECT generate_series(1, 1000) id; CREATE TABLE b AS TABLE a; CREATE TABLE c AS TABLE a")
	role := func(name string, limit int) string {
		source.Exec(t, fmt.Sprintf("CREATE ROLE %s LOGIN CONNECTION LIMIT %d; ALTER DATABASE %s OWNER TO %s", name, limit, target.Name, name))
		target.Exec(t, "ALTER SCHEMA public OWNER TO "+name)
		return strings.Replace(target.URL, "postgres@", name+"@", 1)
	}
	path := filepath.Join(t.TempDir(), "r.json")

	r := run(t, "clone", "--source", source.URL, "--target", role("two", 2), "--jobs", "16")
	require.Equal(t, Blocked, r.code, r.err)
	require.Contains(t, r.last(), "the target has 1 connections free")
	require.NotContains(t, r.err+r.out, "53300")

	r = run(t, "clone", "--source", source.URL, "--target", role("four", 4), "--jobs", "16", "--report", path)
	require.Equal(t, OK, r.code, r.err)
	require.NotContains(t, r.err+r.out, "53300")
	var few []string
	for _, f := range readReport(t, path).Findings {
		if f.Code == "connections.few" {
			few = append(few, f.Message)
		}
	}
	require.Len(t, few, 2, "both sides: 16 jobs are more than either has room for")
	require.Contains(t, strings.Join(few, "\n"), "1 jobs are used")
}

// M1: a role that may not read everything is told so with one script, before
// anything is written; the script is complete.
func TestM1ScriptBeforeTheRun(t *testing.T) {
	t.Parallel()
	server := pgtest.New(t, pgtest.ClusterOptions{})
	source, target := server.Database(t), server.Database(t)
	source.Exec(t, `CREATE SCHEMA shop; CREATE TABLE shop.orders (id serial PRIMARY KEY, v text); INSERT INTO shop.orders (v) VALUES ('x');
		CREATE TABLE public.notes (a int); CREATE SCHEMA closed; CREATE TABLE closed.t (a int); CREATE ROLE reader LOGIN`)
	url := strings.Replace(source.URL, "postgres@", "reader@", 1)
	path := filepath.Join(t.TempDir(), "r.json")
	args := []string{"clone", "--source", url, "--target", target.URL, "--exclude-schema", "closed", "--report", path}
	r := run(t, args...)
	require.Equal(t, Blocked, r.code, r.err)
	script := ""
	for _, f := range readReport(t, path).Findings {
		if f.Code == "source.grants" {
			script = strings.TrimPrefix(f.Remedy, "on the source: ")
		}
	}
	require.Contains(t, script, `GRANT USAGE ON SCHEMA "shop" TO "reader";`)
	require.NotContains(t, script, "closed", "what is excluded needs no right")
	source.Exec(t, script)
	r = run(t, args...)
	require.Equal(t, OK, r.code, r.err)
}

// What clone's report ends with: only a verified run says that the application
// may switch; the connection string has no secret; a stand-in is no DB9.
func TestEnding(t *testing.T) {
	t.Parallel()
	b := setup(t, shop)
	path := filepath.Join(t.TempDir(), "r.json")
	target := withPassword(b.target.URL)
	r := run(t, "clone", "--source", b.source.URL, "--target", target, "--skip-verify", "--report", path)
	require.Equal(t, OK, r.code, r.err)
	e := readReport(t, path).Ending
	require.False(t, e.Ready)
	require.Contains(t, e.Headline, "Do not switch yet")
	require.Contains(t, e.Before[0].Text, "pg2db9 verify --source")

	r = run(t, "clone", "--source", b.source.URL, "--target", target, "--on-existing", "drop", "--report", path)
	require.Equal(t, OK, r.code, r.err)
	e = readReport(t, path).Ending
	require.True(t, e.Ready, e.Headline)
	require.Contains(t, e.Connection, ":***@")
	require.NotEmpty(t, e.Close)
	require.NotEmpty(t, e.WayBack)
	require.Contains(t, r.out, "\nAfter the run\n  The target is verified: the application may switch to it.")

	b.source.Exec(t, "ALTER TABLE orders ADD COLUMN more int")
	r = run(t, "clone", "--source", b.source.URL, "--target", target, "--report", path)
	require.Equal(t, Blocked, r.code)
	require.Nil(t, readReport(t, path).Ending, "nothing was written: there is nothing to go on with")

	sim, _ := standIn(t)
	r = run(t, "clone", "--source", withPassword(b.source.URL), "--target", sim.URL(), "--probe", "never", "--report", path)
	require.Equal(t, OK, r.code, r.err)
	e = readReport(t, path).Ending
	require.False(t, e.Ready)
	require.Contains(t, e.Headline, "stands in for a DB9")
}
