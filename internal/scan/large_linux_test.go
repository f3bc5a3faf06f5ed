package scan

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// mostMemory bounds the client's resident memory, in KiB.
const mostMemory = 64 << 10

// largeSchema has a column of each type whose values are looked for.
const largeSchema = `
CREATE DOMAIN positive AS int;
CREATE TABLE events (
	id bigint PRIMARY KEY, at timestamptz NOT NULL, ts timestamp, n numeric, p numeric(12,2), d date, t time, i interval,
	j json, jb jsonb, c char(8), body text, na numeric[], parent bigint, o positive);
CREATE TABLE keyed (kind int, at timestamptz, PRIMARY KEY (kind, at));
CREATE TABLE names (id int PRIMARY KEY, name text);
CREATE INDEX names_name ON names (name);
CREATE TABLE parents (id bigint PRIMARY KEY);
CREATE TABLE counted (id serial PRIMARY KEY);
CREATE TABLE lone (v text);
`

// fill gives clean rows: about two kilobytes of events each, one key in ten.
const fill = `
INSERT INTO events SELECT g, '2020-01-01Z'::timestamptz + g * '1 ms'::interval, '2020-01-01'::timestamp + g * '1 s'::interval, g / 8.0, g %% 100000, '2000-01-01'::date + (g %% 9000)::int, '12:00',
	make_interval(months => (g %% 100)::int, secs => (g %% 3000) / 1000.0), '{"k": "v\\u0000"}', jsonb_build_object('n', g, 'f', g / 16.0, 't', md5(g::text)), 'abcdefgh',
	repeat(md5(g::text), 50), ARRAY[g, 0.5], g %% 1000, 1 FROM generate_series(%[1]d, %[2]d) g;
INSERT INTO keyed SELECT g %% 7, '2020-01-01Z'::timestamptz + g * '1 ms'::interval FROM generate_series(%[1]d, %[2]d) g WHERE g %% 10 = 0;
`

const largeEnd = `
INSERT INTO parents SELECT g FROM generate_series(0, 999) g;
INSERT INTO names SELECT g, md5(g::text) FROM generate_series(1, 1000) g;
INSERT INTO counted DEFAULT VALUES;
INSERT INTO lone SELECT g::text FROM generate_series(1, 100) g;
ALTER TABLE events ADD CONSTRAINT leads FOREIGN KEY (parent) REFERENCES parents NOT VALID;
ALTER TABLE events ADD CONSTRAINT bounded CHECK (parent >= 0) NOT VALID;
ALTER DOMAIN positive ADD CONSTRAINT above CHECK (VALUE > 0) NOT VALID;
`

// plant changes one row, somewhere in the middle, for each kind.
const plant = `
ALTER TABLE events DROP CONSTRAINT bounded; ALTER TABLE events DROP CONSTRAINT leads; ALTER DOMAIN positive DROP CONSTRAINT above;
UPDATE events SET at = at + '0.0002 s' WHERE id = %[1]d;
UPDATE events SET ts = '0044-03-15 BC' WHERE id = %[1]d + 1;
UPDATE events SET ts = '250000-01-01' WHERE id = %[1]d + 2;
UPDATE events SET at = 'infinity' WHERE id = %[1]d + 3;
UPDATE events SET n = 'NaN' WHERE id = %[1]d + 4;
UPDATE events SET n = 'Infinity' WHERE id = %[1]d + 5;
UPDATE events SET n = 12345678901234567890.1234567890 WHERE id = %[1]d + 6;
UPDATE events SET p = 'NaN' WHERE id = %[1]d + 7;
UPDATE events SET d = '-infinity' WHERE id = %[1]d + 8;
UPDATE events SET t = '24:00' WHERE id = %[1]d + 9;
UPDATE events SET i = '1 day 02:00' WHERE id = %[1]d + 10;
UPDATE events SET i = '00:00:00.0001' WHERE id = %[1]d + 11;
UPDATE events SET j = '{"k": "\u0000"}' WHERE id = %[1]d + 12;
UPDATE events SET jb = '{"n": 123456789012345678901234567890}' WHERE id = %[1]d + 13;
UPDATE events SET c = 'short' WHERE id = %[1]d + 14;
UPDATE events SET body = repeat('x', 8 << 20) WHERE id = %[1]d + 15;
UPDATE events SET na = '[0:1]={1,NaN}' WHERE id = %[1]d + 16;
UPDATE events SET parent = -1 WHERE id = %[1]d + 17;
UPDATE events SET o = -1 WHERE id = %[1]d + 18;
INSERT INTO keyed VALUES (9, '2020-01-01 00:00:00.0001Z'), (9, '2020-01-01 00:00:00.0002Z');
UPDATE names SET name = repeat('x', 3000) WHERE id = 500; UPDATE names SET name = repeat('x', 5000) WHERE id = 501;
UPDATE counted SET id = 900;
UPDATE lone SET v = '' WHERE v = '50';
ALTER TABLE events ADD CONSTRAINT leads FOREIGN KEY (parent) REFERENCES parents NOT VALID;
ALTER TABLE events ADD CONSTRAINT bounded CHECK (parent >= 0) NOT VALID;
ALTER DOMAIN positive ADD CONSTRAINT above CHECK (VALUE > 0) NOT VALID;
`

// U9: in a large database each planted row of each kind is found, on clean data
// nothing is, and the client's memory does not grow with the data. SCAN_LARGE_MB
// says how large (make scan-large: 5 GB); the scan runs in a process of its own,
// so that its memory is its own.
func TestLarge(t *testing.T) {
	if out := os.Getenv("SCAN_LARGE_CHILD"); out != "" {
		largeChild(t, out)
		return
	}
	t.Parallel()
	mb := 20
	if s := os.Getenv("SCAN_LARGE_MB"); s != "" {
		var err error
		mb, err = strconv.Atoi(s)
		require.NoError(t, err)
	}
	db := pgtest.Server(t).Database(t)
	db.Exec(t, largeSchema)
	conn := db.Conn(t)
	rows := mb * 480 // of about 2 kB with their index
	const batch = 100_000
	begun := time.Now()
	for first := 1; first <= rows; first += batch {
		_, err := conn.Exec(t.Context(), fmt.Sprintf(fill, first, min(first+batch-1, rows)))
		require.NoError(t, err)
	}
	db.Exec(t, largeEnd)
	t.Logf("%s filled in %s", db.QueryString(t, "SELECT pg_size_pretty(pg_database_size(current_database()))"), time.Since(begun).Round(time.Second))

	clean := largeScan(t, db)
	require.Empty(t, clean.Items)
	require.True(t, clean.Complete)
	require.GreaterOrEqual(t, clean.Rows, int64(rows))

	db.Exec(t, fmt.Sprintf(plant, rows/2))
	found := largeScan(t, db)
	got := map[string]int64{}
	for _, i := range found.Items {
		require.Equal(t, Found, i.State, "%s %s: %s", i.Object, i.Kind, i.Why)
		got[i.Object.Path()+" "+i.Kind] = i.Count
		require.NotEmpty(t, i.Keys, "%s %s", i.Object, i.Kind)
	}
	require.Equal(t, map[string]int64{
		"public.events.at sub-millisecond": 1, "public.events.ts bc": 1, "public.events.ts far-date": 1, "public.events.at infinity": 1,
		"public.events.n nan": 1, "public.events.n infinity": 1, "public.events.n digits": 1, "public.events.p nan": 1, "public.events.d infinity": 1,
		"public.events.t hour-24": 1, "public.events.i days": 1, "public.events.i sub-millisecond": 1, "public.events.j nul": 1, "public.events.jb long-number": 1,
		"public.events.c padding": 1, "public.events wide-row": 1, "public.events.na nan": 1, "public.events.na lower-bound": 1, "public.events.leads orphan": 1,
		"public.events.bounded check": 1, "public.events.o check": 1, "public.keyed.keyed_pkey collision": 2, "public.keyed.at sub-millisecond": 2,
		"public.names_name long-key": 1, "public.names_name key-limit": 1, "public.counted_id_seq sequence-behind": 1, "public.lone.v empty-line": 1,
	}, got)
	require.True(t, found.Complete)
}

// largeScan runs the scan in another process and bounds its memory.
func largeScan(t *testing.T, db *pgtest.DB) *Result {
	t.Helper()
	out := filepath.Join(t.TempDir(), "result.json")
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestLarge$", "-test.count=1", "-test.timeout=20m")
	cmd.Env = append(os.Environ(), "SCAN_LARGE_CHILD="+out, "SCAN_LARGE_URL="+db.URL)
	begun := time.Now()
	text, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", text)
	used, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	require.True(t, ok)
	data, err := os.ReadFile(out)
	require.NoError(t, err)
	var r Result
	require.NoError(t, json.Unmarshal(data, &r))
	t.Logf("scanned %d rows, %d MB, in %s: %d MiB resident at most", r.Rows, r.Bytes>>20, time.Since(begun).Round(100*time.Millisecond), used.Maxrss>>10)
	if !raceEnabled { // the race detector multiplies memory
		require.LessOrEqual(t, used.Maxrss, int64(mostMemory))
	}
	return &r
}

// largeChild is the other process.
func largeChild(t *testing.T, out string) {
	t.Helper()
	p := paramsOf(t, os.Getenv("SCAN_LARGE_URL"))
	ctx, cancel := context.WithTimeout(t.Context(), 19*time.Minute)
	defer cancel()
	r, err := Run(ctx, p)
	require.NoError(t, err)
	data, err := json.Marshal(r)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(out, data, 0o600))
}
