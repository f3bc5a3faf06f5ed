package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/db9sim"
	"github.com/pg2db9/pg2db9/internal/ui/report"
)

// office is a source of which everything can be mapped: a tree of partitions, a
// table without a key, a filtered one with what refers to it.
const office = `
	CREATE SCHEMA hr;
	CREATE TYPE hr.grade AS ENUM ('junior', 'senior');
	CREATE TABLE hr.person (id serial PRIMARY KEY, name text NOT NULL, email text UNIQUE, salary numeric, grade hr.grade DEFAULT 'junior',
		seen timestamp, prefs jsonb, address inet, lasts interval, during int4range, note text DEFAULT 'none', secret text NOT NULL);
	INSERT INTO hr.person (name, email, salary, seen, prefs, address, lasts, during, secret)
		SELECT 'person ' || i, i || '@example.com', i * 1.12345, '2020-01-01'::timestamp + i * '1.000001 s'::interval, jsonb_build_object('n', i),
			('10.0.0.' || i % 250)::inet, make_interval(days => i % 40, secs => i / 1000000.0), int4range(i, i + 5), 'secret ' || i FROM generate_series(1, 900) i;
	INSERT INTO hr.person (name, seen, secret) VALUES ('before', '1969-12-31 23:59:59.5', 's'), ('nothing', NULL, 's');
	CREATE TABLE visits (person int NOT NULL REFERENCES hr.person, at date NOT NULL, place text) PARTITION BY RANGE (at);
	CREATE TABLE visits_2023 PARTITION OF visits FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');
	CREATE TABLE visits_2024 PARTITION OF visits FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
	INSERT INTO visits SELECT 1 + i % 900, '2023-01-01'::date + i % 700, 'room ' || i % 7 FROM generate_series(1, 2000) i;
	CREATE TABLE keyless (v int, line text);
	INSERT INTO keyless SELECT i % 10, repeat('x', i % 30) FROM generate_series(1, 1000) i;
	CREATE TABLE audit (id bigserial PRIMARY KEY, line text);
	INSERT INTO audit (line) SELECT 'line ' || i FROM generate_series(1, 100) i;
	CREATE INDEX person_name ON hr.person (lower(name));
	COMMENT ON COLUMN hr.person.name IS 'the whole name';`

// officeMapping maps all that office has.
const officeMapping = `schemas:
  hr: staff
types:
  interval: {option: text}
tables:
  hr.person:
    name: staff.people
    columns:
      name: {name: full_name}
      salary: {type: "numeric(20,4)"}
      seen: {option: bigint}
      prefs: {type: json}
      address: {type: text}
      during: {option: two columns}
    extra:
      tenant: {type: int, default: "7", not-null: true}
      imported: {type: date, default: "'2020-02-02'"}
  audit: {data: false}
exclude-columns: [hr.person.secret]
where:
  visits: person <= 100 AND place <> 'room 3'
  keyless: v < 3
`

func mappingFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "map.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func reportOf(t *testing.T, path string) report.Report {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	noSecret(t, string(data))
	var rep report.Report
	require.NoError(t, json.Unmarshal(data, &rep))
	return rep
}

// requireOffice looks at what stands on the target, by SQL.
func requireOffice(t *testing.T, b *bundle, visits ...string) {
	t.Helper()
	q := func(sql string) string { return b.target.QueryString(t, sql) }
	require.Equal(t,
		b.source.QueryString(t, "SELECT md5(string_agg(concat_ws('|', id, name, email, round(salary, 4), grade, address, during, note), ',' ORDER BY id)) FROM hr.person"),
		q("SELECT md5(string_agg(concat_ws('|', id, full_name, email, salary, grade, address, CASE WHEN during_lower IS NOT NULL THEN int4range(during_lower, during_upper) END, note), ',' ORDER BY id)) FROM staff.people"))
	require.Equal(t,
		b.source.QueryString(t, "SELECT sum(extract(epoch FROM seen)::numeric * 1000000)::bigint || ' ' || min(extract(epoch FROM seen)::numeric * 1000000)::bigint FROM hr.person"),
		q("SELECT sum(seen) || ' ' || min(seen) FROM staff.people"))
	require.Equal(t, b.source.QueryString(t, "SELECT string_agg(lasts::text, '|' ORDER BY id) FROM hr.person"), q("SELECT string_agg(lasts, '|' ORDER BY id) FROM staff.people"))
	require.Equal(t, b.source.QueryString(t, "SELECT string_agg(prefs::text, '|' ORDER BY id) FROM hr.person"), q("SELECT string_agg(prefs::text, '|' ORDER BY id) FROM staff.people"))
	require.Equal(t, "902 902", q("SELECT count(*) FILTER (WHERE tenant = 7) || ' ' || count(imported) FROM staff.people"))
	require.Equal(t, "0", q("SELECT count(*) FROM information_schema.columns WHERE column_name IN ('secret', 'name') AND table_name = 'people'"))
	sql := " WHERE person <= 100 AND place <> 'room 3'"
	want := "SELECT md5(string_agg(concat_ws('|', person, at, place), ',' ORDER BY person, at, place)) FROM "
	for i, table := range visits {
		source := []string{"visits", "visits_2023", "visits_2024"}[i]
		require.Equal(t, b.source.QueryString(t, want+source+sql), q(want+table), table)
	}
	require.Equal(t, b.source.QueryString(t, "SELECT count(*) FROM keyless WHERE v < 3"), q("SELECT count(*) FROM keyless"))
	require.Equal(t, "0", q("SELECT count(*) FROM audit"))
	require.Equal(t, "903", q("SELECT last_value + 1 FROM staff.person_id_seq"), "the sequence goes with its table")
	require.Equal(t, "101", q("SELECT last_value + 1 FROM audit_id_seq"))
}

// F1, F5, F6, F8, F9, T14: names, types, columns, rows and tables without
// theirs, in one mapping, to a PostgreSQL: verified, said in each report, and
// found again by verify alone.
func TestCloneMapped(t *testing.T) {
	t.Parallel()
	b := setup(t, office)
	m := mappingFile(t, officeMapping)
	dir := t.TempDir()
	js, md := filepath.Join(dir, "r.json"), filepath.Join(dir, "r.md")
	r := b.ok(t, "clone", "--mapping", m, "--report", js, "--report", md)
	require.Contains(t, r.last(), "done and verified")
	require.Contains(t, r.last(), "1 table without data, as asked")
	requireOffice(t, b, "visits", "visits_2023", "visits_2024")
	require.Equal(t, "CREATE INDEX person_name ON staff.people USING btree (lower(full_name))", b.target.QueryString(t, "SELECT pg_get_indexdef('staff.person_name'::regclass)"))
	require.Equal(t, "the whole name", b.target.QueryString(t, "SELECT col_description('staff.people'::regclass, 2)"))
	require.Equal(t, "t", b.target.QueryString(t, "SELECT bool_and(convalidated)::text::char FROM pg_constraint WHERE contype = 'f'"))

	rep := reportOf(t, js)
	verdicts := map[string]string{}
	for _, x := range rep.Tables {
		verdicts[x.Target] = x.Verdict
	}
	require.Equal(t, map[string]string{
		"staff.people": "match", "public.visits": "match", "public.visits_2023": "match", "public.visits_2024": "match", "public.keyless": "match", "public.audit": "skipped",
	}, verdicts)
	require.Len(t, rep.Mapping, 18)
	markdown, err := os.ReadFile(md)
	require.NoError(t, err)
	for _, text := range []string{string(markdown), r.out} {
		for _, want := range []string{"Mapping", "hr.person", "staff.people", "without data by " + m, "v < 3", "filter.column", "filter.data", "filter.rows", "mapping.type", "mapping.added"} {
			require.Contains(t, text, want)
		}
	}

	args := []string{"--mapping", m}
	v := b.ok(t, "verify", args...)
	require.Contains(t, v.last(), "verified: 5 tables")
	require.Contains(t, v.last(), "1 table without data, as asked")
	// A row too many, one that is missing and a changed one are found, each.
	for _, c := range []struct{ plant, undo, table string }{
		{"INSERT INTO visits VALUES (1, '2023-01-01', 'room 3')", "DELETE FROM visits WHERE place = 'room 3'", "public.visits_2023"},
		{"UPDATE staff.people SET seen = seen + 1 WHERE id = 7", "UPDATE staff.people SET seen = seen - 1 WHERE id = 7", "staff.people"},
		{"INSERT INTO keyless VALUES (5, 'x')", "DELETE FROM keyless WHERE v = 5", "public.keyless"},
		{"UPDATE staff.people SET full_name = 'other' WHERE id = 8", "UPDATE staff.people SET full_name = 'person 8' WHERE id = 8", "staff.people"},
	} {
		b.target.Exec(t, c.plant)
		v := b.run(t, "verify", args...)
		require.Equal(t, Differences, v.code, c.plant)
		require.Contains(t, v.last(), c.table)
		b.target.Exec(t, c.undo)
	}
	b.target.Exec(t, "UPDATE staff.people SET tenant = 8") // the target's own
	b.ok(t, "verify", args...)
	// Rows beyond the filter are no difference on the source, and differences on the target.
	b.source.Exec(t, "INSERT INTO keyless VALUES (9, 'more'); INSERT INTO audit VALUES (1000, 'more')")
	b.ok(t, "verify", args...)
	require.Equal(t, Differences, b.run(t, "verify").code, "without its mapping nothing fits")
}

// The same through a target with DB9's worst documented side: batches, no
// partitions, reading back by key.
func TestCloneMappedThroughStandIn(t *testing.T) {
	t.Parallel()
	b := setup(t, office)
	db := b.target
	sim, err := db9sim.Start(t.Context(), db9sim.Config{Backend: db.URL, Rules: db9sim.Strict()})
	require.NoError(t, err)
	t.Cleanup(sim.Close)
	m := mappingFile(t, officeMapping)
	js := filepath.Join(t.TempDir(), "r.json")
	source := []string{"--source", withPassword(b.source.URL), "--target", sim.URL(), "--probe", "never", "--mapping", m}
	r := run(t, append(append([]string{"clone"}, source...), "--report", js)...)
	require.Equal(t, OK, r.code, "%s\n%s", r.err, r.out)
	for _, x := range reportOf(t, js).Tables {
		want := "match"
		if x.Target == "public.audit" {
			want = "skipped"
		}
		require.Equal(t, want, x.Verdict, "%s: %s", x.Target, x.Detail)
	}
	requireOffice(t, b, "visits")
	v := run(t, append([]string{"verify"}, source...)...)
	require.Equal(t, OK, v.code, "%s\n%s", v.err, v.out)
	db.Exec(t, "UPDATE staff.people SET salary = salary + 0.0001 WHERE id = 30")
	v = run(t, append([]string{"verify"}, source...)...)
	require.Equal(t, Differences, v.code)
	require.Contains(t, v.last(), "staff.people")
}

// F1, F8: the flags alone, also through copy, into tables of other names that
// have more columns, in another order (T14).
func TestCopyMappedByFlags(t *testing.T) {
	t.Parallel()
	b := setup(t, `CREATE TABLE t (id int PRIMARY KEY, a text, secret text); INSERT INTO t SELECT i, 'a' || i, 'no' FROM generate_series(1, 50) i;
		CREATE TABLE log (id int PRIMARY KEY); INSERT INTO log VALUES (1);
		CREATE TABLE "Odd, name" ("Sec.ret" text, b int); INSERT INTO "Odd, name" VALUES ('x', 1), ('y', 2)`)
	b.target.Exec(t, `CREATE TABLE t (own timestamptz DEFAULT now(), a text, id int, more text); CREATE TABLE "Odd, name" (b int, own int DEFAULT 5); CREATE TABLE log (id int); INSERT INTO log VALUES (99)`)
	args := []string{
		"--exclude-column", "t.sec*", "--exclude-column", `"Sec.ret"`, "--where", "t=id % 2 = 0 AND a IN ('a2', 'a4', 'a6')", "--where", `"Odd, name"=b = 2`,
		"--exclude-table-data", "log",
	}
	r := b.ok(t, "copy", args...)
	require.Contains(t, r.last(), "1 table without data, as asked")
	require.Equal(t, "2,4,6", b.target.QueryString(t, "SELECT string_agg(id::text, ',' ORDER BY id) FROM t WHERE own IS NOT NULL AND more IS NULL"))
	require.Equal(t, "2 5", b.target.QueryString(t, `SELECT b || ' ' || own FROM "Odd, name"`))
	require.Equal(t, "99", b.target.QueryString(t, "SELECT string_agg(id::text, ',') FROM log"), "a table without data is left as it is")
	again := append([]string{"--on-existing", "truncate"}, args...)
	b.ok(t, "copy", again...)
	require.Equal(t, "99", b.target.QueryString(t, "SELECT string_agg(id::text, ',') FROM log"), "nor is it emptied")
	// An environment variable holds one condition, commas and all.
	c := b.call("copy", "--on-existing", "truncate", "--include-table", "t", "--exclude-column", "secret")
	c.env = map[string]string{"PG2DB9_WHERE": "t=id IN (1, 3)"}
	require.Equal(t, OK, c.run(t).code)
	require.Equal(t, "1,3", b.target.QueryString(t, "SELECT string_agg(id::text, ',' ORDER BY id) FROM t"))
}

// Impossible mappings name their line, or their flag, and end with code 2
// before anything is written.
func TestImpossibleMappings(t *testing.T) {
	t.Parallel()
	b := setup(t, office+`CREATE TABLE other (id int PRIMARY KEY, v point, "Upper" text); CREATE VIEW seen AS SELECT 1 AS one; CREATE TABLE hr.visits (id int);`)
	t.Cleanup(func() { b.untouched(t) })
	long := strings.Repeat("n", 64)
	for _, c := range []struct {
		name, file string
		args       []string
		want       string
	}{
		{"unknown key", "tables:\n  other:\n    nane: x\n", nil, ":3: tables.other.nane: unknown key; the keys here are columns, data, extra, name, where"},
		{"unknown key at the top", "\nschema: {}\n", nil, ":2: schema: unknown key"},
		{"no YAML", "tables: [\n", nil, "no valid YAML"},
		{"unknown schema", "schemas:\n  hrr: x\n", nil, ":2: schemas.hrr: the source has no schema hrr"},
		{"unknown table", "tables:\n  othr: {name: x}\n", nil, ":2: tables.othr.name: the source has no table othr; did you mean public.other?"},
		{"ambiguous table", "tables:\n  visits: {name: x}\n", nil, "in several schemas"},
		{"a view", "tables:\n  public.seen: {name: x}\n", nil, "public.seen is a view"},
		{"unknown column", "columns:\n  public.other.idd: {name: x}\n", nil, ":2: columns.public.other.idd: table public.other has no column idd; did you mean id?"},
		{"unknown type", "columns:\n  public.other.v: {type: pointt}\n", nil, ":2: columns.public.other.v: there is no type pointt"},
		{"a modifier", "columns:\n  public.other.v: {type: varchar(0)}\n", nil, "a length is 1 to 10485760"},
		{"no column of the type", "types:\n  macaddr: text\n", nil, ":2: types.macaddr: no column has type macaddr"},
		{"one name for two tables", "tables:\n  other: {name: audit}\n", nil, ":2: tables.other.name: table public.other would be named public.audit, as table public.audit is"},
		{"a name of an index", "tables:\n  other: {name: audit_pkey}\n", nil, "as index public.audit_pkey is"},
		{"one name for two columns", "columns:\n  public.other.id: {name: v}\n", nil, ":2: columns.public.other.id: columns id and v of public.other would both be named v"},
		{"schemas that collide", "schemas:\n  hr: public\n", nil, ":2: schemas.hr: table hr.visits would be named public.visits, as table public.visits is"},
		{"a long name", "tables:\n  other:\n    name: " + long + "\n", nil, ":3: tables.other.name: the name \"" + long + "\" has 64 bytes; 63 are allowed"},
		{"a schema of the server's", "tables:\n  other: {name: pg_catalog.other}\n", nil, "schema pg_catalog is not the user's to write to"},
		{"an extra column that is there", "tables:\n  other:\n    extra:\n      v: {type: int}\n", nil, ":4: tables.other.extra.v: table public.other has a column v already"},
		{"not null without a value", "tables:\n  other:\n    extra:\n      x: {type: int, not-null: true}\n", nil, ":4: tables.other.extra.x: a column that is NOT NULL needs a default"},
		{"a default that is none", "tables:\n  other:\n    extra:\n      x: {type: int, default: nonsense()}\n", nil, ":4: tables.other.extra.x: the source refuses the default of x, nonsense()"},
		{"an excluded key", "exclude-columns: [other.id]\n", nil, ":1: exclude-columns: column id of public.other stands in primary key other_pkey: keep the column"},
		{"an excluded key by a flag", "", []string{"--exclude-column", "other.id"}, "--exclude-column: column id of public.other stands in primary key other_pkey"},
		{"an excluded partition key", "", []string{"--exclude-column", "visits*.at"}, "--exclude-column: column at of public.visits stands in its partition key"},
		{"a partition's column alone", "", []string{"--exclude-column", "visits_2023.place"}, "comes from public.visits"},
		{"every column", "exclude-columns: [{pattern: hr.visits.id}]\n", nil, "every column of hr.visits is excluded"},
		{"a pattern that matches nothing", "", []string{"--exclude-column", "persn.name"}, "--exclude-column: persn.name matches nothing"},
		{"data of nothing", "", []string{"--exclude-table-data", "auditt"}, "--exclude-table-data: auditt matches nothing; did you mean public.audit?"},
		{"where of nothing", "where:\n  audit2: id > 1\n", nil, ":2: where.audit2: audit2 matches nothing"},
		{"where without a condition", "", []string{"--where", "audit"}, `--where: "audit" is not TABLE=CONDITION`},
		{"a where that is no SQL", "where:\n  audit: id >\n", nil, ":2: where.audit: the source refuses where id >: syntax error"},
		{"a where of another column", "", []string{"--where", "audit=idd > 1"}, "--where: the source refuses where idd > 1"},
		{"a where that is no condition", "", []string{"--where", "audit=id"}, "argument of WHERE must be type boolean"},
		{"a where that ends its parenthesis", "", []string{"--where", "audit=true) OR (true"}, "it closes a parenthesis that it did not open"},
		{"a where with a statement", "", []string{"--where", "audit=true; DELETE FROM audit"}, "a semicolon ends no condition"},
		{"a where with a comment", "", []string{"--where", "audit=true -- "}, "is not closed"},
		{"no cast", "columns:\n  public.other.v: {type: integer}\n", nil, ":2: columns.public.other.v: the source refuses column v of public.other as"},
		{"rows for a row", "columns:\n  public.audit.line: {select: \"unnest(ARRAY[line, line])\"}\n", nil, "does not give each row one value of its own"},
		{"a count for a row", "columns:\n  public.audit.line: {select: \"count(*)::text\"}\n", nil, "does not give each row one value of its own"},
		{"no such option", "columns:\n  public.audit.line: {option: bigint}\n", nil, `for which there is no option "bigint"`},
		{"an identity of text", "columns:\n  hr.person.email: {exclude: true, name: x}\n", nil, "the column is excluded, and named or converted as well"},
		{"twice", "tables:\n  other: {columns: {v: {name: w}}}\ncolumns:\n  public.other.v: {name: x}\n", nil, ":4: columns.public.other.v: column v of public.other is mapped twice"},
		{"a type that the target lacks", "columns:\n  public.audit.id: {type: smallint}\n", []string{"--profile", "db9"}, ":2: columns.public.audit.id: the target has no type smallint: ask for integer"},
		{"no such file", "", []string{"--mapping", "/nowhere/map.yaml"}, "--mapping: the mapping /nowhere/map.yaml cannot be read"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			args := c.args
			if c.file != "" {
				args = append([]string{"--mapping", mappingFile(t, c.file)}, args...)
			}
			r := b.run(t, "clone", args...)
			require.Equal(t, Usage, r.code, "%s\n%s", r.err, r.out)
			require.Contains(t, r.err, c.want)
		})
	}
}
