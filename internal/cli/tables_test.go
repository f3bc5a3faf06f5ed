package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// bothProfiles clones a source with the SQL to an empty target under each profile.
func bothProfiles(t *testing.T, sql string, check func(t *testing.T, b *bundle, profile string, r result)) {
	t.Helper()
	for _, profile := range []string{"postgres", "db9"} {
		t.Run(profile, func(t *testing.T) {
			t.Parallel()
			b := setup(t, sql)
			check(t, b, profile, b.ok(t, "clone", "--profile", profile))
		})
	}
}

// T1: a parent and children with rows of their own, of two parents, over two
// levels: each is read alone, no row comes twice, none is lost.
func TestCloneInheritanceT1(t *testing.T) {
	t.Parallel()
	bothProfiles(t, `
		CREATE TABLE base (id integer, note text DEFAULT 'b'); CREATE TABLE other (extra integer);
		CREATE TABLE child (more text) INHERITS (base); CREATE TABLE two (own date) INHERITS (base, other); CREATE TABLE grand () INHERITS (child);
		CREATE TABLE late (note text, id integer); ALTER TABLE late INHERIT base;
		INSERT INTO base SELECT n, 'base' FROM generate_series(1, 10) n; INSERT INTO child SELECT n, 'child', 'm' FROM generate_series(1, 20) n;
		INSERT INTO two SELECT n, 'two', n, '2020-01-01' FROM generate_series(1, 30) n; INSERT INTO grand SELECT n, 'grand', NULL FROM generate_series(1, 40) n;
		INSERT INTO late SELECT 'late', n FROM generate_series(1, 50) n; INSERT INTO other VALUES (1)`,
		func(t *testing.T, b *bundle, profile string, _ result) {
			b.same(t, "ONLY base", "ONLY child", "ONLY two", "ONLY grand", "ONLY late", "ONLY other")
			want := "150"
			if profile == "db9" { // the tables stand apart
				want = "10"
			}
			require.Equal(t, want, b.target.QueryString(t, "SELECT count(*) FROM base"))
		})
}

// T2: range, list and hash, over several levels, with a default, an empty and a
// detached partition, a leaf whose columns have another order, and a key on the
// leaves alone: one flat table under db9, each row once.
func TestClonePartitionsT2(t *testing.T) {
	t.Parallel()
	bothProfiles(t, `
		CREATE TABLE r (id integer NOT NULL, day date NOT NULL, kind text) PARTITION BY RANGE (day);
		CREATE TABLE r_2020 PARTITION OF r FOR VALUES FROM ('2020-01-01') TO ('2021-01-01') PARTITION BY LIST (kind);
		CREATE TABLE r_2020_a PARTITION OF r_2020 FOR VALUES IN ('a', NULL); CREATE TABLE r_2020_rest PARTITION OF r_2020 DEFAULT PARTITION BY HASH (id);
		CREATE TABLE r_2020_h0 PARTITION OF r_2020_rest FOR VALUES WITH (MODULUS 2, REMAINDER 0); CREATE TABLE r_2020_h1 PARTITION OF r_2020_rest FOR VALUES WITH (MODULUS 2, REMAINDER 1);
		CREATE TABLE turned (kind text, gone integer, day date NOT NULL, id integer NOT NULL); ALTER TABLE turned DROP gone;
		ALTER TABLE r ATTACH PARTITION turned FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
		CREATE TABLE r_empty PARTITION OF r FOR VALUES FROM ('2022-01-01') TO ('2023-01-01'); CREATE TABLE r_rest PARTITION OF r DEFAULT;
		CREATE TABLE free PARTITION OF r FOR VALUES FROM ('2030-01-01') TO ('2031-01-01');
		ALTER TABLE r_2020_a ADD PRIMARY KEY (id); ALTER TABLE turned ADD PRIMARY KEY (id, day);
		INSERT INTO r SELECT n, '2019-06-01'::date + n % 1500, (ARRAY['a', 'b', NULL])[1 + n % 3] FROM generate_series(1, 3000) n;
		INSERT INTO r VALUES (9001, '2030-05-05', 'free'); ALTER TABLE r DETACH PARTITION free`,
		func(t *testing.T, b *bundle, profile string, r result) {
			b.same(t, "r", "free")
			leaves := []string{"r_2020_a", "r_2020_h0", "r_2020_h1", "turned", "r_empty", "r_rest"}
			if profile == "postgres" {
				b.same(t, leaves...)
				return
			}
			require.Equal(t, "2", b.target.QueryString(t, "SELECT count(*) FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace"))
			require.Contains(t, r.out, "partitions become one table")
			require.Contains(t, r.out, "a key of one partition") // none for the whole is promised
		})
}

// T12: columns that the source generates are not sent, and are compared after the
// load; those of 18 that are virtual are stored where the target has no others.
func TestCloneGeneratedT12(t *testing.T) {
	t.Parallel()
	newest := pgtest.Major(t, 18)
	for _, c := range []struct {
		name, profile, kind string
		target              *pgtest.Cluster
	}{
		{"virtual", "postgres", "v", newest},
		{"older", "postgres", "s", pgtest.Server(t)},
		{"db9", "db9", "s", newest},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := &bundle{source: newest.Database(t), target: c.target.Database(t)}
			b.source.Exec(t, `CREATE TABLE g (id integer PRIMARY KEY, a integer, twice bigint GENERATED ALWAYS AS (a * 2) VIRTUAL, kept text GENERATED ALWAYS AS ('n' || a) STORED);
				INSERT INTO g (id, a) SELECT n, n % 7 FROM generate_series(1, 500) n; INSERT INTO g VALUES (501, NULL)`)
			r := b.ok(t, "clone", "--profile", c.profile)
			b.same(t, "g")
			require.Equal(t, c.kind, b.target.QueryString(t, "SELECT attgenerated FROM pg_attribute WHERE attrelid = 'g'::regclass AND attname = 'twice'"), r.out)
			b.target.Exec(t, "UPDATE g SET a = 100 WHERE id = 1")
			require.Equal(t, "200 n100", b.target.QueryString(t, "SELECT twice || ' ' || kept FROM g WHERE id = 1"), "it is generated there")
		})
	}
}

// T18: exclusion, deferrable unique, NULLS NOT DISTINCT, partial and expression
// unique, checks never validated: kept, changed or left with a finding, and read
// back from the target.
func TestCloneConstraintsT18(t *testing.T) {
	t.Parallel()
	const sql = `
		CREATE TABLE t (id integer PRIMARY KEY, a integer, b text, during int4range, CONSTRAINT apart EXCLUDE USING gist (during WITH &&),
			CONSTRAINT late UNIQUE (a, b) DEFERRABLE INITIALLY DEFERRED, CONSTRAINT alike UNIQUE NULLS NOT DISTINCT (b, id));
		CREATE UNIQUE INDEX part ON t (a) WHERE b = 'once'; CREATE UNIQUE INDEX low ON t (lower(b), id);
		INSERT INTO t VALUES (1, -5, 'once', '[1,2)'), (2, NULL, NULL, NULL), (3, 4, 'x', '[5,9)');
		ALTER TABLE t ADD CONSTRAINT broken CHECK (a > 0) NOT VALID`
	bothProfiles(t, sql, func(t *testing.T, b *bundle, profile string, r result) {
		b.same(t, "t")
		const constraints = `SELECT string_agg(conname || ' ' || pg_get_constraintdef(oid), E'\n' ORDER BY conname) FROM pg_constraint WHERE conrelid = 't'::regclass`
		if profile == "postgres" {
			require.Equal(t, b.source.QueryString(t, constraints), b.target.QueryString(t, constraints))
			require.Equal(t, "4", b.target.QueryString(t, "SELECT count(*) FROM pg_indexes WHERE tablename = 't' AND indexname IN ('part', 'low', 'late', 'alike')"))
			return
		}
		for _, want := range []string{
			"the target has no exclusion constraints", "it was deferrable initially deferred: on the target it is checked at once",
			"it was NULLS NOT DISTINCT", "it was never validated",
		} {
			require.Contains(t, r.out, want)
		}
		for _, refused := range []string{
			"INSERT INTO t (id, a, b) VALUES (4, -5, 'once')", // part
			"INSERT INTO t (id, a, b) VALUES (4, 4, 'x')",     // late, at once
		} {
			_, err := b.target.Conn(t).Exec(t.Context(), refused)
			require.ErrorContains(t, err, "23505", refused)
		}
		// What is read back is what stands there: without an index verify sees it.
		b.target.Exec(t, "DROP INDEX low")
		v := b.run(t, "verify", "--profile", "db9")
		require.Equal(t, Differences, v.code, "%s\n%s", v.err, v.out)
		require.Contains(t, v.err, "low")
	})
}

// T10: a table of another access method has no ranges of ctids that are known to
// hold its rows: it is read whole.
func TestCloneOtherAccessMethodT10(t *testing.T) {
	t.Parallel()
	b := setup(t, `CREATE ACCESS METHOD columnar TYPE TABLE HANDLER heap_tableam_handler;
		CREATE TABLE facts (id integer PRIMARY KEY, v text) USING columnar; INSERT INTO facts SELECT n, repeat('x', 200) FROM generate_series(1, 50000) n`)
	r := b.ok(t, "clone", "--profile", "db9", "--jobs", "4", "--report", filepath.Join(t.TempDir(), "r.json"))
	b.same(t, "facts")
	require.Contains(t, r.out, "access method columnar is not kept")
	dry := b.ok(t, "clone", "--profile", "db9", "--jobs", "4", "--dry-run", "--on-existing", "drop")
	require.Regexp(t, `copy public\.facts: .*, \d+ parts?\n`, dry.out)
}

// N10: tables of other sessions, foreign and unlogged tables are left out or
// become ordinary ones, each with a finding where something is lost.
func TestCloneSkippedTablesN10(t *testing.T) {
	t.Parallel()
	bothProfiles(t, "SELECT 1", func(t *testing.T, b *bundle, profile string, _ result) {
		session := b.source.Conn(t)
		_, err := session.Exec(t.Context(), "CREATE TEMP TABLE passing (id integer); INSERT INTO passing VALUES (1)")
		require.NoError(t, err)
		b.source.Exec(t, `CREATE UNLOGGED TABLE fast (id integer PRIMARY KEY); INSERT INTO fast VALUES (1), (2);
			CREATE FOREIGN DATA WRAPPER nothing; CREATE SERVER far FOREIGN DATA WRAPPER nothing; CREATE FOREIGN TABLE away (id integer) SERVER far`)
		r := b.ok(t, "clone", "--profile", profile)
		b.same(t, "fast")
		require.NotContains(t, r.out, "passing")
		persistence := "u"
		if profile == "db9" {
			persistence = "p"
			require.Contains(t, r.out, "the table is logged on the target")
			require.Contains(t, r.out, "the foreign table is left behind")
		}
		require.Equal(t, persistence, b.target.QueryString(t, "SELECT relpersistence FROM pg_class WHERE relname = 'fast'"))
	})
}

// N16: no pg_dump is called, whichever there is, and no text of a dump is read:
// lines that mean something to psql are values like others.
func TestCloneCallsNoPgDumpN16(t *testing.T) {
	const hostile = `\restrict x
\unrestrict x
\connect other
COPY t FROM stdin;
\.
`
	b := setup(t, "CREATE TABLE t (id integer PRIMARY KEY, v text)")
	b.source.Exec(t, "INSERT INTO t VALUES (1, $q$"+hostile+"$q$); COMMENT ON TABLE t IS $q$"+hostile+"$q$;"+
		"CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $f$ SELECT $q$"+hostile+"$q$::text $f$")
	dir := t.TempDir()
	for _, program := range []string{"pg_dump", "pg_dumpall", "pg_restore", "psql", "sed"} {
		script := fmt.Sprintf("#!/bin/sh\ntouch %s/called-%s\nexit 1\n", dir, program)
		require.NoError(t, os.WriteFile(filepath.Join(dir, program), []byte(script), 0o755))
	}
	t.Setenv("PATH", dir)
	b.ok(t, "clone", "--profile", "postgres")
	b.same(t, "t")
	require.Equal(t, hostile, b.target.QueryString(t, "SELECT obj_description('t'::regclass)"))
	require.Equal(t, hostile, b.target.QueryString(t, "SELECT f()"))
	called, err := filepath.Glob(filepath.Join(dir, "called-*"))
	require.NoError(t, err)
	require.Empty(t, strings.Join(called, " "))
}
