package corpora_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/corpora"
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
	dir, err := corpora.Root()
	if errors.Is(err, corpora.ErrMissing) && !all() {
		t.Skip(err)
	}
	require.NoError(t, err)
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
	said, err := corpora.Load(t.Context(), dir, name, url, filepath.Join(t.TempDir(), "errors"))
	if errors.Is(err, corpora.ErrCannotHold) {
		t.Skip(err)
	}
	require.NoError(t, err)
	t.Log(said)
}
