package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest"
)

const aPage = "# Mine\n\nabove\n\n" + pageBegins + "\nold\n" + pageEnds + "\n\nbelow, by hand\n"

// Two cases are measured for real, with little data: all tools that are there run,
// in one process each, and their tables come to stand on the page. A case that is
// measured again takes the place of what was there of it, and of nothing else.
func TestCompareWritesThePage(t *testing.T) {
	t.Parallel()
	pgtest.Server(t) // skips where there is none
	if _, err := findTools(); err != nil {
		pgtest.Lacks(t, "%v", err)
	}
	self, err := os.Executable()
	require.NoError(t, err)
	dir := t.TempDir()
	page, rec := filepath.Join(dir, "page.md"), filepath.Join(dir, "record.json")
	require.NoError(t, os.WriteFile(page, []byte(aPage), 0o600))
	args := []string{"-cases", "a,far", "-mb", "5", "-rounds", "2", "-record", rec, "-page", page, "-pg2db9", self, "-seed", "7", "-round-trip", "4ms", "-fsync=false"}
	require.NoError(t, run(t.Context(), args, io.Discard, logTo{t}))
	written := func() string {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(string(text), "# Mine\n\nabove\n\n"+pageBegins+"\n"))
		require.True(t, strings.HasSuffix(string(text), pageEnds+"\n\nbelow, by hand\n"))
		require.NotContains(t, string(text), "\nold\n")
		return string(text)
	}
	text := written()
	for _, want := range []string{
		"#### Case a: accounts rows in one table", "#### Case far: 500 small tables", "| `a` | wall to that of pg_dump \\| psql |", "not judged at 0.2 % of the size",
		"    pg_dump | psql: pg_dump $SOURCE | psql -X -q -v ON_ERROR_STOP=1 -d $TARGET\n", "    pg2db9: pg2db9 clone --source $SOURCE --target $TARGET", "Runs stood side by side, 8 at most",
	} {
		require.Contains(t, text, want)
	}
	require.NotContains(t, text, dir, "no path of this machine")
	require.NotContains(t, text, "127.0.0.1")
	kept, err := readRecord(rec)
	require.NoError(t, err)
	require.Len(t, kept.Cases, 2)
	for _, r := range kept.Cases {
		of := r.Results[0]
		for _, c := range of.Contenders {
			want := 2
			if of.Case == "a" && c.Name == manyJobs {
				want = 1
			}
			require.Len(t, c.Runs, want, c.Name)
			for _, u := range c.Runs {
				require.Positive(t, u.Wall)
				require.Positive(t, u.CPU, c.Name)
				require.Positive(t, u.RSS)
			}
		}
		require.Equal(t, of.Case == "a", of.floor(2) > 0, "side by side nobody's work on a server can be told")
	}
	far := kept.Cases[1].Results[0]
	require.Positive(t, far.Busy)

	one := made("a", map[string]float64{oursName: 5, plainDump: 10}, 20<<20)
	require.NoError(t, one.keep(rec, page, one.Results[0]))
	again := written()
	_, before, _ := strings.Cut(text, "#### Case far")
	_, after, _ := strings.Cut(again, "#### Case far")
	require.Equal(t, strings.SplitN(before, "####", 2)[0], strings.SplitN(after, "####", 2)[0])
	require.Contains(t, again, "| `a` | 1 | 5.00 s | 10.00 s (2.00×) |")
}

// logTo writes to a test's log.
type logTo struct{ t *testing.T }

func (l logTo) Write(p []byte) (int, error) {
	l.t.Log(strings.TrimSpace(string(p)))
	return len(p), nil
}

// made is a case of full size with walls and server times that are known.
func made(name string, walls map[string]float64, rss int64) *report {
	r := &result{Case: name, About: "rows", Data: "1 table", Bytes: 1e9}
	for _, c := range []string{oursName, plainDump, dirDump, "pgcopydb 0.10-1", "pgcopydb 0.18", manyJobs} {
		if w := walls[c]; w > 0 {
			u := usage{Wall: w, CPU: w / 10, RSS: rss, SourceCPU: w / 2, TargetCPU: w}
			r.Contenders = append(r.Contenders, &contender{Name: c, Command: c + " $SOURCE", Runs: []usage{u, u, u}})
		}
	}
	return &report{
		Started: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Machine: machine{Cores: 2, Model: "a processor", Memory: "8 GB", System: "linux/amd64"},
		Versions: map[string]string{"pg2db9": "pg2db9 1"}, Settings: map[string]string{"fsync": "on"}, Rounds: 3, Size: 1, Seed: 9, Load: "0.10 0.10 0.10", Results: []*result{r},
	}
}

// What misses its goal is said to, by how much; so is what was not measured.
func TestGoalsThatAreMissed(t *testing.T) {
	t.Parallel()
	var rec record
	rec.put(made("505", map[string]float64{oursName: 18, plainDump: 30, dirDump: 15, "pgcopydb 0.10-1": 36, "pgcopydb 0.18": 20, manyJobs: 17}, 80<<20))
	rec.put(made("a", map[string]float64{oursName: 5, plainDump: 10, dirDump: 10, "pgcopydb 0.18": 10}, 20<<20))
	text := rec.markdown()
	for _, want := range []string{
		"| `505` | wall to that of pg_dump -Fd, pg_restore | 1.2 | ≤ 1 | missed by 20 % |",
		"| `505` | wall to that of pgcopydb 0.10-1 | 0.5 | ≤ 1 | kept |",
		"| `505` | wall to that of pgcopydb 0.18 | 0.9 | ≤ 0.8 | missed by 12 % |",
		"| `505` | client CPU, s per GB | 1.8 | ≤ 0.8 | missed by 125 % |",
		"| `505` | max RSS, eight jobs, MiB | 80 | ≤ 64 | missed by 25 % |",
		"| `505` | floor to wall | 0.625 | ≥ 0.9 | missed by 31 % |", // (15/2 + 15)/2 over 18
		"| `a` | beside two versions of pgcopydb | — |  | not measured: PGCOPYDB named fewer |",
		"| `a` | 1 | 5.00 s | 10.00 s (2.00×) | 10.00 s (2.00×) | 10.00 s (2.00×) | — | 3.75 s | 0.75 | 0.50 | — |",
		"`a`, `505`:\n\n    2 cores, a processor, 8 GB of memory, linux/amd64\n",
	} {
		require.Contains(t, text, want)
	}
	require.NotContains(t, text, "`a` | floor to wall", "the goal is one of 505 tables")
	require.Less(t, strings.Index(text, "Case a"), strings.Index(text, "Case 505"), "in the order of the cases")
	rec.put(made("505", map[string]float64{oursName: 5, plainDump: 30}, 1<<20))
	require.Len(t, rec.Cases, 2)
	require.NotContains(t, rec.markdown(), "missed by 20 %")
}

// A page without its markers, or with them the wrong way round, is left as it is,
// and so is a record that is none.
func TestPagesAndRecordsThatAreNone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "page.md")
	for _, page := range []string{"", pageBegins, pageEnds + pageBegins, aPage + pageBegins, aPage + pageEnds} {
		require.NoError(t, os.WriteFile(path, []byte(page), 0o600))
		require.ErrorContains(t, checkPage(path), "the page must have one line")
		require.ErrorContains(t, writePage(path, "x"), "the page must have one line")
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, page, string(text))
	}
	for text, want := range map[string]string{"{": "unexpected end", `{"version": 7}`: "version 7", `{"version": 1, "cases": [{}]}`: "0 results"} {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		_, err := readRecord(path)
		require.ErrorContains(t, err, want)
	}
	require.NoError(t, checkPage(filepath.Join("..", "..", "..", "docs", "performance.md")), "make compare writes there")
	_, err := parse([]string{"-page", "x"}, io.Discard)
	require.ErrorContains(t, err, "-record")
	o, err := parse([]string{"-cases", compared, "-mb", "263"}, io.Discard)
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b", "c", "d", "e", "f", "505", "far"}, o.cases)
	require.InDelta(t, 0.1, o.size, 1e-9)
	o, err = parse(nil, io.Discard)
	require.NoError(t, err)
	require.NotContains(t, o.cases, "a", "those have a command of their own")
}
