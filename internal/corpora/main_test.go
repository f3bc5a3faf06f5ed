package corpora_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// short are the corpora of every test run: plain shapes, partitions and
// domains, narrow types, and names that nobody expects.
var short = []string{"chinook", "northwind", "pagila", "pgcopydb-unit"}

// all asks for every corpus and every major.
func all() bool { return os.Getenv("PG2DB9_CORPORA_ALL") == "1" }

// root is the folder of the corpora. Without it the test is skipped, unless
// all were asked for.
func root(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("PG2DB9_CORPORA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "corpora") // from this package
	}
	dir, err := filepath.Abs(dir)
	require.NoError(t, err)
	missing := ""
	if _, err := os.Stat(filepath.Join(dir, "load.sh")); err != nil {
		missing = "no corpora at " + dir
	}
	for _, program := range []string{"bash", "psql", "pg_restore", "perl"} {
		if _, err := exec.LookPath(program); err != nil && missing == "" {
			missing = "the corpora are loaded by " + program + ", which is not in PATH"
		}
	}
	if missing != "" {
		if all() {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	return dir
}

// names are the corpora to clone: the folders that hold a LOAD. (Collections
// hold them one level deeper.)
func names(t *testing.T, dir string) []string {
	t.Helper()
	if !all() {
		return short
	}
	files, err := filepath.Glob(filepath.Join(dir, "*", "LOAD"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	var out []string
	for _, f := range files {
		out = append(out, filepath.Base(filepath.Dir(f)))
	}
	return out
}

// load puts a corpus into an empty database. It skips where the server cannot
// hold it.
func load(t *testing.T, dir, name, url string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "bash", filepath.Join(dir, "load.sh"), name, url)
	cmd.Env = append(environment(), "ERRLOG="+filepath.Join(t.TempDir(), "errors"), "SHOWERR=5")
	out, err := cmd.CombinedOutput()
	const cannot = 3
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == cannot {
		t.Skip(strings.TrimSpace(string(out)))
	}
	require.NoError(t, err, "%s", out)
	t.Logf("%s", out)
}

// environment is what the scripts get. Debian's psql in PATH is a Perl script
// that finds the real one, a tenth of a second a call, and they call it a
// hundred times: they are told where the real one is.
func environment() []string {
	env := os.Environ()
	dirs, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil || len(dirs) == 0 {
		return env
	}
	dir := dirs[len(dirs)-1]
	for name, program := range map[string]string{"PSQL": "psql", "PG_RESTORE": "pg_restore"} {
		path := filepath.Join(dir, program)
		if _, err := os.Stat(path); err == nil {
			env = append(env, name+"="+path)
		}
	}
	return env
}
