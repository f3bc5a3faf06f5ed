package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	benchresult "github.com/pg2db9/pg2db9/internal/bench/result"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// tinyShape is rows that take next to no time.
func tinyShape(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tiny.yaml")
	require.NoError(t, os.WriteFile(path, []byte("columns:\n  - {name: a, kind: int}\n  - {name: t, kind: text, bytes: 60}\n"), 0o600))
	return path
}

const leftOfBench = "SELECT count(*) FROM pg_namespace WHERE nspname LIKE '%pg2db9%'"

// U13: a measurement from the command line to its files, to a comparison, to an
// estimate and to a configuration that a clone then reads.
func TestU13BenchCommand(t *testing.T) {
	t.Parallel()
	b := setup(t, shop)
	dir := t.TempDir()
	a, page, list, conf := filepath.Join(dir, "a.json"), filepath.Join(dir, "a.html"), filepath.Join(dir, "a.csv"), filepath.Join(dir, "c.yaml")
	require.NoError(t, os.WriteFile(conf, []byte("# ours\njobs: 3\nretry-for: 7\n"), 0o600))
	target := withPassword(b.target.URL)
	measure := []string{"bench", "--target", target, "--shape", tinyShape(t), "--size", "300kB", "--jobs", "1,2", "--repeat", "1", "--primary-key", "inline,after"}
	r := run(t, append(measure, "--result", a, "--result", page, "--result", list, "--apply-to", conf, "--batch-rows", "1000")...)
	require.Equal(t, OK, r.code, r.err)
	require.Contains(t, r.out, "recommended: jobs ")
	require.Contains(t, r.out, "ceiling: tiny rows pass through pg2db9 alone")
	require.Equal(t, "0", b.target.QueryString(t, leftOfBench))
	res, err := benchresult.Read(a)
	require.NoError(t, err)
	require.Len(t, res.Cells, 4)
	for _, file := range []string{page, list} {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		noSecret(t, string(data))
		require.Contains(t, string(data), "tiny")
	}
	data, err := os.ReadFile(conf)
	require.NoError(t, err)
	require.Contains(t, string(data), "# ours\njobs: "+strings.TrimSpace(jsonText(t, res.Best.Settings.Jobs))+"\nretry-for: 7\nprimary-key: "+res.Best.Settings.PrimaryKey+"\nprofile: ")
	clone := b.run(t, "clone", "--config", conf)
	require.Equal(t, OK, clone.code, clone.err)

	b2 := filepath.Join(dir, "b.json")
	both := []string{"bench", "--source", withPassword(b.source.URL), "--target", withPassword(pgtest.Server(t).Database(t).URL), "--include-table", "orders", "--repeat", "1", "--json", "--result", b2, "--append"}
	for n := 1; n <= 2; n++ {
		r = run(t, both...)
		require.Equal(t, OK, r.code, r.err)
		objects := jsonObjects(t, r.out)
		require.Equal(t, "bench", objects[0]["type"])
		require.Equal(t, "exit", objects[len(objects)-1]["type"])
		if res, err = benchresult.Read(b2); n == 1 {
			continue // a server of another name is another measurement
		}
		require.NoError(t, err)
		require.Len(t, res.Cells[0].Runs, 2, "appended")
	}
	r = run(t, "bench", "compare", a, a)
	require.Equal(t, Failed, r.code, "one run is too few: that is no success")
	require.Contains(t, r.out, "cannot tell")
	r = run(t, "bench", "compare", "--json", a, b2)
	require.Equal(t, Failed, r.code)
	require.Contains(t, r.out, `"verdict":"unknown"`)

	r = run(t, "bench", "estimate", "--source", withPassword(b.source.URL), "--result", a)
	require.Equal(t, OK, r.code, r.err)
	require.Contains(t, r.out, "2 jobs")
	require.Contains(t, r.out, "4 tables")
	r = run(t, "bench", "estimate", "--source", withPassword(b.source.URL), "--result", a, "--json")
	require.Equal(t, OK, r.code, r.err)
	require.Contains(t, r.out, `"by_jobs":[{"jobs":1,`)
}

func jsonText(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	require.NoError(t, err)
	return string(data)
}

// What cannot be measured is refused before anything is written.
func TestBenchThatCannotBe(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	bad := filepath.Join(t.TempDir(), "bad.json")
	require.NoError(t, os.WriteFile(bad, []byte("{}"), 0o600))
	for want, args := range map[string][]string{
		"--jobs: must be whole numbers from 1 to 256, with commas between them, not \"x\"": {"bench", "--jobs", "1,x"},
		"--pipeline: must be whole numbers from 1":                                         {"bench", "--pipeline", "0"},
		"--order: must be key or random":                                                   {"bench", "--order", "up"},
		"--shape: no shape is called \"tall\"":                                             {"bench", "--shape", "narrow,tall"},
		"--size: must be a size such as 500MB":                                             {"bench", "--size", "much"},
		"--duration: must be a time":                                                       {"bench", "--duration", "-1s"},
		"--warmup: 1m0s leaves nothing":                                                    {"bench", "--duration", "10s", "--warmup", "1m"},
		"--repeat: must be 1 to 1000":                                                      {"bench", "--repeat", "0"},
		"there are two shapes \"text\"":                                                    {"bench", "--shape", "text,text"},
		"must end with .json, .csv or .html":                                               {"bench", "--result", "x.txt"},
		"has version 0, this program knows 1":                                              {"bench", "--result", bad, "--append"},
		"there is no --result FILE.json to add to":                                         {"bench", "--append"},
		"must end with .yaml":                                                              {"bench", "--apply-to", "x.json"},
		"two results are compared":                                                         {"bench", "compare", bad},
		"none of bench's":                                                                  {"bench", "compare", "/dev/null", bad},
		"--threshold: must be a number of percent":                                         {"bench", "compare", "--threshold", "x", bad, bad},
		"name the result of a measurement":                                                 {"bench", "estimate", "--source", db.URL},
		"no target":                                                                        {"bench", "clean"},
		"--jobs: must be a whole number, not \"1,2\"":                                      {"clone", "--jobs", "1,2"},
		"--batch-rows does not belong to clone":                                            {"--batch-rows", "1", "clone"},
	} {
		r := run(t, args...)
		require.Equal(t, Usage, r.code, "%v: %s", args, r.err)
		require.Contains(t, r.err, want, "%v", args)
	}
	r := run(t, "bench", "--target", db.URL, "--size", "6GB", "--repeat", "2")
	require.Equal(t, Failed, r.code)
	require.Contains(t, r.err, "would write about 12 GB or more")
	require.Equal(t, "0", db.QueryString(t, leftOfBench))
}

// An interrupt leaves nothing on the target; what kill -9 leaves, bench clean
// removes, and says what.
func TestBenchInterruptedAndKilled(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	args := []string{"bench", "--target", withPassword(db.URL), "--shape", tinyShape(t), "--duration", "60s", "--repeat", "50"}
	loading := func() bool {
		return db.QueryString(t, "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'BEGIN%COPY%pg2db9_bench%'") == "t"
	}
	x := start(t, args...)
	eventually(t, "rows are loaded", loading)
	require.NoError(t, x.cmd.Process.Signal(syscall.SIGINT))
	err := x.wait(t)
	require.EqualError(t, err, "exit status 130", x.err.String())
	noSecret(t, x.err.String())
	require.Equal(t, "0", db.QueryString(t, leftOfBench), x.err.String())

	x = start(t, args...)
	eventually(t, "rows are loaded", loading)
	r := run(t, "bench", "clean", "--target", db.URL)
	require.Equal(t, Failed, r.code)
	require.Contains(t, r.err, "a measurement is at work")
	x.kill(t)
	require.Equal(t, "2", db.QueryString(t, leftOfBench))
	r = run(t, "bench", "--target", db.URL)
	require.Equal(t, Failed, r.code)
	require.Contains(t, r.err, "pg2db9 bench clean removes")
	r = run(t, "bench", "clean", "--target", db.URL)
	require.Equal(t, OK, r.code, r.err)
	require.Equal(t, "removed: 1 run of the ledger, schema pg2db9_bench, and the ledger that came with it", r.last())
	require.Equal(t, "0", db.QueryString(t, leftOfBench))
	r = run(t, "bench", "clean", "--target", db.URL, "--json")
	require.Equal(t, OK, r.code, r.err)
	require.Contains(t, r.out, "nothing was left")
}
