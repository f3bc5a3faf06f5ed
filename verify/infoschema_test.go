package verify

import (
	"bytes"
	"context"
	"encoding/binary"
	"net"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/keyset"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// planned is a source's plan under profile db9, made on a target.
func planned(t *testing.T, sql string) (plan *ddlgen.Plan, target *pgtest.DB, conn *pgx.Conn) {
	t.Helper()
	server := pgtest.Server(t)
	source := server.Database(t)
	target = server.Database(t)
	source.Exec(t, sql)
	asker := source.Conn(t)
	_, err := asker.Exec(t.Context(), "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
	require.NoError(t, err)
	db, err := catalog.Load(t.Context(), asker, catalog.LoadOptions{})
	require.NoError(t, err)
	profile := ddlgen.DB9()
	profile.Arrays = true // so that there are some
	plan, err = ddlgen.Generate(db, profile, ddlgen.Options{})
	require.NoError(t, err)
	for _, s := range plan.Statements {
		target.Exec(t, s.SQL)
	}
	conn, err = endpoint(t, dial.Target, target).Connect(t.Context(), targetSettings(readerSettings(ddlgen.DB9()), ddlgen.DB9()))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(t.Context()) })
	return plan, target, conn
}

// kinds has a column of each property, and each kind of key, constraint and index.
const kinds = `
	CREATE SCHEMA "odd Schema"; CREATE TYPE "odd Schema"."a State" AS ENUM ('x');
	CREATE TABLE parent (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, b bigserial, code text NOT NULL, UNIQUE (code, b));
	CREATE TABLE child (
		"Key, (x)" bigint, n numeric(12,2) DEFAULT 1, u numeric, t timestamptz, i interval, s smallint CHECK (s > 0),
		st "odd Schema"."a State", sts "odd Schema"."a State"[], v varchar(10) NOT NULL, c char(3), r real, a text[], j jsonb, m money,
		p integer REFERENCES parent (id) ON DELETE CASCADE ON UPDATE SET NULL, pc text, pb bigint,
		g integer GENERATED ALWAYS AS (s * 2) STORED, ip inet, rg int4range,
		PRIMARY KEY ("Key, (x)", v), CONSTRAINT "a ""fk""" FOREIGN KEY (pc, pb) REFERENCES parent (code, b), CONSTRAINT small CHECK (n < 100));
	CREATE INDEX by_n ON child (n DESC, lower(v)) WHERE n > 0;
	CREATE UNIQUE INDEX "by (t)" ON child (t, i) INCLUDE (n);
	CREATE INDEX by_j ON child USING gin (j);
	CREATE TABLE none ();`

func runOn(t *testing.T, plan *ddlgen.Plan, target *pgtest.DB) *Report {
	t.Helper()
	report, err := Run(t.Context(), Params{
		Target: endpoint(t, dial.Target, target), Plan: plan, Profile: ddlgen.DB9(), Copied: accountOfNothing(plan), SkipData: true, Sequences: nil,
	})
	require.NoError(t, err)
	return report
}

func accountOfNothing(plan *ddlgen.Plan) []SourceSide {
	out := []SourceSide{}
	for i := range plan.Transfers {
		out = append(out, SourceSide{Target: plan.Transfers[i].Target})
	}
	return out
}

// Foreign keys of several tables may have one name, which is all that
// referential_constraints tells of them: one is not taken for another.
func TestForeignKeysOfOneName(t *testing.T) {
	t.Parallel()
	plan, target, _ := planned(t, `CREATE TABLE parent (id integer PRIMARY KEY);
		CREATE TABLE a (id integer PRIMARY KEY, p integer, CONSTRAINT fk FOREIGN KEY (p) REFERENCES parent ON DELETE CASCADE);
		CREATE TABLE b (id integer PRIMARY KEY, p integer, CONSTRAINT fk FOREIGN KEY (p) REFERENCES parent);`)
	for _, x := range runOn(t, plan, target).Tables {
		require.Equal(t, Match, x.Shape.Verdict, "%s: %s", x.Target, x.Detail)
		if x.Target.Name != "parent" {
			require.Equal(t, []string{"ON DELETE of constraint fk"}, x.Shape.Assumed, x.Target)
		}
	}
	target.Exec(t, "ALTER TABLE a DROP CONSTRAINT fk; ALTER TABLE a ADD CONSTRAINT fk FOREIGN KEY (p) REFERENCES parent")
	require.Equal(t, Mismatch, table(t, runOn(t, plan, target), "a").Shape.Verdict, "none of that name cascades")
}

// By information_schema and pg_indexes a target that is as planned is so, and
// each change of it is seen.
func TestShapeByInformationSchema(t *testing.T) {
	t.Parallel()
	plan, target, _ := planned(t, kinds)
	for _, x := range runOn(t, plan, target).Tables {
		require.Equal(t, Match, x.Shape.Verdict, "%s: %s", x.Target, x.Detail)
		require.Empty(t, x.Shape.Assumed)
	}
	for _, c := range []struct{ damage, table, detail string }{
		{"DROP INDEX by_j; ALTER TABLE child ALTER j TYPE text; ", "child", "type of column j: expected jsonb, found text"},
		{"ALTER TABLE child ALTER sts TYPE text[]", "child", `type of column sts: expected "odd Schema"."a State"[], found text[]`},
		{"ALTER TABLE child ALTER n TYPE numeric(12,1)", "child", "type of column n: expected numeric(12,2), found numeric(12,1)"},
		{"ALTER TABLE parent ALTER code DROP NOT NULL", "parent", "not null of column code: expected yes, found no"},
		{"ALTER TABLE child ALTER n DROP DEFAULT", "child", "default of column n: expected yes, found no"},
		{"ALTER TABLE parent ALTER id DROP IDENTITY", "parent", "identity of column id"},
		{"ALTER TABLE child ALTER g DROP EXPRESSION", "child", "generated of column g: expected stored, found none"},
		{"DROP TABLE none", "none", "the table is not on the target"},
		{"ALTER TABLE child DROP CONSTRAINT child_pkey", "child", "constraint child_pkey: expected primary key, found none"},
		{`ALTER TABLE child DROP CONSTRAINT child_pkey; ALTER TABLE child ADD CONSTRAINT child_pkey PRIMARY KEY (v, "Key, (x)")`, "child", "constraint child_pkey: expected Key, (x), v, found v, Key, (x)"},
		{`ALTER TABLE child DROP CONSTRAINT "a ""fk"""`, "child", `constraint a "fk": expected foreign key, found none`},
		{"ALTER TABLE child DROP CONSTRAINT child_p_fkey; ALTER TABLE child ADD CONSTRAINT child_p_fkey FOREIGN KEY (p) REFERENCES parent (id) ON UPDATE SET NULL", "child", "constraint child_p_fkey: expected ON DELETE CASCADE, found NO ACTION"},
		{"ALTER TABLE child DROP CONSTRAINT small", "child", "constraint small: expected check, found none"},
		{"ALTER TABLE parent DROP CONSTRAINT parent_code_b_key CASCADE", "parent", "constraint parent_code_b_key: expected unique, found none"},
		{"DROP INDEX by_n", "child", "index by_n: expected index, found none"},
		{"DROP INDEX by_n; CREATE INDEX by_n ON child (n DESC, lower(v))", "child", "index by_n: expected index of 2 keys, 1 descending, partial, found index of 2 keys, 1 descending"},
		{"DROP INDEX by_n; CREATE INDEX by_n ON child (n) WHERE n > 0", "child", "index by_n: expected index of 2 keys"},
		{`DROP INDEX "by (t)"; CREATE INDEX "by (t)" ON child (t, i) INCLUDE (n)`, "child", "expected unique index"},
	} {
		t.Run(c.damage, func(t *testing.T) {
			t.Parallel()
			plan, target, _ := planned(t, kinds)
			target.Exec(t, c.damage)
			got := table(t, runOn(t, plan, target), c.table)
			require.Equal(t, Mismatch, got.Shape.Verdict)
			require.Contains(t, got.Detail, c.detail)
		})
	}
}

// What an index lost that no row depends on is told, and no difference.
func TestShapeOfPoorerIndex(t *testing.T) {
	t.Parallel()
	plan, target, _ := planned(t, kinds)
	target.Exec(t, `DROP INDEX "by (t)"; CREATE UNIQUE INDEX "by (t)" ON child (t, i); DROP INDEX by_n; CREATE INDEX by_n ON child (n, lower(v)) WHERE n > 0`)
	report := runOn(t, plan, target)
	got := table(t, report, "child")
	require.Equal(t, Match, got.Shape.Verdict, got.Detail)
	require.Len(t, got.Shape.Tolerated, 2)
	require.Contains(t, strings.Join(report.Notes, "\n"),
		"public.child: index by (t): expected unique index of 2 keys, 1 included, found unique index of 2 keys; no row depends on it, but queries may be slower")
}

// A timestamp's precision is syntax to a DB9, its zone is not.
func TestTimestampPrecisionIsSyntax(t *testing.T) {
	t.Parallel()
	for found, taken := range map[string]bool{
		"timestamp without time zone": true, "timestamp(6) without time zone": true, "timestamp(3) with time zone": false, "text": false,
	} {
		want := ddlgen.ExpectedTable{Columns: []ddlgen.ExpectedColumn{{Name: "a", Type: "timestamp(3) without time zone"}}}
		table := &foundTable{columns: []ddlgen.ExpectedColumn{{Name: "a", Type: found}}}
		table.timestamps(want)
		require.Equal(t, taken, table.columns[0].Type == want.Columns[0].Type, found)
	}
}

// What was not executed is not looked for.
func TestShapeWithoutMissingStatements(t *testing.T) {
	t.Parallel()
	plan, target, _ := planned(t, kinds)
	target.Exec(t, "DROP INDEX by_n")
	report, err := Run(t.Context(), Params{
		Target: endpoint(t, dial.Target, target), Plan: plan, Profile: ddlgen.DB9(), Copied: accountOfNothing(plan), SkipData: true,
		Missing: map[string]bool{"indexes/public.child/by_n": true},
	})
	require.NoError(t, err)
	require.Equal(t, Match, table(t, report, "child").Shape.Verdict, table(t, report, "child").Detail)
}

// A target whose catalogs lack views or columns: what is not told is assumed,
// by name, and what is told still counts.
func TestShapeOfPartialCatalogs(t *testing.T) {
	t.Parallel()
	plan, target, conn := planned(t, kinds)
	target.Exec(t, `
		CREATE VIEW public.half AS SELECT table_schema::text, table_name::text, column_name::text, ordinal_position::int, data_type::text, udt_name::text, NULL::text AS is_generated
			FROM information_schema.columns;
		ALTER VIEW information_schema.columns RENAME TO whole;
		ALTER VIEW public.half SET SCHEMA information_schema;
		ALTER VIEW information_schema.half RENAME TO columns;
		ALTER VIEW information_schema.referential_constraints RENAME TO other_constraints;
		ALTER VIEW information_schema.key_column_usage RENAME TO other_usage;`)
	report := runOn(t, plan, target)
	got := table(t, report, "child")
	require.Contains(t, got.Shape.Assumed, "NOT NULL of column v")
	require.Contains(t, got.Shape.Assumed, "generation of column g")
	require.Contains(t, got.Shape.Assumed, "columns of constraint child_pkey")
	require.Contains(t, got.Shape.Assumed, "ON DELETE of constraint child_p_fkey")
	require.Contains(t, got.Detail, "not told by the target, so assumed: ")
	require.Contains(t, strings.Join(report.Notes, "\n"), "information_schema.key_column_usage")

	unfit, assumed, err := CheckColumns(t.Context(), conn, plan)
	require.NoError(t, err)
	require.Empty(t, unfit)
	require.Contains(t, assumed, "does not tell")

	target.Exec(t, "DROP INDEX by_j; ALTER TABLE child ALTER j TYPE text")
	unfit, _, err = CheckColumns(t.Context(), conn, plan)
	require.NoError(t, err)
	require.Len(t, unfit, 1)

	target.Exec(t, "ALTER VIEW information_schema.columns RENAME TO gone")
	unfit, assumed, err = CheckColumns(t.Context(), conn, plan)
	require.NoError(t, err)
	require.Empty(t, unfit)
	require.Contains(t, assumed, "taken for as planned")
	_, err = Run(t.Context(), Params{Target: endpoint(t, dial.Target, target), Plan: plan, Profile: ddlgen.DB9(), Copied: accountOfNothing(plan), SkipData: true})
	require.Error(t, err, "nothing is known of the tables: no verdict")
}

// A table that the target made into another one is named with what differs; the
// others are fit.
func TestCheckColumns(t *testing.T) {
	t.Parallel()
	plan, target, conn := planned(t, kinds)
	unfit, assumed, err := CheckColumns(t.Context(), conn, plan)
	require.NoError(t, err)
	require.Empty(t, unfit)
	require.Empty(t, assumed)
	target.Exec(t, `DROP INDEX by_j; ALTER TABLE child ALTER j TYPE text; ALTER TABLE child ALTER v DROP DEFAULT; ALTER TABLE parent ALTER code DROP NOT NULL; DROP TABLE none`)
	unfit, _, err = CheckColumns(t.Context(), conn, plan)
	require.NoError(t, err)
	require.Len(t, unfit, 2, "a lost NOT NULL loses no value: verification tells of it")
	require.ErrorContains(t, unfit[catalog.Name{Schema: "public", Name: "child"}], "type of column j: expected jsonb, found text")
	require.ErrorContains(t, unfit[catalog.Name{Schema: "public", Name: "none"}], "the table is not on the target")
}

// N14: a target's OIDs may be above 2^32: nothing of the target's side that runs
// under profile db9 asks for one, or casts to regclass, and none is scanned.
func TestTargetQueriesHaveNoOIDsN14(t *testing.T) {
	t.Parallel()
	bad := regexp.MustCompile(`(?i)\boid\b|::\s*(pg_catalog\.)?reg[a-z]+|\bctid\b|\bxmin\b|\btableoid\b|\$\d`)
	p := keyset.New(transfer([]string{"id", "a"}, []string{"id", "a"}, "bigint"), false)
	for _, sql := range []string{
		p.SQL(keyset.Position{}, 10), p.SQL(keyset.Position{Key: []string{"5000000000", "x"}, Level: 2}, 10), p.BordersSQL(),
		keyset.New(transfer([]string{"id"}, nil), false).SQL(keyset.Position{}, 1),
	} {
		require.NotRegexp(t, bad, sql)
	}
	plan, target, _ := planned(t, kinds+`
		INSERT INTO parent (code) SELECT i FROM generate_series(1, 2000) i;
		INSERT INTO none DEFAULT VALUES;`)
	target.Exec(t, `INSERT INTO parent (code) SELECT i FROM generate_series(1, 2000) i; INSERT INTO none DEFAULT VALUES`)
	recorded := &recorder{}
	p2 := Params{Target: endpoint(t, dial.Target, target).WithDial(recorded.dial), Plan: plan, Profile: ddlgen.DB9(), Copied: accountOfNothing(plan), Jobs: 1}
	for i := range p2.Copied {
		p2.Copied[i].Read, p2.Copied[i].Bytes = 10, 10<<20 // small pages
	}
	report, err := Run(t.Context(), p2)
	require.NoError(t, err)
	require.EqualValues(t, 2000, table(t, report, "parent").Data.Counted)
	log := recorded.queries(t)
	require.Greater(t, len(log), 10)
	require.Contains(t, strings.Join(log, "\n"), `"id" > `)
	for _, sql := range log {
		require.NotRegexp(t, bad, sql)
		require.NotRegexp(t, `(?i)\bDECLARE\b|\bFETCH\b|\bCOPY\b|pg_class|pg_attribute`, sql)
	}
}

// recorder keeps what is written to connections.
type recorder struct {
	mu    sync.Mutex
	conns []*recordedConn
}

type recordedConn struct {
	net.Conn
	sent bytes.Buffer
}

func (c *recordedConn) Write(p []byte) (int, error) {
	c.sent.Write(p)
	return c.Conn.Write(p)
}

func (r *recorder) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := (&net.Dialer{}).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.conns = append(r.conns, &recordedConn{Conn: c})
	return r.conns[len(r.conns)-1], nil
}

// queries are the simple queries that were sent; another message is a failure:
// the extended protocol may bring binary results.
func (r *recorder) queries(t *testing.T) (list []string) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.conns {
		b := c.sent.Bytes()
		b = b[binary.BigEndian.Uint32(b):] // the startup message
		for len(b) > 5 {
			n := int(binary.BigEndian.Uint32(b[1:])) + 1
			switch b[0] {
			case 'Q':
				list = append(list, string(b[5:n-1]))
			case 'p', 'X':
			default:
				require.Failf(t, "message", "of type %q", b[0])
			}
			b = b[n:]
		}
	}
	return list
}
