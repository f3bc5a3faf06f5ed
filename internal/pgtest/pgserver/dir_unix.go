//go:build unix

package pgserver

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// Clusters live in /tmp and not in os.TempDir(): the path of a unix socket may
// have 107 bytes, and a test's TMPDIR can be long.
const (
	tempRoot   = "/tmp"
	tempPrefix = "pgtest-"
	ownerFile  = "owner.lock"
)

// makeDir makes a cluster's directory and locks it for as long as we live.
func makeDir(acc *account) (dir string, unlock func(), err error) {
	dir, err = os.MkdirTemp(tempRoot, tempPrefix)
	if err != nil {
		return "", nil, fmt.Errorf("create a directory for the cluster: %w", err)
	}
	// The lock is taken before the file has the name that sweep looks for.
	tmp := filepath.Join(dir, "lock")
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return "", nil, errors.Join(fmt.Errorf("lock the cluster: %w", err), os.RemoveAll(dir))
	}
	fail := func(err error) (string, func(), error) {
		return "", nil, errors.Join(fmt.Errorf("lock the cluster: %w", err), f.Close(), os.RemoveAll(dir))
	}
	if _, err := tryLock(f); err != nil {
		return fail(err)
	}
	if err := os.Rename(tmp, filepath.Join(dir, ownerFile)); err != nil {
		return fail(err)
	}
	if err := acc.own(dir); err != nil {
		return fail(err)
	}
	return dir, func() { _ = f.Close() }, nil
}

// sweep removes what processes that were killed have left: directories whose
// lock nobody holds.
func sweep() {
	locks, err := filepath.Glob(filepath.Join(tempRoot, tempPrefix+"*", ownerFile))
	if err != nil {
		return
	}
	for _, path := range locks {
		sweepOne(path)
	}
}

func sweepOne(path string) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return // somebody else's, or gone
	}
	defer func() { _ = f.Close() }()
	if ok, err := tryLock(f); err != nil || !ok {
		return
	}
	dir := filepath.Dir(path)
	data := filepath.Join(dir, "data")
	if pid := postmaster(data); pid > 0 && strings.Contains(commandLine(pid), data) {
		// Its parent is dead and it is on its way out; where the kernel did
		// not tell it, we do, and the next sweep finds it gone. (The number
		// alone could be another process's by now.)
		_ = syscall.Kill(pid, syscall.SIGQUIT)
		return
	}
	_ = removeCluster(dir)
}

// removeCluster removes a cluster's directory, and its data where they are
// elsewhere.
func removeCluster(dir string) error {
	if data, err := os.Readlink(filepath.Join(dir, "data")); err == nil {
		if err := os.RemoveAll(data); err != nil {
			return err
		}
	}
	return os.RemoveAll(dir)
}

// postmaster reads the pid of the server of a data directory, 0 if it has none.
func postmaster(data string) int {
	b, err := os.ReadFile(filepath.Join(data, "postmaster.pid"))
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(b), "\n")
	pid, err := strconv.Atoi(line)
	if err != nil {
		return 0
	}
	return pid
}
