package pgserver

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

const (
	memoryRoot = "/dev/shm"
	// Clusters of tests take some 50 MB each, and a few hundred with what a test
	// loads: less memory than this is left to others.
	memoryNeeded = 6 << 30
	tmpfsMagic   = 0x01021994 // statfs(2)
)

// dataDir makes the data directory below dir, or has it made by initdb. Where it
// can, it is in memory, at the end of a symbolic link: a database is created and
// dropped by hundreds of files, which take ten times as long on a disk.
// PGTEST_DISK=1 keeps it on the disk.
func dataDir(dir string, onDisk bool, acc *account) error {
	if onDisk || os.Getenv("PGTEST_DISK") == "1" || !roomInMemory() {
		return nil
	}
	data, err := os.MkdirTemp(memoryRoot, tempPrefix)
	if err != nil {
		return nil //nolint:nilerr // the disk will do
	}
	if err := errors.Join(acc.own(data), os.Symlink(data, filepath.Join(dir, "data"))); err != nil {
		return errors.Join(fmt.Errorf("put the cluster into memory: %w", err), os.RemoveAll(data))
	}
	return nil
}

// roomInMemory says whether files may be kept in memory, and enough of it is free.
func roomInMemory() bool {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(memoryRoot, &fs); err != nil || fs.Type != tmpfsMagic || int64(fs.Bavail)*fs.Bsize < memoryNeeded {
		return false
	}
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }()
	for s := bufio.NewScanner(f); s.Scan(); {
		rest, ok := strings.CutPrefix(s.Text(), "MemAvailable:")
		if !ok {
			continue
		}
		kb, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(rest, "kB")), 10, 64)
		return err == nil && kb<<10 >= memoryNeeded
	}
	return false
}
