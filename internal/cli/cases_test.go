package cli

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// values are types with their extremes: the type, and literals of it.
var values = []struct {
	typ      string
	literals []string
}{
	{"boolean", []string{"true", "false"}},
	{"smallint", []string{"-32768", "0", "32767"}},
	{"integer", []string{"-2147483648", "0", "2147483647"}},
	{"bigint", []string{"-9223372036854775808", "9007199254740993", "9223372036854775807"}},
	{"real", []string{"'-0'", "1e-45", "3.4028235e38", "0.1", "'NaN'", "'Infinity'", "'-Infinity'", "16777217", "1e10"}},
	{"double precision", []string{"'-0'", "5e-324", "1.7976931348623157e308", "0.1", "'NaN'", "'Infinity'", "'-Infinity'", "1e22"}},
	{"numeric", []string{"0", "1.500", "-12345678901234567890.12345678", "0.0000000000000000000000000001"}},
	{"numeric(12,4)", []string{"99999999.9999", "-0.0001", "0"}},
	{"text", []string{"''", "' '", "repeat('x', 10000)", "E'\\\\N'", "E'a\\tb\\nc\\\\'"}},
	{"varchar(20)", []string{"''", "'trailing  '", "'twenty characters ab'"}},
	{"char(5)", []string{"''", "'ab'", "'abcde'"}},
	{`"char"`, []string{"'a'", "''"}},
	{"name", []string{"''", "'" + strings.Repeat("n", 63) + "'"}},
	{"bytea", []string{"''", `'\x00ff5c0a'`}},
	{"date", []string{"'0001-01-01'", "'9999-12-31'", "'2024-02-29'"}},
	{"time", []string{"'00:00:00'", "'23:59:59.999999'"}},
	{"timetz", []string{"'12:00:00+02'", "'23:59:59.999999-15:59:59'"}},
	{"timestamp", []string{"'2024-02-29 12:34:56.789'", "'1970-01-01'"}},
	{"timestamptz", []string{"'2024-02-29 12:34:56.789+05:45'", "'1970-01-01Z'"}},
	{"interval", []string{"'1 year 2 mons'", "'-3 days 04:05:06.789'", "'0'"}},
	{"uuid", []string{"'00000000-0000-0000-0000-000000000000'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'"}},
	{"json", []string{`'{"b": 1, "a":  2, "a": null}'`, "'null'", `'"\\u00e9"'`}},
	{"jsonb", []string{`'{"b": 1, "a": [1.10, null]}'`, "'null'", "'[]'"}},
	{"inet", []string{"'10.0.0.1'", "'10.0.0.0/8'", "'::1/64'"}},
	{"cidr", []string{"'10.0.0.0/8'", "'::/0'"}},
	{"macaddr", []string{"'08:00:2b:01:02:03'"}},
	{"macaddr8", []string{"'08:00:2b:01:02:03:04:05'"}},
	{"bit(3)", []string{"B'101'", "B'000'"}},
	{"varbit", []string{"B''", "B'1'", "B'10101010101'"}},
	{"money", []string{"'0'", "'-92233720368547758.08'", "'1234.56'"}},
	{"point", []string{"'(1.5,-0)'"}},
	{"box", []string{"'(1,2),(3,4)'"}},
	{"path", []string{"'[(0,0),(1,1)]'", "'((0,0),(1,1))'"}},
	{"circle", []string{"'<(0,0),1.5>'"}},
	{"tsvector", []string{"'a:1A b:2,3C'", "''"}},
	{"tsquery", []string{"'a & !b | c:*'"}},
	{"xml", []string{"'<a>&amp;</a>'", "'text<b/>'"}},
	{"int4range", []string{"'empty'", "'[1,5)'", "'(,)'"}},
	{"tstzrange", []string{"'[2020-01-01 00:00:00Z,2021-01-01 00:00:00Z)'", "'(,2021-01-01Z]'"}},
	{"oid", []string{"0", "4294967295"}},
	{"pg_lsn", []string{"'0/0'", "'FFFFFFFF/FFFFFFFF'"}},
	{"regclass", []string{"'pg_class'"}},
	{"public.mood", []string{"'it''s, ok'", "'SAD'"}},
	{"public.positive", []string{"1", "2147483647"}},
	{"public.pair", []string{`'(1,"a,b")'`, "'(,)'"}},
}

// valuesSchema makes a table a type, with NULL, its extremes, and arrays of
// them.
func valuesSchema() string {
	var b strings.Builder
	b.WriteString(`CREATE TYPE public.mood AS ENUM ('it''s, ok', 'SAD', 'b');
		CREATE DOMAIN public.positive AS integer DEFAULT 5 CHECK (VALUE > 0);
		CREATE TYPE public.pair AS (n integer, t text);`)
	for i, v := range values {
		typ := v.typ
		fmt.Fprintf(&b, "CREATE TABLE public.v%d (n integer PRIMARY KEY, v %s, a %s[]);", i, typ, typ)
		fmt.Fprintf(&b, "INSERT INTO public.v%d VALUES (-1, NULL, NULL), (-2, NULL, '{}'), (-3, NULL, '{NULL}');", i)
		for j, l := range v.literals {
			fmt.Fprintf(&b, "INSERT INTO public.v%d VALUES (%d, %s, ARRAY[%s]::%s[]);", i, j, l, l, typ)
		}
	}
	return b.String()
}

// Every type with NULL, empty, minimum and maximum, in a column and in an
// array: verified, and equal by SQL (V1, V3, V6, V7, V12, V17, V19, V20).
func TestCloneValuesOfEveryType(t *testing.T) {
	t.Parallel()
	for _, major := range []int{13, 18} {
		t.Run(fmt.Sprint(major), func(t *testing.T) {
			t.Parallel()
			b := &bundle{source: pgtest.Major(t, major).Database(t), target: pgtest.Server(t).Database(t)}
			b.source.Exec(t, valuesSchema())
			b.ok(t, "clone", "--profile", "postgres")
			for i := range values {
				b.same(t, fmt.Sprintf("public.v%d", i))
			}
		})
	}
}

// The same under profile db9: each type is carried or mapped, the values are
// equal under the mapping, and each change is a finding. (Simulated: the target
// is a PostgreSQL.)
func TestCloneValuesUnderDB9(t *testing.T) {
	t.Parallel()
	b := setup(t, valuesSchema())
	r := b.ok(t, "clone", "--profile", "db9")
	require.Contains(t, r.out, "simulated")
	for i, v := range values {
		table := fmt.Sprintf("public.v%d", i)
		require.Equal(t, b.source.QueryString(t, "SELECT count(*) FROM "+table), b.target.QueryString(t, "SELECT count(*) FROM "+table), v.typ)
		switch v.typ {
		case "money", "oid", "real", "public.pair", "cidr", "inet": // compared below, or in ddlgen's cases
		default:
			sql := "SELECT coalesce(string_agg(rtrim(v::text), '|' ORDER BY n), '-') FROM " + table
			require.Equal(t, b.source.QueryString(t, sql), b.target.QueryString(t, sql), v.typ)
		}
	}
	reals := indexOf("real")
	require.Equal(t,
		b.source.QueryString(t, fmt.Sprintf("SELECT string_agg(v::text, '|' ORDER BY n) FROM public.v%d", reals)),
		b.target.QueryString(t, fmt.Sprintf("SELECT string_agg(v::real::text, '|' ORDER BY n) FROM public.v%d", reals)))
	require.Equal(t, "1234.56", b.target.QueryString(t, fmt.Sprintf("SELECT v::text FROM public.v%d WHERE n = 2", indexOf("money"))))
	require.Equal(t, "integer character varying double precision", b.target.QueryString(t, fmt.Sprintf(
		`SELECT string_agg(data_type, ' ' ORDER BY table_name = 'v%d', table_name = 'v%d') FROM information_schema.columns
		  WHERE column_name = 'v' AND table_name IN ('v%d', 'v%d', 'v%d')`,
		indexOf("real"), indexOf("char(5)"), indexOf("smallint"), indexOf("real"), indexOf("char(5)"))))
}

func indexOf(typ string) int {
	for i, v := range values {
		if v.typ == typ {
			return i
		}
	}
	return -1
}

// Dates and times that only PostgreSQL can hold: infinities, BC, the last year,
// 24:00, are carried to a PostgreSQL (V7).
func TestCloneFarDates(t *testing.T) {
	t.Parallel()
	b := setup(t, `CREATE TABLE public.t (d date, ts timestamp, tz timestamptz, tm time, tt timetz, i interval);
		INSERT INTO public.t VALUES ('infinity', 'infinity', 'infinity', '24:00', '24:00:00+15:59', '178000000 years'),
			('-infinity', '-infinity', '-infinity', '00:00', '00:00-00:00:01', '-178000000 years'),
			('4713-01-01 BC', '4713-01-01 00:00:00 BC', '4713-01-02 00:00:00Z BC', '12:00:60', '12:00:60', '-1 day +24:00:00.000001'),
			('5874897-12-31', '294276-12-31 23:59:59.999999', '294276-12-31 23:59:59.999999Z', '0:0', '0:0', '1 day')`)
	b.ok(t, "clone")
	b.same(t, "public.t")
}

// Names at every level that need care: odd characters, twins that differ by
// case or look quoted, 63 bytes, keywords, equal names in several schemas, no
// table in public, schemas that depend on each other both ways (N1 to N6).
func TestCloneNames(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", 31) + "x"
	odd := []string{
		"with space", "Capital", "capital", "do.t", "-dash", "semi;colon", "com,ma", "tab\tin", "new\nline", `dou"ble`, `back\slash`,
		"%percent%", "$1:", `"quoted"`, "quoted", "select", "table", "'apos'", long, "日本",
	}
	var sql strings.Builder
	q := func(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }
	sql.WriteString(`DROP SCHEMA public; CREATE SCHEMA one; CREATE SCHEMA "Two"; CREATE SEQUENCE "Two".shared;
		CREATE TABLE one.a (id integer PRIMARY KEY DEFAULT nextval('"Two".shared'));
		CREATE TABLE "Two".a (id integer PRIMARY KEY, other integer REFERENCES one.a);
		ALTER TABLE one.a ADD other integer REFERENCES "Two".a;
		INSERT INTO one.a SELECT FROM generate_series(1, 3); INSERT INTO "Two".a SELECT n, n FROM generate_series(1, 3) n; UPDATE one.a SET other = id;`)
	for i, s := range odd {
		fmt.Fprintf(&sql, "CREATE SCHEMA %s;", q(s))
		for j := range 2 {
			name := odd[(i+j)%len(odd)]
			fmt.Fprintf(&sql, `CREATE TABLE %[1]s.%[2]s (%[2]s integer GENERATED ALWAYS AS IDENTITY CONSTRAINT %[3]s PRIMARY KEY, %[4]s text DEFAULT %[5]s CHECK (%[4]s <> 'x'));
				CREATE INDEX %[6]s ON %[1]s.%[2]s (%[4]s, %[2]s);
				COMMENT ON COLUMN %[1]s.%[2]s.%[4]s IS %[5]s; INSERT INTO %[1]s.%[2]s (%[4]s) VALUES (%[5]s), (NULL), (%[5]s);`,
				q(s), q(name), q(cutBytes("pk "+name)), q(cutBytes("v "+name)), "E'"+strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(name)+"'", q(cutBytes("ix "+name)))
		}
	}
	for _, profile := range []string{"postgres", "db9"} {
		t.Run(profile, func(t *testing.T) {
			t.Parallel()
			b := setup(t, sql.String())
			b.ok(t, "clone", "--profile", profile)
			b.same(t, "one.a", `"Two".a`)
			const tables = `SELECT count(*) || ' ' || md5(string_agg(table_schema || '|' || table_name || '|' || column_name, ',' ORDER BY table_schema COLLATE "C", table_name COLLATE "C", column_name COLLATE "C"))
				FROM information_schema.columns WHERE table_schema NOT IN ('pg_catalog', 'information_schema', '_pg2db9')`
			require.Equal(t, b.source.QueryString(t, tables), b.target.QueryString(t, tables))
			for _, s := range odd {
				b.same(t, q(s)+"."+q(s))
			}
			b.ok(t, "verify", "--profile", profile)
		})
	}
}

// cutBytes cuts a name to 63 bytes at a character's border.
func cutBytes(s string) string {
	for len(s) > 63 {
		r := []rune(s)
		s = string(r[:len(r)-1])
	}
	return s
}

// Generated columns are not copied but made by the target, and verified (T12);
// identity of both kinds with its options, a sequence in another schema, two
// tables on one sequence (T13, T30).
func TestCloneGeneratedAndSequences(t *testing.T) {
	t.Parallel()
	b := setup(t, `CREATE SCHEMA s; CREATE SEQUENCE s.shared START 10 INCREMENT 10;
		CREATE TABLE public.g (a integer, b integer GENERATED ALWAYS AS (a * 2) STORED, c text);
		INSERT INTO public.g (a, c) SELECT n, 'x' FROM generate_series(1, 50) n;
		CREATE TABLE public.i (id integer GENERATED ALWAYS AS IDENTITY (START 100 INCREMENT 5 MINVALUE 7 MAXVALUE 100000 CYCLE CACHE 3) PRIMARY KEY, v text);
		CREATE TABLE public.d (id bigint GENERATED BY DEFAULT AS IDENTITY (START -1 INCREMENT -1) PRIMARY KEY, v text);
		CREATE TABLE public.x (id integer DEFAULT nextval('s.shared')); CREATE TABLE public.y (id integer DEFAULT nextval('s.shared'));
		CREATE TABLE public.old (id smallserial);
		INSERT INTO public.i (v) SELECT 'v' FROM generate_series(1, 7); INSERT INTO public.d (v) SELECT 'v' FROM generate_series(1, 7);
		INSERT INTO public.x DEFAULT VALUES; INSERT INTO public.y DEFAULT VALUES;`)
	b.ok(t, "clone", "--profile", "postgres")
	b.same(t, "public.g", "public.i", "public.d", "public.x", "public.y")
	next := "INSERT INTO public.%s (v) VALUES ('next') RETURNING id"
	for _, table := range []string{"i", "d"} {
		require.Equal(t, b.source.QueryString(t, fmt.Sprintf(next, table)), b.target.QueryString(t, fmt.Sprintf(next, table)), table)
	}
	for _, sql := range []string{
		"INSERT INTO public.x DEFAULT VALUES RETURNING id", "INSERT INTO public.y DEFAULT VALUES RETURNING id", "INSERT INTO public.old DEFAULT VALUES RETURNING id",
		"SELECT seqstart || ' ' || seqincrement || ' ' || seqmin || ' ' || seqmax || ' ' || seqcache || ' ' || seqcycle FROM pg_sequence WHERE seqrelid = 'public.i_id_seq'::regclass",
	} {
		require.Equal(t, b.source.QueryString(t, sql), b.target.QueryString(t, sql), sql)
	}
}

// Foreign keys in a cycle, to itself, to a partitioned table, composite with
// MATCH FULL, NOT VALID with orphans: made after the rows, in an order that
// works (T19).
func TestCloneForeignKeys(t *testing.T) {
	t.Parallel()
	b := setup(t, `
		CREATE TABLE public.a (id integer PRIMARY KEY, b integer); CREATE TABLE public.b (id integer PRIMARY KEY, a integer REFERENCES public.a DEFERRABLE INITIALLY DEFERRED);
		INSERT INTO public.b VALUES (1, NULL); INSERT INTO public.a VALUES (1, 1); UPDATE public.b SET a = 1;
		ALTER TABLE public.a ADD FOREIGN KEY (b) REFERENCES public.b ON DELETE SET NULL;
		CREATE TABLE public.tree (id integer PRIMARY KEY, parent integer REFERENCES public.tree ON DELETE CASCADE);
		INSERT INTO public.tree VALUES (1, NULL), (2, 1), (3, 2);
		CREATE TABLE public.p (id integer, k integer, PRIMARY KEY (id, k)) PARTITION BY LIST (k);
		CREATE TABLE public.p1 PARTITION OF public.p FOR VALUES IN (1); CREATE TABLE public.pd PARTITION OF public.p DEFAULT;
		INSERT INTO public.p VALUES (1, 1), (2, 2);
		CREATE TABLE public.c (id integer, k integer, FOREIGN KEY (id, k) REFERENCES public.p MATCH FULL);
		INSERT INTO public.c VALUES (1, 1), (NULL, NULL);
		CREATE TABLE public.orphans (id integer); INSERT INTO public.orphans VALUES (99);
		ALTER TABLE public.orphans ADD FOREIGN KEY (id) REFERENCES public.a NOT VALID`)
	b.ok(t, "clone", "--profile", "postgres")
	const keys = `SELECT string_agg(conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid), E'\n' ORDER BY 1) FROM (
		SELECT * FROM pg_constraint WHERE contype = 'f' AND conparentid = 0 ORDER BY conrelid::regclass::text, conname) k`
	require.Equal(t, b.source.QueryString(t, keys), b.target.QueryString(t, keys))
	b.same(t, "public.a", "public.b", "public.tree", "public.p", "public.c", "public.orphans")
}

// Tables of 50, 500 and 1,600 columns, with dropped slots between live ones (N9).
func TestCloneWideTables(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, n := range []int{50, 500, 1600} {
		columns, marks := make([]string, n), make([]string, n)
		for i := range columns {
			columns[i], marks[i] = fmt.Sprintf("c%d boolean", i), fmt.Sprint(i%2 == 0)
		}
		b.source.Exec(t, fmt.Sprintf("CREATE TABLE public.w%[1]d (%[2]s); INSERT INTO public.w%[1]d VALUES (%[3]s), (%[3]s); ALTER TABLE public.w%[1]d DROP c3, DROP c7",
			n, strings.Join(columns, ","), strings.Join(marks, ",")))
	}
	b.ok(t, "clone", "--profile", "postgres")
	b.same(t, "public.w50", "public.w500", "public.w1600")
}
