package preflight

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// codes are the codes and objects of findings, in their order.
func codes(fs []finding.Finding) []string {
	out := []string{}
	for _, f := range fs {
		out = append(out, fmt.Sprintf("%s %s %s", f.Severity, f.Code, f.Object))
	}
	return out
}

func run(t *testing.T, checks ...Check) []finding.Finding {
	t.Helper()
	found, err := Run(t.Context(), checks, false)
	require.NoError(t, err)
	for _, f := range found {
		if f.Severity == finding.Block {
			require.NotEmpty(t, f.Remedy, "a block says what to do: %v", f)
		}
	}
	return found
}

func name(schema, name string) catalog.Name { return catalog.Name{Schema: schema, Name: name} }

// as opens a session of a role that may log in and owns nothing.
func as(t *testing.T, db *pgtest.DB, role string) *pgx.Conn {
	t.Helper()
	conn := db.Conn(t)
	_, err := conn.Exec(t.Context(), "SET ROLE "+quote.Ident(role))
	require.NoError(t, err)
	return conn
}

// role makes a role of the test's own.
func role(t *testing.T, db *pgtest.DB) string {
	t.Helper()
	r := "role_" + db.Name
	db.Exec(t, "CREATE ROLE "+quote.Ident(r))
	t.Cleanup(func() {
		conn, err := pgx.Connect(context.Background(), db.URL)
		if err != nil {
			return
		}
		defer func() { _ = conn.Close(context.Background()) }()
		_, _ = conn.Exec(context.Background(), "DROP OWNED BY "+quote.Ident(r))
		_, _ = conn.Exec(context.Background(), "DROP ROLE IF EXISTS "+quote.Ident(r))
	})
	return r
}

func TestRunTellsFindingsFromErrors(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	_, err := Run(t.Context(), []Check{{"first", func(context.Context) ([]finding.Finding, error) { return nil, boom }}}, true)
	require.ErrorIs(t, err, boom)
	require.ErrorContains(t, err, `preflight check "first" could not be made`)

	odd := []Check{{"odd", func(context.Context) ([]finding.Finding, error) {
		return nil, &pgconn.PgError{Code: "42883", Message: "function pg_catalog.f() does not exist"}
	}}}
	_, err = Run(t.Context(), odd, false)
	require.ErrorContains(t, err, "does not exist", "PostgreSQL knows all that is asked for")
	found, err := Run(t.Context(), odd, true)
	require.NoError(t, err)
	require.Equal(t, []string{"info preflight.not-run check odd"}, codes(found))
}

// Every query runs on the server at hand and gives the columns its struct has.
func TestQueryFilesHaveComments(t *testing.T) {
	t.Parallel()
	files, err := fs.Glob(queries, "queries/*.sql")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, f := range files {
		b, err := queries.ReadFile(f)
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(string(b), "-- "), "%s has no header", f)
	}
}

// C29: one database under two names, and what only looks like one.
func TestSameDatabase(t *testing.T) {
	t.Parallel()
	server := pgtest.Server(t)
	a, b := server.Database(t), server.Database(t)
	same, how, err := SameDatabase(t.Context(), a.Conn(t), a.Conn(t))
	require.NoError(t, err)
	require.True(t, same)
	require.Contains(t, how, "of one server")
	same, _, err = SameDatabase(t.Context(), a.Conn(t), b.Conn(t))
	require.NoError(t, err)
	require.False(t, same, "two databases of one server")
}

func TestIdentities(t *testing.T) {
	t.Parallel()
	base := identity{DatabaseOID: 5, Database: "d", Started: 100.25, system: "7"}
	for _, c := range []struct {
		name   string
		change func(*identity)
		want   bool
	}{
		{"itself", func(*identity) {}, true},
		{"identifier unknown", func(i *identity) { i.system = "" }, true},
		{"another database", func(i *identity) { i.DatabaseOID = 6 }, false},
		{"another cluster started in the same instant", func(i *identity) { i.system = "8" }, false},
		{"its standby", func(i *identity) { i.Started, i.InRecovery = 7, true }, true},
		{"a restored copy of it", func(i *identity) { i.Started = 7 }, false},
		{"a server that tells nothing but its start", func(i *identity) { i.system, i.Started = "", 7 }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			other := base
			c.change(&other)
			got, _ := base.same(&other)
			require.Equal(t, c.want, got)
			got, _ = other.same(&base)
			require.Equal(t, c.want, got)
		})
	}
}

func TestServers(t *testing.T) {
	t.Parallel()
	server := pgtest.Server(t)
	full, empty := server.Database(t), server.Database(t)
	full.Exec(t, "CREATE TABLE t (a int)")
	ascii := server.Database(t, pgtest.DBOptions{Encoding: "SQL_ASCII"})
	latin := server.Database(t, pgtest.DBOptions{Encoding: "LATIN1"})
	readOnly := server.Database(t)
	readOnly.Exec(t, "ALTER DATABASE "+readOnly.Name+" SET default_transaction_read_only = on")
	for _, c := range []struct {
		name           string
		source, target *pgtest.DB
		want           []string
	}{
		{"fit", full, empty, []string{}},
		{"both empty", empty, empty, []string{}},
		{"C29 swapped", empty, full, []string{"block servers.swapped server source"}},
		{"SQL_ASCII source", ascii, empty, []string{"info source.encoding server source"}},
		{"target of another encoding", full, latin, []string{"block target.encoding server target"}},
		{"read-only target", full, readOnly, []string{"block target.read-only server target"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			source, target := c.source.Conn(t), c.target.Conn(t)
			for _, conn := range []*pgx.Conn{source, target} { // as every session of a run does
				_, err := conn.Exec(t.Context(), "SET client_encoding = 'UTF8'")
				require.NoError(t, err)
			}
			s := Servers{Source: source, Target: target, TargetPostgres: true}
			require.Equal(t, c.want, codes(run(t, ServerChecks(s)...)))
		})
	}
}

// M10: jobs are planned from the connections that are free.
func TestJobsFor(t *testing.T) {
	t.Parallel()
	server := pgtest.Server(t)
	source, target := server.Database(t), server.Database(t)
	for _, c := range []struct {
		limit, jobs, want int
		codes             []string
	}{
		{-1, 4, 4, []string{}},
		{10, 4, 4, []string{}},
		{5, 8, 2, []string{"info connections.few server target"}},
		{1, 4, 4, []string{"block connections.few server target"}},
	} {
		target.Exec(t, fmt.Sprintf("ALTER DATABASE %s CONNECTION LIMIT %d", target.Name, c.limit))
		s := Servers{Source: source.Conn(t), Target: target.Conn(t)}
		jobs, found, err := JobsFor(t.Context(), s, c.jobs, 1)
		require.NoError(t, err)
		require.Equal(t, c.want, jobs, "limit %d", c.limit)
		require.Equal(t, c.codes, codes(found))
		require.NoError(t, s.Target.(*pgx.Conn).Close(t.Context()))
	}
}

func TestServerNames(t *testing.T) {
	t.Parallel()
	require.Equal(t, "PostgreSQL 15.18", shortVersion("PostgreSQL 15.18 (Debian 15.18-0) on x86_64-pc-linux-gnu, compiled by gcc"))
	require.Equal(t, "PostgreSQL 18.4", shortVersion("PostgreSQL 18.4 on x86_64-pc-linux-gnu, compiled by gcc"))
	require.Equal(t, "db9 1.0", shortVersion("db9 1.0"))
	db := pgtest.Server(t).Database(t)
	about, err := Ask(t.Context(), db.Conn(t))
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(about.Text, "PostgreSQL 1"), about.Text)
	require.Equal(t, pgtest.Server(t).Major(), about.Version/10000)
	require.False(t, about.DB9)
	exts, err := AvailableExtensions(t.Context(), db.Conn(t))
	require.NoError(t, err)
	require.Contains(t, exts, "plpgsql")
	colls, err := Collations(t.Context(), db.Conn(t))
	require.NoError(t, err)
	require.Contains(t, colls, "C")
}

func TestSourcePrivileges(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	r := role(t, db)
	db.Exec(t, `
		CREATE SCHEMA open; CREATE SCHEMA closed;
		CREATE TABLE open.yes (a int); CREATE TABLE open."no Table" (a int); CREATE TABLE closed.t (a int);
		CREATE TABLE open.parted (a int) PARTITION BY LIST (a);
		CREATE TABLE open.leaf PARTITION OF open.parted DEFAULT;
		CREATE TABLE open.hidden (a int); ALTER TABLE open.hidden ENABLE ROW LEVEL SECURITY;
		CREATE SEQUENCE open.s1; CREATE SEQUENCE open.s2;
		GRANT USAGE ON SCHEMA open TO "`+r+`";
		GRANT SELECT ON open.yes, open.parted, open.hidden, closed.t TO "`+r+`";
		GRANT SELECT ON SEQUENCE open.s1 TO "`+r+`";`)
	tables := []catalog.Name{
		name("open", "yes"), name("open", "no Table"), name("closed", "t"), name("open", "parted"), name("open", "leaf"), name("open", "hidden"),
	}
	sequences := []catalog.Name{name("open", "s1"), name("open", "s2")}
	conn := as(t, db, r)
	found := run(t, SourceTables(conn, tables), SourceSequences(conn, sequences))
	require.Equal(t, []string{
		"block source.privilege schema closed",
		"block source.privilege sequence open.s2",
		"block source.privilege table open.leaf",
		"block source.privilege table open.no Table",
		"block source.row-security table open.hidden", // T17
	}, codes(found))
	for _, f := range found {
		if f.Object.Name == "no Table" {
			require.Contains(t, f.Remedy, `GRANT SELECT ON TABLE "open"."no Table" TO "`+r+`"`)
		}
	}
	// The remedies are statements that help.
	db.Exec(t, `GRANT USAGE ON SCHEMA closed TO "`+r+`"; GRANT SELECT ON open.leaf, open."no Table" TO "`+r+`";
		GRANT SELECT ON SEQUENCE open.s2 TO "`+r+`"; ALTER ROLE "`+r+`" BYPASSRLS`)
	require.Empty(t, run(t, SourceTables(conn, tables), SourceSequences(conn, sequences)))
}

// plan is a small plan of public.a (with a key and a foreign key to b),
// public.b, a sequence, an enum and a domain.
func plan() *ddlgen.Plan {
	obj := func(kind, parent, n string) finding.Object {
		return finding.Object{Kind: kind, Schema: "public", Parent: parent, Name: n}
	}
	st := func(phase ddlgen.Phase, o finding.Object) ddlgen.Statement {
		return ddlgen.Statement{ID: o.String(), Phase: phase, Object: o, SQL: "SELECT 1"}
	}
	table := func(n string) ddlgen.Transfer {
		return ddlgen.Transfer{Target: name("public", n), Source: name("public", n), Columns: []ddlgen.ColumnTransfer{
			{Source: "id", Target: "id"}, {Source: "v", Target: "v"},
		}}
	}
	expect := func(n string) ddlgen.ExpectedTable {
		return ddlgen.ExpectedTable{Name: name("public", n), Columns: []ddlgen.ExpectedColumn{
			{Name: "id", Type: "integer", NotNull: true}, {Name: "v", Type: "text"},
		}}
	}
	return &ddlgen.Plan{
		Statements: []ddlgen.Statement{
			st(ddlgen.PhasePrepare, finding.Object{Kind: "schema", Name: "public"}),
			st(ddlgen.PhaseTypes, obj("type", "", "mood")), st(ddlgen.PhaseTypes, obj("domain", "", "positive")),
			st(ddlgen.PhaseSequences, obj("sequence", "", "s")),
			st(ddlgen.PhaseTables, obj("table", "", "a")), st(ddlgen.PhaseTables, obj("table", "", "b")),
			st(ddlgen.PhaseKeys, obj("constraint", "a", "a_pkey")), st(ddlgen.PhaseKeys, obj("index", "", "a_v")),
			st(ddlgen.PhaseForeignKeys, obj("constraint", "a", "a_fk")),
			st(ddlgen.PhaseComments, obj("table", "", "a")),
		},
		Transfers: []ddlgen.Transfer{table("a"), table("b")},
		Expect:    []ddlgen.ExpectedTable{expect("a"), expect("b")},
	}
}

const planned = `
	CREATE TYPE mood AS ENUM ('x'); CREATE DOMAIN positive AS int CHECK (VALUE > 0); CREATE SEQUENCE s;
	CREATE TABLE b (id int NOT NULL UNIQUE, v text); CREATE TABLE a (id int NOT NULL CONSTRAINT a_pkey PRIMARY KEY, v text);
	CREATE INDEX a_v ON a (v); ALTER TABLE a ADD CONSTRAINT a_fk FOREIGN KEY (id) REFERENCES b (id);`

func target(t *testing.T, conn Querier, p *ddlgen.Plan, on OnExisting, onlyData bool) []finding.Finding {
	t.Helper()
	e, err := ReadExisting(t.Context(), conn, p, true)
	require.NoError(t, err)
	return run(t, TargetChecks(Target{Q: conn, Plan: p, Existing: e, OnExisting: on, OnlyData: onlyData})...)
}

// C28: anything of the user's in a schema of the plan refuses the run.
func TestC28TargetNotEmpty(t *testing.T) {
	t.Parallel()
	for _, sql := range []string{
		"CREATE TABLE other (a int)", "CREATE VIEW v AS SELECT 1", "CREATE SEQUENCE q", "CREATE TYPE e AS ENUM ()",
		"CREATE DOMAIN d AS int", "CREATE TYPE c AS (a int)", "CREATE MATERIALIZED VIEW m AS SELECT 1",
	} {
		t.Run(sql, func(t *testing.T) {
			t.Parallel()
			db := pgtest.Server(t).Database(t)
			require.Empty(t, target(t, db.Conn(t), plan(), Refuse, false))
			db.Exec(t, sql)
			found := target(t, db.Conn(t), plan(), Refuse, false)
			require.Equal(t, []string{"block target.not-empty server target"}, codes(found))
			word := strings.Fields(sql)
			n := word[2]
			if word[1] == "MATERIALIZED" {
				n = word[3]
			}
			require.Contains(t, found[0].Message, "public."+n)
			require.Contains(t, found[0].Message, "hold 1 ")
			require.Contains(t, found[0].Remedy, "--on-existing truncate")
		})
	}
}

func TestOtherSchemasOfTheTargetAreNoMatter(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	db.Exec(t, "CREATE SCHEMA elsewhere; CREATE TABLE elsewhere.t (a int); CREATE EXTENSION hstore")
	require.Empty(t, target(t, db.Conn(t), plan(), Refuse, false))
}

func TestUnfinishedRun(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	db.Exec(t, `CREATE SCHEMA _pg2db9; CREATE TABLE _pg2db9.run (run text, state text);
		INSERT INTO _pg2db9.run VALUES ('r1', 'loaded'), ('r2', 'partial')`)
	require.Equal(t, []string{"block target.unfinished-run run r2"}, codes(target(t, db.Conn(t), plan(), Refuse, false)))
	require.Empty(t, target(t, db.Conn(t), plan(), Drop, false))
}

func TestTargetPrivileges(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	r := role(t, db)
	db.Exec(t, "REVOKE CREATE ON SCHEMA public FROM PUBLIC")
	require.Equal(t, []string{
		"block target.privilege database " + db.Name, "block target.privilege schema public",
	}, codes(target(t, as(t, db, r), plan(), Refuse, false)))
	db.Exec(t, `GRANT CREATE ON SCHEMA public TO "`+r+`"; GRANT CREATE ON DATABASE `+db.Name+` TO "`+r+`"`)
	require.Empty(t, target(t, as(t, db, r), plan(), Refuse, false))
}

func TestTruncateKeepsWhatIsAsPlanned(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	db.Exec(t, planned)
	found := target(t, db.Conn(t), plan(), Truncate, false)
	require.Zero(t, finding.Count(found, finding.Block), "%v", found)
	require.Equal(t, 7, finding.Count(found, finding.Info), "%v", codes(found))
	e, err := ReadExisting(t.Context(), db.Conn(t), plan(), true)
	require.NoError(t, err)
	require.Equal(t, []catalog.Name{name("public", "a"), name("public", "b")}, e.Tables(plan()))
	require.Equal(t, []string{`ALTER TABLE "public"."a" DROP CONSTRAINT "a_fk"`}, e.ForeignKeyDrops(plan()))
	var had []string
	for _, s := range plan().Statements {
		if _, ok := e.Has(s); ok {
			had = append(had, s.ID)
		}
	}
	require.Len(t, had, 8, "all but the schema and the comment: %v", had)
}

func TestTruncateRefusesOtherTables(t *testing.T) {
	t.Parallel()
	for what, sql := range map[string]string{
		"column v is missing":                        "ALTER TABLE a DROP v",
		"column v is character varying(5), not text": "ALTER TABLE a ALTER v TYPE varchar(5)",
		"column x is not planned":                    "ALTER TABLE a ADD x int",
		"column v: NOT NULL is true":                 "ALTER TABLE a ALTER v SET NOT NULL",
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			db := pgtest.Server(t).Database(t)
			db.Exec(t, planned+sql)
			found := target(t, db.Conn(t), plan(), Truncate, false)
			require.Equal(t, 1, finding.Count(found, finding.Block))
			require.Equal(t, "block target.table-differs table public.a", codes(found)[0])
			require.Contains(t, found[0].Message, what)
		})
	}
}

// T16: what would act on each row is found before a row is loaded.
func TestTriggersRulesAndForeignKeys(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	db.Exec(t, planned+`
		CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
		CREATE TRIGGER t1 BEFORE INSERT ON a FOR EACH ROW EXECUTE FUNCTION f();
		CREATE TRIGGER t2 BEFORE INSERT ON a FOR EACH ROW EXECUTE FUNCTION f(); ALTER TABLE a DISABLE TRIGGER t2;
		CREATE RULE r1 AS ON INSERT TO b DO ALSO NOTHING;
		CREATE TABLE c (id int REFERENCES a (id));`)
	found := target(t, db.Conn(t), plan(), Truncate, false)
	require.Equal(t, []string{
		"block target.foreign-keys constraint public.c.c_id_fkey",
		"block target.triggers rule public.b.r1",
		"block target.triggers trigger public.a.t1",
	}, codes(found)[:3])
	require.Equal(t, 3, finding.Count(found, finding.Block))
	require.Contains(t, found[2].Remedy, `ALTER TABLE "public"."a" DISABLE TRIGGER "t1"`)
}

// T16: what hangs on tables already is not made twice, in whatever state it is.
func TestHangingThatIsThere(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	db.Exec(t, planned+`
		CREATE TRIGGER t1 BEFORE UPDATE ON a FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger(); ALTER TABLE a DISABLE TRIGGER t1;
		CREATE RULE r1 AS ON INSERT TO b DO ALSO NOTHING;
		CREATE POLICY p1 ON a;
		CREATE FUNCTION watched() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
		CREATE EVENT TRIGGER e1 ON sql_drop EXECUTE FUNCTION watched()`)
	obj := func(kind, parent, name string) finding.Object {
		return finding.Object{Kind: kind, Schema: "public", Parent: parent, Name: name}
	}
	for _, full := range []bool{true, false} {
		e, err := ReadExisting(t.Context(), db.Conn(t), plan(), full)
		require.NoError(t, err)
		for _, x := range []struct {
			phase ddlgen.Phase
			o     finding.Object
			has   bool
		}{
			{ddlgen.PhaseTriggers, obj("trigger", "a", "t1"), true},
			{ddlgen.PhaseTriggers, obj("trigger", "b", "t1"), false},
			{ddlgen.PhaseTriggers, obj("rule", "b", "r1"), full},
			{ddlgen.PhaseRights, obj("policy", "a", "p1"), full},
			{ddlgen.PhaseRights, obj("policy", "a", "p2"), false},
			{ddlgen.PhaseRights, obj("privileges on table", "", "a"), false},
			{ddlgen.PhaseEventTriggers, finding.Object{Kind: "event trigger", Name: "e1"}, full},
		} {
			_, has := e.Has(ddlgen.Statement{Phase: x.phase, Object: x.o})
			require.Equal(t, x.has, has, "%s, full %t", x.o, full)
		}
	}
	// --on-existing drop takes an event trigger away before it acts on the drops.
	p := plan()
	p.Statements = append(p.Statements, ddlgen.Statement{Phase: ddlgen.PhaseEventTriggers, Object: finding.Object{Kind: "event trigger", Name: "e1"}})
	e, err := ReadExisting(t.Context(), db.Conn(t), p, true)
	require.NoError(t, err)
	require.Equal(t, `DROP EVENT TRIGGER "e1"`, e.Drops(p)[0])
}

func TestOccupiedNames(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	db.Exec(t, "CREATE VIEW a AS SELECT 1; CREATE TABLE a_v (x int); CREATE TABLE s (x int)")
	for _, on := range []OnExisting{Truncate, Drop} {
		found := target(t, db.Conn(t), plan(), on, false)
		require.Equal(t, 3, finding.Count(found, finding.Block), "%v", codes(found))
		require.Equal(t, []string{
			"block target.occupied index public.a_v", "block target.occupied sequence public.s", "block target.occupied table public.a",
		}, codes(found)[:3])
	}
}

// --on-existing drop drops what the plan creates, and nothing else.
func TestDrops(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	db.Exec(t, planned+"CREATE TABLE bystander (a int); CREATE SEQUENCE other;")
	require.Zero(t, finding.Count(target(t, db.Conn(t), plan(), Drop, false), finding.Block))
	e, err := ReadExisting(t.Context(), db.Conn(t), plan(), true)
	require.NoError(t, err)
	drops := e.Drops(plan())
	require.Equal(t, []string{
		`DROP TABLE "public"."a", "public"."b"`, `DROP SEQUENCE IF EXISTS "public"."s"`,
		`DROP DOMAIN "public"."positive"`, `DROP TYPE "public"."mood"`,
	}, drops)
	db.Exec(t, strings.Join(drops, ";"))
	e, err = ReadExisting(t.Context(), db.Conn(t), plan(), true)
	require.NoError(t, err)
	require.Equal(t, "1 sequence, 1 table: public.bystander, public.other", e.describe())
	require.Empty(t, e.Drops(plan()))
}

func TestCopyIntoTables(t *testing.T) {
	t.Parallel()
	server := pgtest.Server(t)
	onlyData := func() *ddlgen.Plan {
		p := plan()
		p.Statements = nil
		return p
	}
	for _, c := range []struct {
		name, sql string
		on        OnExisting
		want      []string
	}{
		// T14: another order, an extra column with a default.
		{"fit", "CREATE TABLE a (v text, extra int DEFAULT 1 NOT NULL, id int); CREATE TABLE b (id int, v text)", Refuse, []string{}},
		{"missing table", "CREATE TABLE a (id int, v text)", Refuse, []string{"block target.missing-table table public.b"}},
		{"missing column", "CREATE TABLE a (id int); CREATE TABLE b (id int, v text)", Refuse, []string{"block target.table-differs table public.a"}},
		{"generated column", "CREATE TABLE a (id int, v text GENERATED ALWAYS AS ('x') STORED); CREATE TABLE b (id int, v text)", Refuse, []string{"block target.table-differs table public.a"}},
		{"extra NOT NULL", "CREATE TABLE a (id int, v text, x int NOT NULL); CREATE TABLE b (id int, v text)", Refuse, []string{"block target.table-differs table public.a"}},
		{"C28 rows there", "CREATE TABLE a (id int, v text); CREATE TABLE b (id int, v text); INSERT INTO b VALUES (1)", Refuse, []string{"block target.not-empty table public.b"}},
		{"rows there, truncate", "CREATE TABLE a (id int, v text); CREATE TABLE b (id int, v text); INSERT INTO b VALUES (1)", Truncate, []string{}},
		{"foreign key", planned, Truncate, []string{"block target.foreign-keys constraint public.a.a_fk"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			db := server.Database(t)
			db.Exec(t, c.sql)
			require.Equal(t, c.want, codes(target(t, db.Conn(t), onlyData(), c.on, true)))
		})
	}
}

func TestCopyRights(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	r := role(t, db)
	db.Exec(t, `CREATE TABLE a (id int, v text); CREATE TABLE b (id int, v text); GRANT USAGE ON SCHEMA public TO "`+r+`";
		GRANT INSERT, SELECT ON a, b TO "`+r+`"; GRANT TRUNCATE ON a TO "`+r+`"`)
	require.Empty(t, target(t, as(t, db, r), plan(), Refuse, true))
	require.Contains(t, codes(target(t, as(t, db, r), plan(), Truncate, true)), "block target.privilege table public.b")
}

func TestFew(t *testing.T) {
	t.Parallel()
	require.Equal(t, "a, b", few([]string{"a", "b"}))
	require.Equal(t, strings.Repeat("x, ", 9)+"x and 2 more", few(strings.Split(strings.Repeat("x ", 11)+"x", " ")))
}
