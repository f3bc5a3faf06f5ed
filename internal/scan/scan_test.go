package scan

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/event"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// The conditions hold on every major; what a major does not have is not asked.
func TestMajors(t *testing.T) {
	t.Parallel()
	for major := 13; major <= 18; major++ {
		t.Run(fmt.Sprint(major), func(t *testing.T) {
			t.Parallel()
			db := pgtest.Major(t, major).Database(t)
			db.Exec(t, `CREATE TABLE v (id int PRIMARY KEY, n numeric, ts timestamptz, i interval, j json, jb jsonb, b "char", c char(3), t text, na numeric[], d date);
				INSERT INTO v VALUES (1, 1, '2020-01-01Z', '1 mon', '{}', '{}', 'a', 'abc', 'x', '{1}', '2020-01-01'),
					(2, 'NaN', '2020-01-01 00:00:00.1234Z', '1 day', '"\u0000"', '[0.12345678901234567890]', 'b', 'a', repeat('x', 8 << 20), '{NaN}', '0001-01-01 BC');
				INSERT INTO v (id, b) VALUES (5, (-61)::"char");
				CREATE TABLE p (id int, PRIMARY KEY (id)) PARTITION BY RANGE (id);
				CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10); CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20);
				INSERT INTO p SELECT i FROM generate_series(0, 19) i;
				CREATE TABLE child (id int PRIMARY KEY, up int); INSERT INTO child SELECT i, i FROM generate_series(15, 24) i;
				ALTER TABLE child ADD FOREIGN KEY (up) REFERENCES p NOT VALID`)
			want := []string{
				"v.n nan", "v.ts sub-millisecond", "v.i days", "v.j nul", "v.jb long-number", "v.b high-byte", "v.c padding", "v wide-row", "v.na nan", "v.d bc",
				"child.child_up_fkey orphan",
			}
			if major >= 14 {
				db.Exec(t, "INSERT INTO v (id, n) VALUES (3, 'Infinity')")
				want = append(want, "v.n infinity")
			}
			if major >= 17 {
				db.Exec(t, "INSERT INTO v (id, i) VALUES (4, '-infinity')")
				want = append(want, "v.i infinity")
			}
			if major >= 18 {
				db.Exec(t, "ALTER TABLE child ADD COLUMN n int; ALTER TABLE child ADD CONSTRAINT filled NOT NULL n NOT VALID; ALTER TABLE v ADD CONSTRAINT told CHECK (id < 2) NOT ENFORCED")
				want = append(want, "child.filled null", "v.told check")
			}
			r, found := params(t, db).run(t)
			var got []string
			for k, i := range found {
				require.Equal(t, Found, i.State, "%s: %s", k, i.Why)
				got = append(got, strings.TrimPrefix(k, "public."))
			}
			require.ElementsMatch(t, want, got)
			require.EqualValues(t, 5, found["public.child.child_up_fkey orphan"].Count)
			require.True(t, r.Complete)
		})
	}
}

// U9: ordinary values of every type give nothing, and the result says that all of
// them were looked at. It survives JSON.
func TestCleanDataGivesNothing(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	db.Exec(t, `CREATE EXTENSION hstore; CREATE EXTENSION citext;
		CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE TYPE pair AS (a int, b numeric); CREATE DOMAIN small AS int CHECK (VALUE < 1000000);
		CREATE TABLE v (id bigserial PRIMARY KEY, a smallint, b real, c double precision, d numeric, e numeric(12,2), f text NOT NULL UNIQUE, g varchar(20), h char(3),
			i bytea, j date, k time, l timestamp, m timestamptz, n interval, o json, p jsonb, q text[], r mood, s pair, t small, u uuid, v inet, w int4range, x hstore, y citext UNIQUE,
			z money, ba bit(3), bb boolean, bc xml, bd tsvector, UNIQUE (m, id), UNIQUE (l));
		INSERT INTO v (a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, z, ba, bb, bc, bd)
			SELECT g % 100, 'NaN', '-Infinity', g / 7.0, g, 'text ' || g, 'v', 'abc', decode(md5(g::text), 'hex'), '2020-01-01'::date + g, '23:59:59.999999', '2020-01-01'::timestamp + g * '1 ms'::interval,
				'1900-01-01'::timestamptz + g * '0.001 s'::interval, make_interval(months => g, secs => g / 1000.0), '{"a": "\\u0000"}', jsonb_build_object('n', g / 10.0, 'big', 9007199254740993), ARRAY['a', NULL],
				'ok', ROW(1, 1.5)::pair, g, gen_random_uuid(), '10.0.0.1', '[1,2)', 'a=>1', 'Name' || g, g, '101', true, '<a/>', 'fat:1' FROM generate_series(1, 3000) g;
		CREATE TABLE child (id int PRIMARY KEY, up bigint REFERENCES v); INSERT INTO child SELECT g, g FROM generate_series(1, 100) g;
		CREATE TABLE empty (n numeric); CREATE TABLE bare (); INSERT INTO bare DEFAULT VALUES`)
	p := params(t, db)
	p.Jobs = 3
	r, found := p.run(t)
	require.Empty(t, found)
	require.Empty(t, r.Findings())
	require.True(t, r.Complete)
	require.False(t, r.Sampled)
	require.EqualValues(t, 3101, r.Rows)
	require.Len(t, r.Tables, 4)

	text, err := json.Marshal(r)
	require.NoError(t, err)
	var back Result
	require.NoError(t, json.Unmarshal(text, &back))
	require.Equal(t, *r, back)
}

// A sample says that it is one: estimates have bounds that hold, small tables are
// read whole, and what takes all rows to know is unknown.
func TestSample(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	db.Exec(t, `CREATE TABLE big (id int PRIMARY KEY, n numeric, at timestamptz UNIQUE, pad text);
		INSERT INTO big SELECT i, CASE WHEN i % 10 = 0 THEN 'NaN'::numeric ELSE i END, '2020-01-01Z'::timestamptz + i * '1 ms'::interval, repeat('x', 100) FROM generate_series(1, 100000) i;
		CREATE TABLE small (id int PRIMARY KEY, up int, n numeric); INSERT INTO small SELECT i, 99990 + i, 'NaN' FROM generate_series(1, 20) i;
		ALTER TABLE small ADD CONSTRAINT leads FOREIGN KEY (up) REFERENCES big NOT VALID;
		CREATE TABLE from_big (id int PRIMARY KEY, up int, pad text); INSERT INTO from_big SELECT i, i * 2, repeat('x', 100) FROM generate_series(1, 100000) i;
		ALTER TABLE from_big ADD CONSTRAINT leads FOREIGN KEY (up) REFERENCES big NOT VALID;
		ANALYZE`)
	p := params(t, db)
	p.Mode, p.SampleRows, p.Keys = Sample, 5000, 2
	r, found := p.run(t)
	require.True(t, r.Sampled)
	require.False(t, r.Complete)
	for _, t2 := range r.Tables {
		require.Equal(t, t2.Table.Name == "small", t2.Whole, t2.Table.Name)
		if !t2.Whole {
			require.InDelta(t, 5000, t2.Rows, 2500, t2.Table.Name)
			require.InDelta(t, 100000, t2.Of, 10000, t2.Table.Name)
		}
	}
	nan := found["public.big.n nan"]
	require.True(t, nan.Estimated)
	require.Less(t, nan.Low, int64(10000))
	require.Greater(t, nan.High, int64(10000))
	require.Less(t, nan.Low, nan.Count)
	require.Len(t, nan.Keys, 2)
	require.Contains(t, nan.Message(), "about ")
	orphans := found["public.from_big.leads orphan"]
	require.True(t, orphans.Estimated)
	require.Less(t, orphans.Low, int64(50000))
	require.Greater(t, orphans.High, int64(50000))
	exact := found["public.small.n nan"]
	require.False(t, exact.Estimated)
	require.EqualValues(t, 20, exact.Count)
	require.EqualValues(t, 10, found["public.small.leads orphan"].Count)
	collision := found["public.big.big_at_key collision"]
	require.Equal(t, Unknown, collision.State, "two rows that collide are hardly both in a sample")
	require.Contains(t, collision.Message(), "not known")
	require.Equal(t, finding.Code("data.unknown"), collision.Code())
	require.Len(t, found, 5)
}

// What cannot be read, or asked of a row, is unknown and never clean; the rest is
// counted all the same.
func TestUnknownIsNeverClean(t *testing.T) {
	t.Parallel()
	server := pgtest.Server(t)
	db := server.Database(t)
	role := strings.ReplaceAll(db.Name, "test", "r")
	db.Exec(t, fmt.Sprintf(`CREATE ROLE %[1]s LOGIN PASSWORD 'x'; GRANT USAGE ON SCHEMA public TO %[1]s;
		CREATE TABLE closed (id int PRIMARY KEY, n numeric); INSERT INTO closed VALUES (1, 'NaN');
		CREATE TABLE half (id int PRIMARY KEY, n numeric, m numeric); INSERT INTO half VALUES (1, 'NaN', 'NaN'); GRANT SELECT (id, n) ON half TO %[1]s;
		CREATE TABLE hidden (id int PRIMARY KEY, n numeric); INSERT INTO hidden VALUES (1, 'NaN'); GRANT SELECT ON hidden TO %[1]s;
		ALTER TABLE hidden ENABLE ROW LEVEL SECURITY; CREATE POLICY none ON hidden USING (false);
		CREATE FUNCTION known(int) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT $1::text';
		CREATE TABLE odd (id int PRIMARY KEY, n numeric); INSERT INTO odd SELECT i, CASE WHEN i > 2 THEN 'NaN'::numeric ELSE i END FROM generate_series(1, 5) i; GRANT SELECT ON odd TO %[1]s;
		CREATE INDEX odd_known ON odd (known(id));
		CREATE OR REPLACE FUNCTION known(int) RETURNS text IMMUTABLE LANGUAGE plpgsql AS 'BEGIN IF $1 = 4 THEN RAISE ''not this one''; END IF; RETURN $1; END';
		CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w; CREATE FOREIGN TABLE far (n numeric) SERVER s;`, role))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 20*time.Second)
		defer cancel()
		conn, err := dialAdmin(ctx, db)
		if err == nil {
			_, _ = conn.Exec(ctx, "DROP OWNED BY "+role+"; DROP ROLE "+role)
			_ = conn.Close(ctx)
		}
	})
	p := params(t, db)
	source, err := dial.Parse(dial.Source, asRole(db.URL, role))
	require.NoError(t, err)
	p.Source = source
	r, found := p.run(t)
	require.False(t, r.Complete)
	why := map[string]string{}
	for _, table := range r.Tables {
		why[table.Table.Name] = table.Why
	}
	require.Contains(t, why["closed"], "no right to SELECT")
	require.Contains(t, why["hidden"], "row-level security")
	require.Contains(t, why["far"], "foreign table")
	require.Empty(t, why["odd"])
	require.Empty(t, why["half"])
	require.Equal(t, Unknown, found["public.half.m nan"].State)
	require.Contains(t, found["public.half.m nan"].Why, "42501")
	require.EqualValues(t, 1, found["public.half.n nan"].Count)
	require.Equal(t, Unknown, found["public.odd_known key-limit"].State)
	require.Contains(t, found["public.odd_known key-limit"].Why, "not this one")
	require.EqualValues(t, 3, found["public.odd.n nan"].Count)
	codes := map[string]int{}
	for _, f := range r.Findings() {
		codes[string(f.Code)+" "+f.Object.Path()]++
	}
	for _, want := range []string{"closed", "hidden", "far", "half.m", "odd_known"} {
		require.NotZero(t, codes["data.unknown public."+want], "%s in %v", want, codes)
	}
}

// slow is a table of one row a block, each of which takes a while to look at.
const slow = `CREATE FUNCTION waited(int) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT $1::text';
	CREATE TABLE slow (id int PRIMARY KEY, n numeric, pad text); ALTER TABLE slow ALTER pad SET STORAGE PLAIN;
	INSERT INTO slow SELECT i, 'NaN', repeat('x', 5000) FROM generate_series(1, 64) i;
	CREATE INDEX slow_waited ON slow (waited(id));
	CREATE OR REPLACE FUNCTION waited(int) RETURNS text IMMUTABLE LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(%s); RETURN $1; END';`

// A piece that takes longer than the timeout is halved, down to a block; a block
// that does is unknown.
func TestTimeout(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	db.Exec(t, fmt.Sprintf(slow, "0.01"))
	p := params(t, db)
	p.Timeout = 700 * time.Millisecond
	r, found := p.run(t)
	require.True(t, r.Complete, "%+v", r.Tables)
	require.EqualValues(t, 64, found["public.slow.n nan"].Count)

	db.Exec(t, "UPDATE slow SET n = 1 WHERE id <> 7; CREATE OR REPLACE FUNCTION waited(int) RETURNS text IMMUTABLE LANGUAGE plpgsql AS 'BEGIN IF $1 = 9 THEN PERFORM pg_sleep(60); END IF; RETURN $1; END'")
	r, found = p.run(t)
	require.False(t, r.Complete)
	require.Contains(t, r.Tables[0].Why, "57014")
	require.True(t, found["public.slow.n nan"].AtLeast)
	require.EqualValues(t, 1, found["public.slow.n nan"].Count)
	require.Contains(t, found["public.slow.n nan"].Message(), "at least 1 row has NaN")

	// The limit of the role, database or server is kept where none is given.
	p.Timeout = 0
	db.Exec(t, "ALTER DATABASE "+db.Name+" SET statement_timeout = '600ms'")
	r, _ = p.run(t)
	require.False(t, r.Complete)
	require.Contains(t, r.Tables[0].Why, "57014")
}

// A cancelled scan ends at once, and leaves no query behind.
func TestCancel(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	db.Exec(t, fmt.Sprintf(slow, "60"))
	p := params(t, db)
	conn := db.Conn(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { _, err := Run(ctx, p); done <- err }()
	count := func() (n int) {
		require.NoError(t, conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%FILTER%' AND pid <> pg_backend_pid() AND state = 'active'").Scan(&n))
		return n
	}
	require.Eventually(t, func() bool { return count() > 0 }, time.Minute, 10*time.Millisecond)
	cancel()
	select {
	case err := <-done:
		require.ErrorIs(t, err, context.Canceled)
	case <-time.After(20 * time.Second):
		t.Fatal("the scan goes on after it was cancelled")
	}
	require.Eventually(t, func() bool { return count() == 0 }, 20*time.Second, 10*time.Millisecond)
}

type heard []event.Event

func (h *heard) On(e event.Event) { *h = append(*h, e) }

// Pieces cover every row once, whoever reads them; a rate makes them smaller; a
// partition tree is one table; progress is told.
func TestPieces(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	db.Exec(t, `CREATE TABLE big (id int PRIMARY KEY, n numeric, pad text); ALTER TABLE big ALTER pad SET STORAGE EXTERNAL;
		INSERT INTO big SELECT i, CASE WHEN i % 100 = 0 THEN 'NaN'::numeric ELSE i END, repeat('x', CASE WHEN i % 10 = 0 THEN 5000 ELSE 300 END) FROM generate_series(1, 6000) i;
		CREATE TABLE tree (id int, n numeric) PARTITION BY HASH (id);
		CREATE TABLE tree0 PARTITION OF tree FOR VALUES WITH (MODULUS 2, REMAINDER 0); CREATE TABLE tree1 PARTITION OF tree FOR VALUES WITH (MODULUS 2, REMAINDER 1);
		INSERT INTO tree SELECT i, 'NaN' FROM generate_series(1, 30) i`)
	p := params(t, db)
	p.Rate, p.Jobs = Rate{Bytes: 8 << 20}, 3
	var h heard
	p.Bus, p.Progress = event.NewBus(&h), &event.Progress{}
	begun := time.Now()
	r, found := p.run(t)
	require.Greater(t, time.Since(begun), 200*time.Millisecond, "5 MB at 8 MB a second, in pieces")
	require.EqualValues(t, 60, found["public.big.n nan"].Count)
	require.Len(t, found["public.big.n nan"].Keys, DefaultKeys)
	require.EqualValues(t, 30, found["public.tree.n nan"].Count)
	require.Contains(t, found["public.tree.n nan"].Query, `FROM "public"."tree" AS`)
	require.EqualValues(t, 6030, r.Rows)
	require.Len(t, r.Tables, 2)
	s := p.Progress.Snapshot()
	require.Greater(t, s.TotalParts, 2)
	require.Equal(t, s.TotalParts, s.DoneParts)
	done := slices.DeleteFunc(slices.Clone(h), func(e event.Event) bool { _, ok := e.(event.TableDone); return !ok })
	require.Len(t, done, 2)

	// Under a profile that keeps partitions it is one table all the same.
	p.Profile, p.Rate = ddlgen.Postgres(), Rate{}
	p.Profile.Map = false
	p.Profile.RowBytes = 4000
	r, found = p.planned(t, ddlgen.Options{}).run(t)
	require.EqualValues(t, 600, found["public.big wide-row"].Count)
	require.Len(t, r.Tables, 2)
	require.Equal(t, catalog.Name{Schema: "public", Name: "tree"}, r.Tables[1].Table)
	require.EqualValues(t, 30, r.Tables[1].Rows)
}

// Rows that the user leaves behind are not looked at, by no condition and no
// question, and the queries leave them out too.
func TestFilteredRows(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	db.Exec(t, `CREATE TABLE v (id int PRIMARY KEY, n numeric, at timestamptz UNIQUE);
		INSERT INTO v VALUES (1, 'NaN', '2020-01-01 00:00:00.0001Z'), (2, 'NaN', '2020-01-01 00:00:00.0002Z'), (3, 1, '2020-01-01 00:00:00.0003Z'), (4, 1, '2021-01-01 00:00:00.0003Z')`)
	p := params(t, db)
	p.Plan.Transfers[0].Where = []string{"id > 2 OR n IS NULL"}
	r, found := p.run(t)
	require.Len(t, found, 1)
	require.EqualValues(t, 2, found["public.v.at sub-millisecond"].Count, "one key is left of those that would collide")
	require.Contains(t, found["public.v.at sub-millisecond"].Query, "(id > 2 OR n IS NULL) AND")
	require.EqualValues(t, 2, r.Rows)
}
