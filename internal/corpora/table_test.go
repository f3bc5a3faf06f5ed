package corpora_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/cli"
	"github.com/pg2db9/pg2db9/internal/corpora"
	"github.com/pg2db9/pg2db9/internal/db9sim"
	"github.com/pg2db9/pg2db9/internal/pgtest"
	"github.com/pg2db9/pg2db9/internal/ui/report"
)

// collections are the folders of small schemas, a case each.
var collections = []string{"pgschema-diff", "pgschema-dump"}

// everyNth of the small schemas is in every test run; all of them in `make
// test-corpora`.
const everyNth = 15

// TestTable takes every schema there is through assess, schema and clone, under
// both profiles: each ends 0 or 4, the statements printed run on PostgreSQL 15
// without an error, and through the strict stand-in; what does not arrive as it
// was is named by the report. It prints one line a schema.
func TestTable(t *testing.T) {
	t.Parallel()
	dir := root(t)
	var res results
	res.log(t)
	strict := probed(t)
	for _, name := range schemas(t, dir) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source := pgtest.Server(t).Database(t)
			load(t, dir, name, source.URL)
			for _, profile := range []string{"postgres", "db9"} {
				t.Run(profile, func(t *testing.T) {
					r := result{corpus: name, profile: profile, major: source.Cluster().Major()}
					defer func() { res.add(r) }()
					r.assess = assess(t, source, profile)
					r.script = script(t, source, profile)
					if profile == "db9" {
						r.simulated = simulate(t, source, strict)
					}
					target := pgtest.Server(t).Database(t)
					c, code := run(t, source, target, profile)
					r.code, r.tables, r.left = code, len(c.copied()), c.rep.Counts.Left
					if c.code == blocked {
						return
					}
					options := []string{"--loose"} // a server renders casts otherwise that it has parsed twice
					if profile == "db9" {
						options = append(options, "--map", "db9", "--flatten")
					}
					bad := schemadiff(t, dir, source, target, append(options, "--accounted", c.reasons(t))...)
					named := c.named()
					bad = slices.DeleteFunc(bad, func(d difference) bool { return odd.MatchString(d.last()) && named[d.last()] })
					r.unaccounted = len(bad)
					require.Empty(t, bad, "differences of schema that the report does not name:\n%s", lines(bad))
				})
			}
		})
	}
}

// schemas are the small ones, all or some; with all, the corpora as well.
func schemas(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	for _, collection := range collections {
		files, err := filepath.Glob(filepath.Join(dir, collection, "*", "LOAD"))
		require.NoError(t, err)
		require.NotEmpty(t, files)
		for i, f := range files {
			if all() || i%everyNth == 0 {
				out = append(out, collection+"/"+filepath.Base(filepath.Dir(f)))
			}
		}
	}
	if all() {
		out = append(out, names(t, dir)...)
	}
	if only := os.Getenv("PG2DB9_CORPORA_ONLY"); only != "" {
		out = slices.DeleteFunc(out, func(name string) bool { return !strings.Contains(name, only) })
	}
	return out
}

// assess is the exit code of an assessment.
func assess(t *testing.T, source *pgtest.DB, profile string) string {
	t.Helper()
	var out, stderr buffer
	code := cli.Main(t.Context(), []string{"assess", "--source", source.URL, "--profile", profile, "--no-progress"}, cli.Streams{Out: &out, Err: &stderr})
	require.Contains(t, []int{done, blocked}, code, "assess: exit %d: %s", code, stderr.String())
	return strconv.Itoa(code)
}

// script prints the schema and runs it on an empty PostgreSQL database.
func script(t *testing.T, source *pgtest.DB, profile string) string {
	t.Helper()
	var out, stderr buffer
	code := cli.Main(t.Context(), []string{"schema", "--source", source.URL, "--profile", profile, "--no-progress"}, cli.Streams{Out: &out, Err: &stderr})
	require.Contains(t, []int{done, blocked}, code, "schema: exit %d: %s", code, stderr.String())
	target := pgtest.Server(t).Database(t)
	file := filepath.Join(t.TempDir(), "schema.sql")
	require.NoError(t, os.WriteFile(file, []byte(out.String()), 0o600))
	cmd := exec.CommandContext(t.Context(), psql(), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", file, target.URL)
	cmd.Env = append(corpora.Environment(), "PGOPTIONS=-c search_path= -c client_min_messages=warning")
	said, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		require.NoError(t, err, "the statements of schema on PostgreSQL: %s\n%s", said, excerpt(out.String(), string(said)))
	}
	require.NoError(t, err)
	return strconv.Itoa(code)
}

// excerpt is the text of a script around the line of psql's error.
func excerpt(sql, said string) string {
	_, after, ok := strings.Cut(said, "schema.sql:")
	number, _, _ := strings.Cut(after, ":")
	n, err := strconv.Atoi(number)
	if !ok || err != nil {
		return ""
	}
	all := strings.Split(sql, "\n")
	return strings.Join(all[max(0, n-5):min(len(all), n+2)], "\n")
}

// psql is the program itself where it can be found beside Debian's wrapper.
func psql() string {
	for _, e := range slices.Backward(corpora.Environment()) {
		if path, ok := strings.CutPrefix(e, "PSQL="); ok {
			return path
		}
	}
	return "psql"
}

// simulate clones through the strict stand-in, under the profile that probing it
// gave. Where findings block, all that blocks is accepted, so that the rest is
// looked at too.
func simulate(t *testing.T, source *pgtest.DB, profile string) string {
	t.Helper()
	sim := strict(t)
	options := []string{"--profile", profile}
	c := cloneTo(t, source, sim.URL(), options...)
	codes := strconv.Itoa(c.code)
	if c.code == blocked {
		c = cloneTo(t, source, sim.URL(), append(options, c.accepts()...)...)
		codes += ", accepted " + strconv.Itoa(c.code)
	}
	require.Contains(t, []int{done, blocked}, c.code, "clone through the stand-in: exit %d: %s\n%s", c.code, c.stderr, c.failed())
	return codes
}

// strict starts a strict stand-in before an empty database.
func strict(t *testing.T) *db9sim.Sim {
	t.Helper()
	sim, err := db9sim.Start(t.Context(), db9sim.Config{Backend: pgtest.Server(t).Database(t).URL, Rules: db9sim.Strict()})
	require.NoError(t, err)
	t.Cleanup(sim.Close)
	return sim
}

// probed writes the profile of the strict stand-in to a file: asked once, as
// every database would ask the same.
func probed(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "probe.json")
	var out, stderr buffer
	code := cli.Main(t.Context(), []string{"probe", "--target", strict(t).URL(), "--report", file, "--probe-cache", dir, "--no-progress"}, cli.Streams{Out: &out, Err: &stderr})
	require.Equal(t, done, code, stderr.String())
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	var rep report.Report
	require.NoError(t, json.Unmarshal(data, &rep))
	require.NotNil(t, rep.Profile.Settings)
	data, err = yaml.Marshal(rep.Profile.Settings)
	require.NoError(t, err)
	file = filepath.Join(dir, "strict.yaml")
	require.NoError(t, os.WriteFile(file, data, 0o600))
	return file
}

// failed are the statements that the target refused.
func (c cloned) failed() string {
	var b strings.Builder
	for _, s := range c.rep.Statements {
		if s.Status == report.StatementFailed {
			fmt.Fprintf(&b, "%s: %s\n  %s\n", s.ID, s.Reason, s.SQL)
		}
	}
	return b.String()
}
