package sourcefacts

import (
	"context"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
	"github.com/pg2db9/pg2db9/internal/pgtest"
	"github.com/pg2db9/pg2db9/internal/provider"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func codes(fs []finding.Finding) []string {
	out := []string{}
	for _, f := range fs {
		out = append(out, fmt.Sprintf("%s %s %s", f.Severity, f.Code, f.Object))
	}
	return out
}

func of(fs []finding.Finding, code finding.Code) []finding.Finding {
	var out []finding.Finding
	for _, f := range fs {
		if f.Code == code {
			out = append(out, f)
		}
	}
	return out
}

func survey(t *testing.T, url string) *Facts {
	t.Helper()
	e, err := dial.Parse(dial.Source, url)
	require.NoError(t, err)
	conn, err := e.Connect(t.Context(), dial.Asker())
	require.NoError(t, err)
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	f, err := Survey(t.Context(), e, conn)
	require.NoError(t, err)
	return f
}

// withRole makes a role that may log in and owns nothing, and the URL by which
// it connects.
func withRole(t *testing.T, db *pgtest.DB, options string) (role, url string) {
	t.Helper()
	role = "role_" + db.Name
	db.Exec(t, "CREATE ROLE "+quote.Ident(role)+" LOGIN "+options)
	t.Cleanup(func() { db.Exec(t, "DROP OWNED BY "+quote.Ident(role)+"; DROP ROLE "+quote.Ident(role)) })
	return role, strings.Replace(db.URL, "postgres@", role+"@", 1)
}

// One text for each query, from 13 to 18, and all that a superuser is told.
func TestFactsOnEveryMajor(t *testing.T) {
	t.Parallel()
	for major := 13; major <= 18; major++ {
		t.Run(strconv.Itoa(major), func(t *testing.T) {
			t.Parallel()
			server := pgtest.Major(t, major)
			db := server.Database(t)
			db.Exec(t, "CREATE TABLE a (id int); CREATE SEQUENCE s")
			f := survey(t, db.URL)
			require.Equal(t, major, f.VersionNum/10000)
			require.Equal(t, db.Name, f.Database)
			require.Equal(t, "UTF8", f.Encoding)
			require.Positive(t, f.Bytes)
			require.NotEmpty(t, f.SystemID)
			require.True(t, f.Role.Superuser)
			require.Empty(t, f.Unknown)
			require.Empty(t, f.Provider.Name)
			require.Nil(t, f.Standby)
			require.Positive(t, f.Connections.Free)
			require.Positive(t, f.Wraparound.FreezeMaxAge)
			require.Empty(t, f.Rights.Missing)
			require.Empty(t, f.Rights.Script)
			require.EqualValues(t, 1, f.Locks.Tables)
			require.Equal(t, Pooler{Asked: true, Snapshot: true, Evidence: []string{}}, f.Pooler)
			require.WithinDuration(t, time.Now(), f.Clock.Server, time.Minute)
			require.Less(t, f.Clock.SkewSeconds, 60.0, "U11: a number, and no finding")
			require.Zero(t, finding.Count(f.Findings(nil), finding.Block))
		})
	}
}

func TestQueryFilesHaveComments(t *testing.T) {
	t.Parallel()
	files, err := fs.Glob(queries, "queries/*.sql")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, f := range files {
		b, err := queries.ReadFile(f)
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(string(b), "-- "), "%s has no header", f)
		require.Contains(t, string(b), "Versions: 13 to 18", f)
	}
}

// Every code is documented, by a reason and a remedy.
func TestRules(t *testing.T) {
	t.Parallel()
	rules := Rules()
	require.Len(t, rules, 15)
	for _, r := range rules {
		require.NotEmpty(t, r.Reason, r.Code)
		require.NotEmpty(t, r.Remedy, r.Code)
		require.NotEqual(t, finding.Unset, r.Severity)
		require.Equal(t, r.Code == SourceWraparound, Acceptable(r.Code))
	}
}

// M1: the script that preflight prints is complete and runs as it stands: after
// it nothing is missing. The role has rights on columns alone, a schema that is
// closed, and tables that policies hide.
func TestM1GrantScript(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	role, url := withRole(t, db, "")
	db.Exec(t, `
		CREATE SCHEMA "Closed one"; CREATE SCHEMA open;
		CREATE TABLE "Closed one"."a ""b""" (id serial); CREATE TABLE open.yes (a int); CREATE TABLE open.columns (a int, b int);
		CREATE TABLE open.no (a int); CREATE SEQUENCE open.seq; CREATE TABLE open.parted (a int) PARTITION BY LIST (a);
		CREATE TABLE open.leaf PARTITION OF open.parted DEFAULT;
		CREATE TABLE open.hidden (a int); ALTER TABLE open.hidden ENABLE ROW LEVEL SECURITY;
		GRANT USAGE ON SCHEMA open TO `+quote.Ident(role)+`; GRANT SELECT ON open.yes, open.hidden, open.parted TO `+quote.Ident(role)+`;
		GRANT SELECT (a) ON open.columns TO `+quote.Ident(role))
	f := survey(t, url)
	require.False(t, f.Role.Superuser)
	found := f.RightsFindings()
	finding.Sort(found)
	require.Equal(t, []string{
		`block source.privilege sequence Closed one.a "b"_id_seq`,
		"block source.privilege sequence open.seq",
		`block source.privilege table Closed one.a "b"`,
		"block source.privilege table open.columns",
		"block source.privilege table open.leaf",
		"block source.privilege table open.no",
		"block source.row-security table open.hidden", // T17
	}, codes(found))
	for _, x := range found {
		if x.Object.Name == "columns" {
			require.Contains(t, x.Message, "some of its columns alone")
		}
	}
	require.Contains(t, f.Rights.Script[0], "-- as postgres, or a superuser")
	require.Contains(t, of(f.GrantFindings(), SourceGrants)[0].Remedy, "GRANT USAGE ON SCHEMA")

	db.Exec(t, strings.Join(f.Rights.Script, "\n"))
	after := survey(t, url)
	require.Empty(t, after.Rights.Missing, "the script gives all that is missing")
	require.Empty(t, after.Rights.Script)
}

// M1: the script goes by what is chosen; and where a service has no superuser
// it asks for membership in the owner.
func TestM1ScriptOfAService(t *testing.T) {
	t.Parallel()
	missing := []Missing{
		{Kind: "table", Schema: "s", Name: "t", Owner: "shop", SchemaOwner: "shop", Usage: true, Select: true},
		{Kind: "table", Schema: "s", Name: "u", Owner: "other\nowner", SchemaOwner: "shop", Usage: true, Select: true},
		{Kind: "sequence", Schema: "s", Name: "q", Owner: "shop", SchemaOwner: "shop", Usage: true, Select: true},
		{Kind: "table", Schema: "s", Name: "r", Owner: "shop", SchemaOwner: "shop", RowSecurity: true},
	}
	require.Equal(t, []string{
		`-- as other owner, or a superuser:`,
		`GRANT SELECT ON TABLE "s"."u" TO "reader";`,
		`-- as shop, or a superuser:`,
		`GRANT USAGE ON SCHEMA "s" TO "reader";`,
		`GRANT SELECT ON TABLE "s"."t" TO "reader";`,
		`GRANT SELECT ON SEQUENCE "s"."q" TO "reader";`,
		`-- policies would hide rows; they do not bind who acts as the tables' owner:`,
		`GRANT "shop" TO "reader";`,
	}, GrantScript("reader", provider.RDS, missing))
	f := &Facts{Role: Role{Name: "reader"}, Rights: Rights{Missing: missing}}
	f.OnlyRights(func(m Missing) bool { return m.Name == "q" })
	require.Len(t, f.Rights.Script, 3)
	missing[3].Forced = true
	script := GrantScript("reader", provider.RDS, missing)
	require.Equal(t, `ALTER ROLE "reader" BYPASSRLS;`, script[len(script)-1])
}

// M2: a transaction pooler is found by what it does, in either order in which it
// gives its sessions out; the server itself and one session are not mistaken.
func TestM2TransactionPooler(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	for name, lifo := range map[string]bool{"the last session first": true, "the sessions in turn": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, err := dial.Parse(dial.Source, pgtest.NewPooler(t, db, 2, lifo))
			require.NoError(t, err)
			p, err := Between(t.Context(), func(ctx context.Context) (*pgx.Conn, error) { return e.Connect(ctx, dial.Asker()) })
			require.NoError(t, err)
			require.True(t, p.Transaction, p.Evidence)
			require.False(t, p.Balanced)
			p.Direct = Direct("", "db.example.com", 6432, "u")
			found := p.findings()
			require.Equal(t, []string{"block source.pooler server source"}, codes(found))
			require.Contains(t, found[0].Remedy, "not to the pooler")
		})
	}
}

// M2: PgBouncer itself, in both of its modes that matter, where it is installed.
func TestM2PgBouncer(t *testing.T) {
	t.Parallel()
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		t.Skip("no pgbouncer here")
	}
	db := pgtest.New(t, pgtest.ClusterOptions{TCP: true}).Database(t)
	cfg, err := pgx.ParseConfig(db.URL)
	require.NoError(t, err)
	for mode, transaction := range map[string]bool{"transaction": true, "session": false} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			e, err := dial.Parse(dial.Source, bouncer(t, program, mode, db.Name, cfg.Port))
			require.NoError(t, err)
			conn, err := e.Await(t.Context(), dial.Asker(), 20*time.Second, func(error, time.Duration) {})
			require.NoError(t, err)
			require.NoError(t, conn.Close(t.Context()))
			p, err := Between(t.Context(), func(ctx context.Context) (*pgx.Conn, error) { return e.Connect(ctx, dial.Asker()) })
			require.NoError(t, err)
			require.Equal(t, transaction, p.Transaction, p.Evidence)
			require.Equal(t, !transaction, p.Session, p.Evidence)
			require.False(t, p.Balanced)
		})
	}
}

// bouncer starts PgBouncer before a server, and returns the URL of a database by
// it.
func bouncer(t *testing.T, program, mode, database string, server uint16) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	port := l.Addr().(*net.TCPAddr).Port
	require.NoError(t, l.Close())
	dir := t.TempDir()
	users, config := filepath.Join(dir, "users"), filepath.Join(dir, "pgbouncer.ini")
	require.NoError(t, os.WriteFile(users, []byte("\"postgres\" \"\"\n"), 0o644))
	text := fmt.Sprintf("[databases]\n%s = host=127.0.0.1 port=%d user=postgres\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = %d\nunix_socket_dir =\n"+
		"auth_type = trust\nauth_file = %s\npool_mode = %s\ndefault_pool_size = 5\nserver_reset_query_always = 0\n", database, server, port, users, mode)
	require.NoError(t, os.WriteFile(config, []byte(text), 0o644))
	for d := dir; d != "/" && d != "/tmp"; d = filepath.Dir(d) {
		require.NoError(t, os.Chmod(d, 0o755)) // it does not run as root
	}
	args := []string{config}
	if os.Geteuid() == 0 {
		args = []string{"-u", "postgres", config}
	}
	cmd := exec.CommandContext(t.Context(), program, args...)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/%s?sslmode=disable", port, database)
}

// M2: a balancer over two servers is found by who answers; one server by itself
// is none, though it is reached through the same.
func TestM2Balancer(t *testing.T) {
	t.Parallel()
	a, b := pgtest.Server(t), pgtest.Major(t, 17)
	f := survey(t, newBalancer(t, a))
	require.False(t, f.Pooler.Balanced, f.Pooler.Evidence)
	require.True(t, f.Pooler.Snapshot)

	e, err := dial.Parse(dial.Source, newBalancer(t, a, b))
	require.NoError(t, err)
	p, err := Between(t.Context(), func(ctx context.Context) (*pgx.Conn, error) { return e.Connect(ctx, dial.Asker()) })
	require.NoError(t, err)
	require.True(t, p.Balanced, p.Evidence)
	require.False(t, p.Snapshot)
	require.Equal(t, []string{"block source.balanced server source"}, codes(p.findings()))
}

// M2: the direct form that a provider has, in the user's own host and port.
func TestM2DirectForms(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		at         provider.Name
		host       string
		port       uint16
		user, want string
	}{
		{provider.Neon, "ep-a-b-123-pooler.eu-central-1.aws.neon.tech", 5432, "u", "ep-a-b-123.eu-central-1.aws.neon.tech:5432"},
		{"", "ep-a-pooler.x.aws.neon.tech", 5432, "u", "ep-a.x.aws.neon.tech:5432"},
		{provider.Supabase, "aws-0-eu.pooler.supabase.com", 6543, "postgres.abcd", "aws-0-eu.pooler.supabase.com:5432, the session pooler, or to db.abcd.supabase.co:5432"},
		{provider.DigitalOcean, "x.db.ondigitalocean.com", 25061, "doadmin", "x.db.ondigitalocean.com:25060"},
		{provider.Azure, "x.postgres.database.azure.com", 6432, "u", "x.postgres.database.azure.com:5432"},
		{provider.RDS, "p.proxy-abc.eu-west-1.rds.amazonaws.com", 5432, "u", "not to RDS Proxy"},
		{provider.Aurora, "c.cluster-ro-abc.eu-west-1.rds.amazonaws.com", 5432, "u", "the cluster's writer endpoint"},
		{provider.Heroku, "ec2-1.compute.amazonaws.com", 5433, "u", "DATABASE_URL"},
		{"", "pool.example.com", 6432, "u", "not to the pooler or balancer"},
	} {
		require.Contains(t, Direct(c.at, c.host, c.port, c.user), c.want, c.host)
	}
	require.True(t, proxied("p.proxy-abc.eu-west-1.rds.amazonaws.com"))
	require.False(t, proxied("p.abc.eu-west-1.rds.amazonaws.com"))
}

// M3: a source with Supabase's roles and schemas is known as one, and what is
// Supabase's own is told from the user's.
func TestM3SupabaseLive(t *testing.T) {
	t.Parallel()
	server := pgtest.New(t, pgtest.ClusterOptions{}) // roles are the cluster's
	db := server.Database(t)
	db.Exec(t, `
		CREATE ROLE anon; CREATE ROLE supabase_admin; CREATE ROLE app;
		CREATE SCHEMA auth; CREATE SCHEMA storage; CREATE SCHEMA shop; CREATE TABLE auth.users (id int); CREATE TABLE shop.t (id int);
		CREATE PUBLICATION supabase_realtime; CREATE PUBLICATION mine;
		CREATE FUNCTION watch() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
		CREATE EVENT TRIGGER pgrst_ddl_watch ON ddl_command_end EXECUTE FUNCTION watch();
		CREATE EVENT TRIGGER mine ON ddl_command_end EXECUTE FUNCTION watch()`)
	f := survey(t, db.URL)
	require.Equal(t, provider.Supabase, f.Provider.Name)
	require.Equal(t, []Schema{{"auth", 1}, {"storage", 0}}, f.Provider.Schemas)
	require.Equal(t, []string{"anon", "supabase_admin"}, f.Provider.Roles)
	require.Equal(t, []string{"supabase_realtime"}, f.Provider.Publications)
	require.Equal(t, []string{"pgrst_ddl_watch"}, f.Provider.EventTriggers)
	require.True(t, f.IsProviderRole("supabase_admin"))
	require.False(t, f.IsProviderRole("app"))
	require.Equal(t, []string{"left source.provider-schema schema auth", "left source.provider-schema schema storage", "info source.provider server source"},
		codes(f.Findings(nil)))
	require.Equal(t, []string{"left source.provider-schema schema storage", "info source.provider server source"},
		codes(f.Findings(func(s string) bool { return s == "auth" })), "the user takes it in")

	db.Exec(t, "DROP ROLE supabase_admin; ALTER DATABASE "+db.Name+` SET "rds.extensions" = 'plpgsql'`)
	require.Equal(t, provider.RDS, survey(t, db.URL).Provider.Name, "by a setting")
}

// C22: at 75 % of 2^31 a warning, at 95 % a block that can be accepted; far
// behind autovacuum_freeze_max_age a word.
func TestC22Wraparound(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name         string
		xids, multis int64
		want         []string
	}{
		{"young", 150_000_000, 1, []string{}},
		{"at the age at which vacuum begins", 200_000_000, 1, []string{}},
		{"vacuum does not keep up", 450_000_000, 1, []string{"info source.wraparound database d"}},
		{"75 %", 1_610_612_736, 1, []string{"info source.wraparound database d"}},
		{"just below 95 %", 2_040_109_465, 1, []string{"info source.wraparound database d"}},
		{"95 %", 2_040_109_466, 1, []string{"block source.wraparound database d"}},
		{"multixacts", 5, 2_100_000_000, []string{"block source.wraparound database d"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, codes(wraparound("d", c.xids, c.multis, 200_000_000).findings()))
		})
	}
	require.True(t, Acceptable(SourceWraparound))
	// Read live, from a server that has aged by some transactions.
	db := pgtest.Server(t).Database(t)
	before := survey(t, db.URL).Wraparound
	db.Exec(t, "CREATE TABLE t (a int)")
	require.GreaterOrEqual(t, survey(t, db.URL).Wraparound.XIDs, before.XIDs)
	require.Positive(t, before.XIDs)
	require.NotEmpty(t, before.Database)
}

// U10: long transactions, prepared ones and slots are named, with who holds
// vacuum back the furthest; what is of now is not.
func TestU10SessionsAndSlots(t *testing.T) {
	t.Parallel()
	server := pgtest.New(t, pgtest.ClusterOptions{})
	db := server.Database(t)
	db.Exec(t, "CREATE TABLE t (a int)")
	db.Exec(t, "SELECT pg_create_logical_replication_slot('kept', 'pgoutput')")
	conn := db.Conn(t)
	for _, sql := range []string{"BEGIN", "INSERT INTO t VALUES (1)", "PREPARE TRANSACTION 'half done'"} {
		_, err := conn.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	t.Cleanup(func() { db.Exec(t, "ROLLBACK PREPARED 'half done'") })
	open := db.Conn(t)
	for _, sql := range []string{"SET application_name = 'nightly'", "BEGIN ISOLATION LEVEL REPEATABLE READ", "SELECT * FROM t"} {
		_, err := open.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	f := survey(t, db.URL)
	require.Len(t, f.Prepared, 1)
	require.Equal(t, "half done", f.Prepared[0].GID)
	require.Len(t, f.Slots, 1)
	require.False(t, f.Slots[0].Active)
	require.Empty(t, f.Transactions, "it is seconds old")
	require.Equal(t, []string{"info source.prepared-transaction prepared transaction half done", "info source.replication-slot replication slot kept"}, codes(f.Findings(nil)))
	require.NotEmpty(t, f.Xmin.Holder)

	// A transaction counts as long after five minutes: ask for those of no age.
	all, err := rows[struct {
		PID         int64   `db:"pid"`
		Role        string  `db:"role"`
		Database    string  `db:"database"`
		Application string  `db:"application"`
		State       string  `db:"state"`
		Seconds     float64 `db:"seconds"`
		XminAge     int64   `db:"xmin_age"`
		Hidden      bool    `db:"hidden"`
	}](t.Context(), db.Conn(t), "transactions", 0.0)
	require.NoError(t, err)
	require.Len(t, all, 1)
	require.Equal(t, "nightly", all[0].Application)
	require.Equal(t, "idle in transaction", all[0].State)
	f.Transactions = []Transaction{{PID: all[0].PID, Role: "postgres", Database: db.Name, State: all[0].State, Seconds: 7200}}
	long := of(f.Findings(nil), SourceTransaction)
	require.Len(t, long, 1)
	require.Contains(t, long[0].Message, "open for 2h0m0s")
	require.Contains(t, long[0].Remedy, fmt.Sprintf("pg_terminate_backend(%d)", all[0].PID))

	// A role that sees nothing of others says so.
	_, url := withRole(t, db, "")
	hidden := survey(t, url)
	require.Positive(t, hidden.Hidden)
	require.NotEmpty(t, of(hidden.Findings(nil), SourceHidden))
}

// M10: what is free is the least that server, database and role leave.
func TestM10FreeConnections(t *testing.T) {
	t.Parallel()
	c := Connections{Max: 20, Reserved: 3, Used: 10, DatabaseLimit: -1, RoleLimit: -1}
	require.EqualValues(t, 7, c.free(false))
	require.EqualValues(t, 10, c.free(true), "reserved ones are for a superuser")
	c.RoleLimit, c.RoleUsed = 2, 1
	require.EqualValues(t, 1, c.free(false))
	c.DatabaseLimit, c.DatabaseUsed = 5, 6
	require.EqualValues(t, 0, c.free(false))

	db := pgtest.Server(t).Database(t)
	_, url := withRole(t, db, "CONNECTION LIMIT 2")
	f := survey(t, url)
	require.EqualValues(t, 1, f.Connections.Free)
	require.False(t, f.Pooler.Asked, "three connections are more than there are")
	require.Equal(t, "what stands before the server", f.Unknown[len(f.Unknown)-1].What)
	require.Len(t, of(f.Findings(nil), SourceUnknown), len(f.Unknown))
}

// Limits of time that a session cannot lift are named; those that it can are
// facts alone.
func TestLimits(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	db.Exec(t, "ALTER DATABASE "+db.Name+" SET statement_timeout = '30s'")
	f := survey(t, db.URL)
	require.Equal(t, []Limit{{Name: "statement_timeout", Given: "30000", Source: f.Limits[0].Source, Lifted: true}}, f.Limits)
	require.Empty(t, of(f.Findings(nil), SourceTimeout))
	f.Limits[0].Lifted = false
	require.Len(t, of(f.Findings(nil), SourceTimeout), 1)
}

// Few places in the lock table are named before the run takes locks in groups.
func TestLocks(t *testing.T) {
	t.Parallel()
	f := &Facts{Locks: Locks{PerTransaction: 10, Room: 1000, Tables: 501}}
	require.Len(t, of(f.Findings(nil), SourceLocks), 1)
	f.Locks.Tables = 500
	require.Empty(t, of(f.Findings(nil), SourceLocks))
}
