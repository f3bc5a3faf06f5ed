package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest"
	"github.com/pg2db9/pg2db9/internal/pgtest/pgserver"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// needServer skips where the demo could not get a PostgreSQL either.
func needServer(t *testing.T) {
	t.Helper()
	_, err := pgserver.Find(t.Context(), 0)
	if errors.Is(err, pgserver.ErrNotFound) && os.Getenv("PGTEST_REQUIRED") != "1" {
		t.Skip(err)
	}
	require.NoError(t, err)
}

// clusters are the directories that the demo's output names.
func clusters(out string) (dirs []string) {
	for _, m := range regexp.MustCompile(`host=(%2Ftmp%2Fpgtest-\d+)`).FindAllStringSubmatch(out, -1) {
		dirs = append(dirs, strings.ReplaceAll(m[1], "%2F", "/"))
	}
	return dirs
}

// nothingLeft wants the clusters gone, processes included: a server that ran
// would hold its directory, or have made it again.
func nothingLeft(t *testing.T, out string) {
	t.Helper()
	dirs := clusters(out)
	require.NotEmpty(t, dirs, out)
	for _, dir := range dirs {
		require.NoDirExists(t, dir)
		require.Empty(t, processesOf(t, dir))
	}
}

// processesOf lists the processes whose command line has text, where /proc is.
func processesOf(t *testing.T, text string) (found []string) {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	require.NoError(t, err)
	for _, path := range lines {
		if line, err := os.ReadFile(path); err == nil && bytes.Contains(line, []byte(text)) {
			found = append(found, string(line))
		}
	}
	return found
}

func TestDemo(t *testing.T) {
	t.Parallel()
	needServer(t)
	for _, rules := range []string{"none", "strict"} {
		t.Run(rules, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			var out, stderr bytes.Buffer
			code := run(t.Context(), []string{"--scale", "0.02", "--rules", rules, "--report-dir", dir}, &out, &stderr)
			require.Zero(t, code, "%s\n%s", &out, &stderr)
			require.Regexp(t, `done and verified: \d+ tables, [\d,]+ rows, 8 sequences`, out.String())
			require.Regexp(t, `contents: (\d+) of \d+ tables`, out.String())
			require.Contains(t, out.String(), "both servers say the same: 15 tables")
			simulated := rules != "none"
			require.Equal(t, simulated, strings.Contains(out.String(), "\n  - simulated:"))
			require.Equal(t, simulated, strings.Contains(out.String(), "profile   db9, simulated"))
			require.Equal(t, simulated, regexp.MustCompile(`refuted, so done otherwise: \d+: .*copy-values`).MatchString(out.String()))
			require.FileExists(t, filepath.Join(dir, "report.md"))
			nothingLeft(t, out.String())
		})
	}
}

// A rehearsal reads the user's database, leaves nothing behind, and puts its
// password nowhere.
func TestRehearse(t *testing.T) {
	needServer(t)
	const password = "s3cr3t-of-the-source"
	source := pgtest.Server(t).Database(t)
	source.Exec(t, `CREATE TABLE a (id smallint PRIMARY KEY, words text[]); INSERT INTO a SELECT i, '{"007"}' FROM generate_series(1, 100) i`)
	url := strings.Replace(source.URL, "postgres@", "postgres:"+password+"@", 1)
	require.Contains(t, url, password)
	t.Setenv(sourceVariable, url)
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	before := source.QueryString(t, "SELECT count(*) FROM pg_class")
	var out, stderr bytes.Buffer
	code := run(t.Context(), []string{"--rehearse"}, &out, &stderr)
	require.Zero(t, code, "%s\n%s", &out, &stderr)
	require.Contains(t, out.String(), "done and verified: 1 table, 100 rows")
	require.Contains(t, out.String(), "\n  - simulated:")
	require.NotContains(t, out.String(), "The report stays")
	require.NotContains(t, out.String()+stderr.String(), password)
	require.Equal(t, before, source.QueryString(t, "SELECT count(*) FROM pg_class"))
	left, err := os.ReadDir(temp)
	require.NoError(t, err)
	require.Empty(t, left)
}

// Whatever Ctrl-C meets, clone's code is the demo's and nothing is left.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	needServer(t)
	dir := t.TempDir()
	program := filepath.Join(dir, "demo")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // the packages of pg2db9, as it is built too
	built, err := build.CombinedOutput()
	require.NoError(t, err, string(built))
	for _, at := range []struct{ name, text, code string }{
		{"before clone", "started, each on a socket", `^130$`},
		{"in clone", "data: started", `^(130|5|0)$`}, // 0: it was faster than the signal
		{"kept", "The servers run until", `^0$`},
	} {
		t.Run(at.name, func(t *testing.T) {
			t.Parallel()
			temp := t.TempDir()
			cmd := exec.CommandContext(t.Context(), program, "--scale", "0.3", "--keep", "--report-dir", temp)
			cmd.Env = append(os.Environ(), "TMPDIR="+temp)
			out := &watcher{text: at.text, then: func() { _ = cmd.Process.Signal(syscall.SIGINT) }}
			cmd.Stdout, cmd.Stderr = out, out
			err := cmd.Run()
			require.Regexp(t, at.code, exitCode(err), out.String())
			left, err := filepath.Glob(filepath.Join(temp, "pg2db9-demo-*"))
			require.NoError(t, err)
			require.Empty(t, left)
			if at.name != "before clone" { // there no URL was printed
				nothingLeft(t, out.String())
			}
		})
	}
}

func exitCode(err error) int {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	return 0
}

// watcher keeps what is written, and acts once when a text has come.
type watcher struct {
	mu   sync.Mutex
	buf  bytes.Buffer
	text string
	then func()
}

func (w *watcher) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n, err := w.buf.Write(p)
	if w.then != nil && strings.Contains(w.buf.String(), w.text) {
		w.then()
		w.then = nil
	}
	return n, err
}

func (w *watcher) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.buf.String()
}

func TestUsage(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"--rules", "mysql"}, {"--rehearse", "--rules", "none"}, {"--rehearse"}, {"--scale", "0"}, {"--nonsense"}, {"more"}} {
		var out, stderr bytes.Buffer
		require.Equal(t, 2, run(t.Context(), args, &out, &stderr), args)
		require.NotEmpty(t, stderr.String())
		require.Empty(t, out.String())
	}
	var out, stderr bytes.Buffer
	require.Zero(t, run(t.Context(), []string{"--help"}, &out, &stderr))
}

// A demo that was interrupted before its first step makes nothing.
func TestCancelled(t *testing.T) {
	t.Parallel()
	needServer(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, stderr bytes.Buffer
	require.Equal(t, interrupted, run(ctx, []string{"--report-dir", t.TempDir()}, &out, &stderr))
	require.Contains(t, stderr.String(), "interrupted")
	require.NotContains(t, out.String(), "pg2db9 built")
}
