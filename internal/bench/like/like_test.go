package like

import (
	"encoding/binary"
	"io"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/bench/shape"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// everything has a column of each type whose values are made, each with values of
// another size, some NULL.
const everything = `
	CREATE TYPE mood AS ENUM ('good', E'so\tso', 'ba"d', 'back\slash');
	CREATE DOMAIN code AS varchar(12); CREATE DOMAIN code2 AS code;
	CREATE TABLE t (id bigint PRIMARY KEY, "An int" int, small smallint NOT NULL, big bigint, o oid, ok boolean, r real, d double precision,
		n numeric, price numeric(12,2), whole numeric(20,0), exact numeric(30,10),
		at timestamp, tz timestamptz, day date, clock time, clockz timetz(3), i interval, u uuid, txt text, body text, v varchar(20), c char(30), nm name, ch "char",
		b bytea, j json, jb jsonb, ip inet, net cidr, mac macaddr, mac8 macaddr8, bit5 bit(5), vb varbit, p point, ir int4range, lsn pg_lsn,
		m mood, ms mood[], dom code2, ints int[], texts text[], tzs timestamptz[], numbers numeric[], few text, nothing box, gone int,
		"id " int, made int GENERATED ALWAYS AS (3) STORED);
	ALTER TABLE t DROP COLUMN gone;
	INSERT INTO t SELECT n, CASE WHEN n % 4 = 0 THEN NULL ELSE n END, n % 900, n * 1000003::bigint, n, n % 3 = 0, n / 3.0, sqrt(n),
		n * 1234567.891, n / 7.0, n * 10000000019, n / 9.0,
		now(), now(), current_date - n, '12:00:01.25', '12:00:01.25+02', '3 days 02:00', md5(n::text)::uuid,
		CASE WHEN n % 5 > 0 THEN repeat(md5(n::text), n % 5) END, md5(n::text), left(md5(n::text), 5 + n % 15), 'fixed', 'name', 'x',
		decode(repeat(md5(n::text), 4), 'hex'), json_build_object('a', n, 'b', md5(n::text), 'c', ARRAY[n, n + 1]), jsonb_build_object('a', n, 'b', md5(n::text), 'list', ARRAY[n, n + 1, n + 2], 'd', jsonb_build_object('e', repeat('f', 100))),
		CASE WHEN n % 2 = 0 THEN inet '10.1.2.3' ELSE '2001:db8::1' END, '10.1.2.0/24', '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05', B'10101', repeat('10', 20)::varbit, '(1.5,2.5)', int4range(n, n + 5), '16/B374D848',
		'ba"d', ARRAY['good', 'ba"d']::mood[], left(md5(n::text), 10), ARRAY[n, n + 1, n + 2, n + 3, n + 4], ARRAY['abcdefgh', 'ijklmnop', 'qrstuvwx'], ARRAY[now(), now()], ARRAY[1234.5678, 12345678.5],
		'one of ' || n % 7, NULL, 5
		FROM generate_series(1, 3000) n;
	ANALYZE t;
	CREATE TABLE made (LIKE t)`

// stats are what a server knows of a table's columns.
func stats(t *testing.T, conn *pgx.Conn, table string) map[string][3]float64 {
	t.Helper()
	rows, err := conn.Query(t.Context(), "SELECT attname::text, null_frac::float8, avg_width::float8, n_distinct::float8 FROM pg_stats WHERE tablename = $1 AND NOT inherited", table)
	require.NoError(t, err)
	out := map[string][3]float64{}
	var name string
	var nulls, width, distinct float64
	_, err = pgx.ForEachRow(rows, []any{&name, &nulls, &width, &distinct}, func() error {
		out[name] = [3]float64{nulls, width, distinct}
		return nil
	})
	require.NoError(t, err)
	return out
}

// fill writes made rows to a table.
func fill(t *testing.T, conn *pgx.Conn, s shape.Shape, table string, rows int64) {
	t.Helper()
	data, err := io.ReadAll(shape.New(s, shape.OrderRandom, 3).Rows(0, rows))
	require.NoError(t, err)
	var text strings.Builder
	for len(data) > 0 {
		n := int(binary.BigEndian.Uint32(data[1:]))
		text.Write(data[5 : 1+n])
		data = data[1+n:]
	}
	tag, err := conn.PgConn().CopyFrom(t.Context(), strings.NewReader(text.String()), "COPY "+table+" ("+quote.Idents(s.ColumnNames())+") FROM STDIN")
	require.NoError(t, err)
	require.Equal(t, rows, tag.RowsAffected())
	_, err = conn.Exec(t.Context(), "ANALYZE "+table)
	require.NoError(t, err)
}

// Rows like a table's are taken by a table of the same columns, and by that of a
// measurement, which has no types of the user's; they have its share of NULLs, its
// widths and, where they are few, as many values.
func TestRowsAreLikeTheTables(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	db.Exec(t, everything)
	conn := db.Conn(t)
	s, notes, err := Read(t.Context(), conn, "public.t")
	require.NoError(t, err)
	require.Equal(t, "like public.t", s.Name)
	require.Len(t, notes, 1, "%v", notes)
	require.Contains(t, notes[0], "column dom has the domain code2 in the table; here it is character varying(12)")
	require.NotContains(t, s.ColumnNames(), "made", "nobody writes it")
	fill(t, conn, s, "made", 3000)
	want, got := stats(t, conn, "t"), stats(t, conn, "made")
	for _, c := range s.Columns {
		w, g := want[c.Name], got[c.Name]
		require.InDelta(t, w[0], g[0], 0.04, "NULLs of %s", c.Name)
		if w[0] < 1 {
			require.InEpsilon(t, w[1], g[1], 0.2, "width of %s", c.Name)
		}
	}
	require.InDelta(t, 7, got["few"][2], 0, "values of a column of few")
	require.InDelta(t, 1, got["m"][2], 0)
	db.Exec(t, s.CreateSQL("public", "measured", true))
	fill(t, conn, s, "measured", 500)
	require.Equal(t, "text text[]", db.QueryString(t, "SELECT string_agg(format_type(atttypid, atttypmod), ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'measured'::regclass AND attname IN ('m', 'ms')"))
}

// Widths are those of what stands outside of rows, too; a partitioned table is like
// all its partitions; a key of texts stands beside the made one.
func TestTablesOfOtherKinds(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	db.Exec(t, `CREATE TABLE fat (name text PRIMARY KEY, id int, b bytea); ALTER TABLE fat ALTER b SET STORAGE EXTERNAL;
		INSERT INTO fat SELECT 'n' || n, n, decode(repeat(md5(n::text), 2000), 'hex') FROM generate_series(1, 60) n;
		CREATE TABLE parts (id int, t text) PARTITION BY RANGE (id); CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (500); CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (500) TO (2000);
		INSERT INTO parts SELECT n, repeat('x', CASE WHEN n < 500 THEN 10 ELSE 50 END) FROM generate_series(0, 999) n; ANALYZE fat; ANALYZE parts`)
	conn := db.Conn(t)
	s, notes, err := Read(t.Context(), conn, "public.fat")
	require.NoError(t, err)
	require.Equal(t, []string{"id", "name", "id_", "b"}, s.ColumnNames())
	require.Contains(t, strings.Join(notes, "\n"), "the table's key is not one column of integers")
	require.InEpsilon(t, 2*32000+30, shape.New(s, shape.OrderKey, 1).RowBytes(), 0.1, "two digits a byte")
	s, _, err = Read(t.Context(), conn, "public.parts")
	require.NoError(t, err)
	require.InEpsilon(t, 12+30, shape.New(s, shape.OrderKey, 1).RowBytes(), 0.3)
	_, _, err = Read(t.Context(), conn, "parts.")
	require.Error(t, err)
	if db.QueryString(t, "SELECT current_setting('server_version_num')::int >= 150000") == "t" { // scales of all kinds
		db.Exec(t, `CREATE TABLE scales (id bigint PRIMARY KEY, tiny numeric(3,5), rough numeric(6,-2)); CREATE TABLE scaled (LIKE scales);
			INSERT INTO scales SELECT n, 0.00123, n * 40000 FROM generate_series(1, 2000) n; ANALYZE scales`)
		s, _, err = Read(t.Context(), conn, "public.scales")
		require.NoError(t, err)
		fill(t, conn, s, "scaled", 1000)
		for c, w := range stats(t, conn, "scales") {
			require.InEpsilon(t, w[1], stats(t, conn, "scaled")[c][1], 0.2, c)
		}
	}
}
