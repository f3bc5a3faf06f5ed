package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/config"
)

// The codes are a contract with scripts.
func TestExitCodeTable(t *testing.T) {
	t.Parallel()
	want := map[Code]string{
		0: "ok", 1: "failed", 2: "usage", 3: "differences", 4: "blocked", 5: "partial", 130: "interrupted",
	}
	require.Len(t, exitCodes, len(want))
	help := exitHelp()
	for c, name := range want {
		require.Equal(t, name, c.String())
		require.Contains(t, help, fmt.Sprintf("%3d  ", c))
	}
	require.Equal(t, "code 77", Code(77).String())
	require.Len(t, precedence, len(want))
}

func TestPrecedenceOfCodes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in   []Code
		want Code
	}{
		{nil, OK},
		{[]Code{OK, Blocked}, Blocked},
		{[]Code{Blocked, Partial}, Partial},
		{[]Code{Partial, Differences}, Differences},
		{[]Code{Differences, Failed, Partial}, Failed},
		{[]Code{Failed, Interrupted, Differences}, Interrupted},
	} {
		require.Equal(t, c.want, worst(c.in...), "%v", c.in)
	}
}

func TestCodeOf(t *testing.T) {
	t.Parallel()
	require.Equal(t, OK, codeOf(nil))
	require.Equal(t, Failed, codeOf(errors.New("x")))
	require.Equal(t, Usage, codeOf(fmt.Errorf("y: %w", usagef("clone", "x"))))
	require.Equal(t, Usage, codeOf(&config.Error{}))
	require.Equal(t, Interrupted, codeOf(fmt.Errorf("y: %w", context.Canceled)))
	require.Equal(t, Failed, codeOf(context.DeadlineExceeded))
}

const (
	someSource = "postgres://u:" + password + "@127.0.0.1:1/a?sslmode=disable"
	someTarget = "postgres://u:" + password + "@127.0.0.1:1/b?sslmode=disable"
)

// U12: what cannot be used is refused with exit 2, before anything is done, by
// name and with a hint.
func TestUsageErrors(t *testing.T) {
	t.Parallel()
	both := []string{"--source", someSource, "--target", someTarget}
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	unknownKey := file("unknown.yaml", "source: "+someSource+"\njobz: 3\n")
	wrongValue := file("wrong.yaml", "\n\njobs: 0\n")
	badProfile := file("profile.yaml", "name: x\nbatch_rowz: 5\n")
	for _, c := range []struct {
		name string
		args []string
		want string
	}{
		{"no command", nil, "no command given"},
		{"unknown command", []string{"clon"}, `unknown command "clon"; did you mean "clone"?`},
		{"unknown command, far off", []string{"frobnicate"}, "the commands are assess, clone"},
		{"unknown flag", append([]string{"clone", "--job", "3"}, both...), "unknown flag --job; did you mean --jobs?"},
		{"unknown flag, far off", []string{"clone", "--colour"}, "unknown flag --colour\n"},
		{"another command's flag", append([]string{"verify", "--skip-verify"}, both...), "unknown flag --skip-verify"},
		{"another command's flag before the command", append([]string{"--skip-verify", "verify"}, both...), "--skip-verify does not belong to verify"},
		{"no source", []string{"clone", "--target", someTarget}, "no source: give --source URL or set PG2DB9_SOURCE"},
		{"no target", []string{"clone", "--source", someSource}, "no target: give --target URL or set PG2DB9_TARGET"},
		{"flag without value", []string{"clone", "--source"}, "--source needs a value"},
		{"switch with a value", []string{"clone", "--json=perhaps"}, "--json is a switch"},
		{"argument", append([]string{"clone", "public.t"}, both...), `unexpected argument "public.t"`},
		{"connection string as argument", []string{"clone", someSource}, "connection strings are given by --source and --target"},
		{"the same twice", []string{"clone", "--source", someSource, "--target", someSource}, "source and target are the same database"},
		{"group without a command", []string{"rejects"}, "rejects is followed by what to do: rejects export, rejects load"},
		{"no folder", []string{"rejects", "export", "--target", someTarget}, "give --dir DIR"},
		{"no files", []string{"rejects", "load", "--target", someTarget}, "no files: name those"},
		{"no such file", []string{"rejects", "load", "--target", someTarget, dir + "/none.jsonl"}, "cannot be read"},
		{"no refused rows in it", []string{"rejects", "load", "--target", someTarget, unknownKey}, "unknown.yaml:1 is no refused row"},
		{"max-rejects", append([]string{"clone", "--on-row-error", "reject", "--max-rejects", "0"}, both...), "--max-rejects: must be at least 1"},
		{"rejects-ok alone", append([]string{"clone", "--rejects-ok"}, both...), "--rejects-ok is for refused rows that are kept apart: it needs --on-row-error reject"},
		{"jobs", append([]string{"clone", "--jobs", "0"}, both...), "--jobs: must be 1 to 256, not 0"},
		{"jobs no number", append([]string{"clone", "--jobs", "four"}, both...), `--jobs: must be a whole number, not "four"`},
		{"report extension", append([]string{"clone", "--report", "r.txt"}, both...), "must end in .html, .md or .json"},
		{"report folder", append([]string{"clone", "--report", dir + "/none/r.md"}, both...), "cannot be written"},
		{"report twice", append([]string{"clone", "--report", dir + "/r.md", "--report", dir + "/./r.md"}, both...), "is asked for twice"},
		{"on-existing", append([]string{"clone", "--on-existing", "ignore"}, both...), "must be one of refuse, truncate, drop"},
		{"copy cannot drop", append([]string{"copy", "--on-existing", "drop"}, both...), "copy creates no tables"},
		{"assessment's extension", []string{"assess", "--source", someSource, "--report", "r.txt"}, "must end in .html, .md or .json"},
		{"scan mode", []string{"assess", "--source", someSource, "--scan-data", "some"}, "must be one of sample, full"},
		{"scan rate", []string{"assess", "--source", someSource, "--scan-rate", "fast"}, "--scan-rate: "},
		{"scan rows", []string{"assess", "--source", someSource, "--scan-rows", "0"}, "--scan-rows: must be at least 1"},
		{"profile", append([]string{"clone", "--profile", "mysql"}, both...), "the profile must be auto, db9, postgres or a YAML file"},
		{"profile file", append([]string{"clone", "--profile", dir + "/none.yaml"}, both...), "cannot be read: no such file"},
		{"profile key", append([]string{"clone", "--profile", badProfile}, both...), "batch_rowz"},
		{"accept", append([]string{"clone", "--accept", "type.refuse"}, both...), `no finding has the code "type.refuse"; did you mean "type.refused"?`},
		{"accept what cannot be", append([]string{"clone", "--accept", "target.not-empty"}, both...), "target.not-empty cannot be accepted"},
		{"apply", []string{"schema", "--source", someSource, "--apply", "everything"}, `no phase "everything"`},
		{"apply without target", []string{"schema", "--source", someSource, "--apply", "all"}, "no target"},
		{"config key", []string{"clone", "--config", unknownKey}, `unknown.yaml:2: jobz: unknown configuration key; did you mean "jobs"?`},
		{"config value", append([]string{"clone", "--config", wrongValue}, both...), "wrong.yaml:3: jobs: must be 1 to 256, not 0"},
		{"config missing", []string{"clone", "--config", dir + "/none"}, "the configuration file cannot be read"},
		{"no URL", []string{"clone", "--source", "mysql://u:" + password + "@h/d", "--target", someTarget}, `its scheme is "mysql"`},
		{"broken URL", []string{"clone", "--source", "postgres://u:" + password + "@h:port/d", "--target", someTarget}, "connection string cannot be used"},
		{"secret where a number belongs", []string{"clone", "--jobs", someSource}, "--jobs: must be a whole number"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := run(t, c.args...)
			require.Equal(t, Usage, r.code, r.err)
			require.Contains(t, r.err, c.want)
			require.True(t, strings.HasPrefix(r.err, "pg2db9: "), r.err)
			require.LessOrEqual(t, strings.Count(r.err, "\n"), 3, "one message and one hint")

			// The same as JSON: the exit object alone, and last.
			if len(c.args) > 0 && c.name != "switch with a value" {
				at := 1
				if c.args[0] == "rejects" {
					at = min(2, len(c.args))
				}
				r := run(t, slices.Concat(c.args[:at], []string{"--json"}, c.args[at:])...)
				require.Equal(t, Usage, r.code)
				all := jsonObjects(t, r.out)
				require.Len(t, all, 1)
				require.Equal(t, "exit", all[0]["type"])
				require.InDelta(t, 2, all[0]["code"], 0)
				require.Equal(t, "usage", all[0]["meaning"])
			}
		})
	}
}

// An option may come by flag, before or after the command, by environment or
// by file; the complaint about its value names the place.
func TestComplaintNamesThePlace(t *testing.T) {
	t.Parallel()
	c := call{args: []string{"clone"}, env: map[string]string{"PG2DB9_SOURCE": someSource, "PG2DB9_TARGET": someTarget, "PG2DB9_JOBS": "1000"}}
	r := c.run(t)
	require.Equal(t, Usage, r.code)
	require.Contains(t, r.err, "PG2DB9_JOBS: must be 1 to 256, not 1000")

	r = run(t, "--jobs", "1000", "--source", someSource, "clone", "--target", someTarget)
	require.Equal(t, Usage, r.code)
	require.Contains(t, r.err, "--jobs: must be 1 to 256, not 1000")

	r = run(t, "--jobs", "1000", "clone", "--jobs", "500", "--source", someSource, "--target", someTarget)
	require.Contains(t, r.err, "not 500", "the command's own flag decides")
}

func TestHelp(t *testing.T) {
	t.Parallel()
	r := run(t, "--help")
	require.Equal(t, OK, r.code)
	for _, c := range commands() {
		require.Equal(t, !c.hidden, strings.Contains(r.out, c.name), c.name)
		h := run(t, append(strings.Fields(c.name), "--help")...)
		require.Equal(t, OK, h.code)
		require.Contains(t, h.out, "Exit codes:")
		for _, o := range c.options {
			require.Contains(t, h.out, "--"+config.NameOf(o))
		}
		require.Empty(t, h.err)
	}
	require.Contains(t, r.out, "130  interrupted")
	require.Equal(t, r.out, run(t, "help").out)
	require.Equal(t, run(t, "clone", "-h").out, run(t, "help", "clone").out)
}

func TestVersion(t *testing.T) {
	t.Parallel()
	r := run(t, "version")
	require.Equal(t, OK, r.code)
	require.True(t, strings.HasPrefix(r.out, "pg2db9 "))
	r = run(t, "version", "--json")
	all := jsonObjects(t, r.out)
	require.Equal(t, "version", all[0]["type"])
	require.Equal(t, "exit", all[1]["type"])
}

func TestRedact(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"postgres://u:pw@h/d":                          "postgres://u:***@h/d",
		"postgres://u:p%40w@h/d and postgres://v@h":    "postgres://u:***@h/d and postgres://v@h",
		"host=h password=pw user=u":                    "host=h password=*** user=u",
		"host=h password='p w' user=u":                 "host=h password=*** user=u",
		`detail: Key (url)=(https://x.org/) is there`:  `detail: Key (url)=(https://x.org/) is there`,
		"connecting to postgres://u@h:5432/d: refused": "connecting to postgres://u@h:5432/d: refused",
	} {
		require.Equal(t, want, redact(in))
	}
}

func TestShellWord(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"public.orders": "public.orders", "": "''", "a b": "'a b'", `"x"`: `'"x"'`, "it's": `'it'\''s'`, "$(rm)": "'$(rm)'", "*": "'*'",
	} {
		require.Equal(t, want, shellWord(in))
	}
}

func TestPhasesOfApply(t *testing.T) {
	t.Parallel()
	require.Nil(t, inPhases("data"))
	require.Nil(t, inPhases(""))
	for _, word := range append(phaseNames(), preData, postData, allData, "foreign keys") {
		require.NotNil(t, inPhases(word), word)
	}
}

func TestPanicIsOneMessage(t *testing.T) {
	t.Parallel()
	errs := &buffer{}
	code := Main(t.Context(), []string{"version"}, Streams{Out: panicWriter{}, Err: errs})
	require.Equal(t, int(Failed), code)
	require.Equal(t, "pg2db9: internal error: out of order; please report it with the command and the versions of both servers\n", errs.String())
}

type panicWriter struct{}

func (panicWriter) Write([]byte) (int, error) { panic("out of order") }

// docs/cli.md is made from the program: UPDATE=1 writes it.
func TestCommandLineDocument(t *testing.T) {
	t.Parallel()
	checkDocument(t, "cli.md", commandLineDocument())
}

func checkDocument(t *testing.T, name, want string) {
	t.Helper()
	path := filepath.Join("..", "..", "docs", name)
	if os.Getenv("UPDATE") != "" {
		require.NoError(t, os.WriteFile(path, []byte(want), 0o644))
	}
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, want, string(got), "UPDATE=1 go test ./internal/cli writes it anew")
}

// commandLineDocument is docs/cli.md.
func commandLineDocument() string {
	var b strings.Builder
	f := func(format string, args ...any) { fmt.Fprintf(&b, format, args...) }
	f(`# Command line

This page is made from the program itself (UPDATE=1 go test ./internal/cli -run Document).

    pg2db9 COMMAND [OPTIONS]

Options may stand before or after the command. Each option can also be given by its variable in the environment, or
by its name as a key of the YAML file that --config (PG2DB9_CONFIG) names. The command line decides before the
environment, the environment before the file. A list in the environment has commas between its values. An unknown
key of the file is an error that names its line; a key of another command is checked and then ignored, so that
commands can share a file.

Connection strings are URLs or key=value pairs, completed by libpq's variables, service files and .pgpass. Without an
sslmode, and with prefer or allow, pg2db9 uses TLS or does not connect; sslmode=disable or a unix socket go without.

Results go to stdout; progress, logs and errors to stderr. With --json stdout is one object a line
([json-output.md](json-output.md)).

## Exit codes

| code | name | meaning |
| ---: | --- | --- |
`)
	for _, e := range exitCodes {
		f("| %d | %s | %s |\n", e.code, e.name, e.meaning)
	}
	f(`
Where several hold, the first of 130, 1, 3, 5, 4, 0 decides. What is *left* (an object that is not carried) or *changed*
does not alter the code; the last line counts both. Only findings of severity *block* give 4, always before anything
is written; those that may be accepted are accepted by --accept CODE or --accept CODE:OBJECT.

The first interrupt (SIGINT, SIGTERM) finishes the batches in flight and ends with 5, and the message names the
commands that continue; the second ends at once with 130. While nothing is written, the first does already. SIGUSR1
prints a line of progress.

## Commands
`)
	for _, c := range commands() {
		f("\n### %s\n\n%s.\n\n```text\n%s\n```\n\n", c.name, upper(c.usage), c.about)
		f("Options: ")
		for i, o := range c.options {
			if i > 0 {
				f(", ")
			}
			f("`--%s`", config.NameOf(o))
		}
		f("\n")
	}
	f("\n## Options\n\n| option | variable | default | meaning |\n| --- | --- | --- | --- |\n")
	f("| `--config FILE` | PG2DB9_CONFIG | | read options from the YAML file |\n")
	for _, o := range config.Options() {
		flag := "--" + o.Name
		if o.Holder != "" {
			flag += " " + o.Holder
		}
		f("| `%s` | %s | %s | %s |\n", flag, o.Env(), o.Default, strings.ReplaceAll(strings.ReplaceAll(o.Usage, "`", ""), "|", `\|`))
	}
	return b.String()
}

func upper(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
