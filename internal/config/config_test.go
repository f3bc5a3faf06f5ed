package config

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pg2db9.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func env(kv ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(kv); i += 2 {
			if kv[i] == name {
				return kv[i+1]
			}
		}
		return ""
	}
}

// Flag before environment before file before default, for each of them.
func TestPrecedence(t *testing.T) {
	t.Parallel()
	file := write(t, "jobs: 2\n")
	for _, c := range []struct {
		name  string
		in    Input
		jobs  int
		where string
	}{
		{"default", Input{}, 4, "--jobs"},
		{"file", Input{File: file}, 2, file + ":1: jobs"},
		{"environment", Input{File: file, Getenv: env("PG2DB9_JOBS", "6")}, 6, "PG2DB9_JOBS"},
		{"flag", Input{File: file, Getenv: env("PG2DB9_JOBS", "6"), Flags: map[string][]string{"jobs": {"8"}}}, 8, "--jobs"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := Resolve(c.in)
			require.NoError(t, err)
			require.Equal(t, c.jobs, got.Jobs)
			require.Equal(t, c.where, got.Where("jobs"))
			require.Equal(t, c.name != "default", got.Given("jobs"))
			require.Equal(t, c.name == "file", got.InFile("jobs"))
		})
	}
}

func TestFileValues(t *testing.T) {
	t.Parallel()
	c, err := Resolve(Input{File: write(t, `# a comment
source: postgres://u:p@h/d
include-table:
  - public.orders
  - "odd, name"
exclude-table: one
on-existing: drop
skip-verify: true
report: [a.json, b.md]
`)})
	require.NoError(t, err)
	require.Equal(t, "postgres://u:p@h/d", c.Source.Reveal())
	require.Equal(t, []string{"public.orders", "odd, name"}, c.IncludeTables)
	require.Equal(t, []string{"one"}, c.ExcludeTables)
	require.Equal(t, Drop, c.OnExisting)
	require.True(t, c.SkipVerify)
	require.Equal(t, []string{"a.json", "b.md"}, c.Reports)
	require.Equal(t, ProfileAuto, c.Profile)
}

func TestEnvironmentList(t *testing.T) {
	t.Parallel()
	c, err := Resolve(Input{Getenv: env("PG2DB9_INCLUDE_TABLE", "a, b")})
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b"}, c.IncludeTables)
}

func TestEmptyFile(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "# nothing\n", "---\n"} {
		c, err := Resolve(Input{File: write(t, text)})
		require.NoError(t, err, "%q", text)
		require.Equal(t, 4, c.Jobs)
	}
}

// U12: an unknown key, a wrong value, a broken file: key and line are named.
func TestFileErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, want string }{
		{"unknown key", "jobs: 4\n\njob: 3\n", `pg2db9.yaml:3: job: unknown configuration key; did you mean "jobs"?`},
		{"underscore", "include_table: x\n", `pg2db9.yaml:1: include_table: unknown configuration key; did you mean "include-table"?`},
		{"far off", "colour: red\n", "pg2db9.yaml:1: colour: unknown configuration key; the keys are"},
		{"wrong number", "jobs: many\n", `pg2db9.yaml:1: jobs: must be a whole number, not "many"`},
		{"wrong choice", "\non-existing: destroy\n", `pg2db9.yaml:2: on-existing: must be one of refuse, truncate, drop, not "destroy"`},
		{"list for a value", "jobs: [1, 2]\n", "pg2db9.yaml:1: jobs: takes one value, not a list"},
		{"map for a value", "source:\n  host: x\n", "pg2db9.yaml:1: source: must be a plain value"},
		{"no value", "source:\n", "pg2db9.yaml:1: source: has no value"},
		{"empty list", "report: []\n", "pg2db9.yaml:1: report: the list is empty"},
		{"twice", "jobs: 1\njobs: 2\n", "pg2db9.yaml:2"},
		{"a list at the top", "- jobs\n", "pg2db9.yaml: it must hold keys and values"},
		{"two documents", "jobs: 1\n---\njobs: 2\n", "more than one YAML document"},
		{"no YAML", "jobs: [1\nsource: x\n", "pg2db9.yaml:"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := Resolve(Input{File: write(t, c.text)})
			require.Error(t, err)
			var ce *Error
			require.ErrorAs(t, err, &ce)
			require.Contains(t, err.Error(), c.want)
		})
	}
}

func TestMissingFile(t *testing.T) {
	t.Parallel()
	_, err := Resolve(Input{File: filepath.Join(t.TempDir(), "none.yaml")})
	require.ErrorContains(t, err, "none.yaml: the configuration file cannot be read: no such file or directory")
}

// Invariant 8: neither a broken file's neighbouring lines nor a printed
// configuration show the password.
func TestNoSecret(t *testing.T) {
	t.Parallel()
	const pass = "hunter2secret"
	for _, text := range []string{
		"source: postgres://u:" + pass + "@h/d\njob: 3\n",
		"source: postgres://u:" + pass + "@h/d\n  broken: [\n",
		"source: [postgres://u:" + pass + "@h/d]\n",
		"source: \"postgres://u:" + pass + "@h/d\njobs: 1\n",
	} {
		_, err := Resolve(Input{File: write(t, text)})
		require.Error(t, err, text)
		require.NotContains(t, err.Error(), pass, text)
	}
	c, err := Resolve(Input{Flags: map[string][]string{"source": {"postgres://u:" + pass + "@h/d"}}})
	require.NoError(t, err)
	js, err := json.Marshal(c)
	require.NoError(t, err)
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "c", c.Source)
	for _, s := range []string{
		fmt.Sprint(c.Source), fmt.Sprintf("%v %+v %#v", c.Source, c, c), string(js), log.String(), strings.Join(c.Effective(), " "),
	} {
		require.NotContains(t, s, pass)
	}
}

func TestOnlyTheCommandsOwnOptions(t *testing.T) {
	t.Parallel()
	file := write(t, "set: true\njobs: 3\n")
	c, err := Resolve(Input{Names: []string{"jobs"}, File: file, Getenv: env("PG2DB9_ON_EXISTING", "nonsense")})
	require.NoError(t, err)
	require.Equal(t, 3, c.Jobs)
	require.False(t, c.Given("set"))
}

// Every option can be stored in the field that its table names.
func TestOptionTable(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, o := range Options() {
		require.False(t, seen[o.Name], o.Name)
		seen[o.Name] = true
		require.NotEmpty(t, o.Usage, o.Name)
		v := map[Kind]string{Text: "x", Number: "1", Switch: "true", List: "x"}[o.Kind]
		if len(o.Values) > 0 {
			v = o.Values[0]
		}
		require.NoError(t, o.put(&Config{}, []string{v}), o.Name)
	}
	require.Equal(t, "PG2DB9_INCLUDE_TABLE", Options("include-table")[0].Env())
}

func FuzzParseFile(f *testing.F) {
	for _, s := range []string{"jobs: 1\n", "report: [a, b]\n", "a: &x 1\nb: *x\n", "? a\n: b\n", "{jobs: 1}", "jobs: !!int 1", "\t", "- a"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		_, err := parseFile("f.yaml", data)
		if err != nil {
			var ce *Error
			require.ErrorAs(t, err, &ce)
		}
	})
}
