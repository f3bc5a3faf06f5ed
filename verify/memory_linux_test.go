package verify

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/event"
	"github.com/pg2db9/pg2db9/internal/pgtest"
	"github.com/pg2db9/pg2db9/verify/digest"
)

const (
	mostMemory = 64 << 10 // KiB that a verification by 8 jobs may use, the program and all garbage included
	memoryJobs = 8
)

// longForm is a number of the environment, else the short form's.
func longForm(t *testing.T, name string, short int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return short
	}
	n, err := strconv.Atoi(text)
	require.NoError(t, err, name)
	return n
}

// apart runs the test in a process of its own, against these databases, and
// returns how much memory that had at most, in KiB.
func apart(t *testing.T, source, target *pgtest.DB) int64 {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.count=1", "-test.timeout=3h", "-test.v")
	cmd.Env = append(os.Environ(), "VERIFY_MEMORY_SOURCE="+source.URL, "VERIFY_MEMORY_TARGET="+target.URL)
	text, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", text)
	used, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	require.True(t, ok)
	t.Logf("%d MiB resident at most, %s of processor time\n%s", used.Maxrss>>10, (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Round(time.Millisecond), text)
	return used.Maxrss
}

// apartParams are what the other process compares; false is the first process.
func apartParams(t *testing.T) (Params, bool) {
	t.Helper()
	if os.Getenv("VERIFY_MEMORY_SOURCE") == "" {
		return Params{}, false
	}
	b := &bundle{source: &pgtest.DB{URL: os.Getenv("VERIFY_MEMORY_SOURCE")}, target: &pgtest.DB{URL: os.Getenv("VERIFY_MEMORY_TARGET")}, events: &events{}}
	b.plan = planOf(t, b.source)
	b.params = Params{
		Target: endpoint(t, dial.Target, b.target), Plan: b.plan, Profile: ddlgen.Postgres(), Jobs: memoryJobs, Bus: event.NewBus(b.events), Progress: &event.Progress{},
	}
	return b.withKeys(t, LevelRows), true
}

// differingRows lists the rows that differ by key and columns, without values.
func differingRows(t *testing.T, p Params) (list []string) {
	t.Helper()
	var mu sync.Mutex
	p.Differences = func(d RowDifference) error {
		mu.Lock()
		defer mu.Unlock()
		text := d.Table.Name + " " + string(d.Kind)
		for _, k := range d.Key {
			text += " " + k.Column + "=" + k.Value
		}
		for _, c := range d.Columns {
			if d.Kind == RowChanged {
				text += " " + c.Column
			}
		}
		list = append(list, text)
		return nil
	}
	report, err := Run(t.Context(), p)
	require.NoError(t, err)
	for _, x := range report.Tables {
		require.Contains(t, []Verdict{Match, Mismatch}, x.Data.Verdict, "%s: %s", x.Target, x.Detail)
		if f := x.Data.Found; f != nil {
			require.Zero(t, f.Unlocalised, x.Target)
		}
	}
	slices.Sort(list)
	return list
}

// A huge row among ordinary ones that differs on the two sides is found and told by
// 8 jobs at every level, by COPY and in pages, as text and in a canonical form, with
// a key and without, in little memory and at most one such row (Y12). HUGE_ROW_MB
// says how large (make verify-huge: 500).
func TestY12HugeRowsThatDiffer(t *testing.T) {
	if p, child := apartParams(t); child {
		hugeRowsChild(t, p)
		return
	}
	t.Parallel()
	mb := longForm(t, "HUGE_ROW_MB", 20)
	server := pgtest.Server(t)
	source, target := server.Database(t), server.Database(t)
	for db, middle := range map[*pgtest.DB]string{source: "a", target: "b"} {
		var sql strings.Builder
		for i := range 6 {
			fmt.Fprintf(&sql, "CREATE TABLE t%d (id integer PRIMARY KEY, v text); INSERT INTO t%[1]d SELECT n, repeat('x', 90) FROM generate_series(1, 2000) n;", i)
		}
		half := fmt.Sprintf("repeat('0123456789abcdef', %d)", mb<<15)
		for table, columns := range map[string]string{"keyed": "id integer PRIMARY KEY,", "formed": "id integer PRIMARY KEY, f real,", "bag": ""} {
			names := map[string]string{"keyed": "id, ", "formed": "id, f, ", "bag": ""}[table]
			row := map[string]string{"keyed": "%s, ", "formed": "%s, 0.5, ", "bag": ""}[table]
			fmt.Fprintf(&sql, "CREATE TABLE %[1]s (%[2]s v text); ALTER TABLE %[1]s ALTER v SET STORAGE EXTERNAL;", table, columns)
			fmt.Fprintf(&sql, "INSERT INTO %s (%sv) SELECT %s'row ' || n FROM generate_series(1, 2000) n WHERE n <> 1000;", table, names, strings.ReplaceAll(row, "%s", "n"))
			fmt.Fprintf(&sql, "INSERT INTO %s (%sv) SELECT %s%s || '%s' || %[4]s;", table, names, strings.ReplaceAll(row, "%s", "1000"), half, middle)
		}
		db.Exec(t, sql.String())
	}
	used := apart(t, source, target)
	if !raceEnabled { // the race detector multiplies memory
		require.LessOrEqual(t, used, int64(mostMemory+mb<<10))
	}
}

func hugeRowsChild(t *testing.T, p Params) {
	t.Helper()
	for i := range p.Plan.Transfers {
		for j := range p.Plan.Transfers[i].Columns {
			if c := &p.Plan.Transfers[i].Columns[j]; c.Target == "f" {
				c.Canon = digest.Float4
			}
		}
	}
	want := []string{"bag extra", "bag missing", "formed changed id=1000 v", "keyed changed id=1000 v"}
	for _, level := range []Level{LevelRows, LevelDeep} {
		p.Level = level
		require.Equal(t, want, differingRows(t, p), level)
		t.Logf("level %s: %d MiB resident", level, resident())
	}
	p.Level, p.Profile.ReadByKey = LevelRows, true
	require.Equal(t, want, differingRows(t, p), "in pages")
	t.Logf("in pages: %d MiB resident", resident())
}

// A table of many narrow rows is compared by 8 jobs, and the few that differ are
// named, in memory that does not grow with the table (Y12). PG2DB9_VERIFY_ROWS
// says how many (make verify-large: 100 million).
func TestY12ManyRows(t *testing.T) {
	rows := longForm(t, "PG2DB9_VERIFY_ROWS", 200_000)
	if p, child := apartParams(t); child {
		manyRowsChild(t, p, rows)
		return
	}
	t.Parallel()
	server := pgtest.Server(t)
	source := server.Database(t)
	begun := time.Now()
	source.Exec(t, fmt.Sprintf("CREATE TABLE narrow AS SELECT i::integer AS id, (i %% 1000)::smallint AS v FROM generate_series(1, %d) i", rows))
	source.Exec(t, "ALTER TABLE narrow ADD PRIMARY KEY (id)")
	source.Exec(t, "ANALYZE narrow")
	target := server.Database(t, pgtest.DBOptions{Template: source.Name})
	target.Exec(t, fmt.Sprintf("UPDATE narrow SET v = v + 1 WHERE id = %d; DELETE FROM narrow WHERE id = %d; INSERT INTO narrow VALUES (0, 0)", rows/2, rows/4))
	t.Logf("two tables of %d rows, %s, made in %s", rows, source.QueryString(t, "SELECT pg_size_pretty(pg_total_relation_size('narrow'))"), time.Since(begun).Round(time.Second))
	used := apart(t, source, target)
	if !raceEnabled {
		require.LessOrEqual(t, used, int64(mostMemory))
	}
}

// flatFrom is from how many rows on memory is also held to be flat over time:
// fewer are read before there is anything to compare.
const flatFrom = 5_000_000

func manyRowsChild(t *testing.T, p Params, rows int) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	var half [2]int64 // most MiB while the first and the second half of the rows were read
	var sampling sync.WaitGroup
	sampling.Go(func() {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			at := 0
			if p.Progress.Snapshot().Rows > int64(rows) { // of both sides
				at = 1
			}
			half[at] = max(half[at], resident())
		}
	})
	begun := time.Now()
	list := differingRows(t, p)
	stop()
	sampling.Wait()
	require.Equal(t, []string{fmt.Sprintf("narrow changed id=%d v", rows/2), "narrow extra id=0", fmt.Sprintf("narrow missing id=%d", rows/4)}, list)
	t.Logf("%d rows on each side in %s; %d MiB resident at most in the first half, %d MiB in the second", rows, time.Since(begun).Round(time.Millisecond), half[0], half[1])
	if rows >= flatFrom && !raceEnabled {
		require.Positive(t, half[1], "nothing was sampled")
		require.LessOrEqual(t, half[1], half[0]+8, "memory grows with the rows")
	}
}

// resident is the memory of this process at present, in MiB; 0 where nobody tells.
func resident() int64 {
	text, err := os.ReadFile("/proc/self/statm")
	if fields := bytes.Fields(text); err == nil && len(fields) > 1 {
		pages, _ := strconv.ParseInt(string(fields[1]), 10, 64)
		return pages * int64(os.Getpagesize()) >> 20
	}
	return 0
}
