//go:build unix

package pgserver

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// reachable returns binaries that the account can run. A checkout below /root
// is closed to any other user, so that the server is copied out of it once.
func reachable(ctx context.Context, bin Binaries, acc *account) (Binaries, error) {
	if acc == nil || open(bin.Dir) {
		return bin, nil
	}
	from := filepath.Dir(bin.Dir)
	fi, err := os.Stat(bin.path("postgres"))
	if err != nil {
		return Binaries{}, fmt.Errorf("copy the server: %w", err)
	}
	to := filepath.Join(tempRoot, fmt.Sprintf("pg2db9-server-%d-%x", bin.Major, fi.ModTime().UnixNano()))
	unlock, err := lockFile(ctx, to+".lock")
	if err != nil {
		return Binaries{}, err
	}
	defer unlock()
	copied := Binaries{Dir: filepath.Join(to, filepath.Base(bin.Dir)), Major: bin.Major}
	if fi, err := os.Lstat(to); err == nil {
		if st, ok := fi.Sys().(*syscall.Stat_t); !ok || !fi.IsDir() || st.Uid != 0 || fi.Mode().Perm()&0o022 != 0 {
			return Binaries{}, fmt.Errorf("use %s: it is not root's alone: %w", to, fs.ErrPermission)
		}
		return copied, nil
	}
	tmp, err := os.MkdirTemp(tempRoot, "pg2db9-server-"+strconv.Itoa(bin.Major)+"-")
	if err != nil {
		return Binaries{}, fmt.Errorf("copy the server: %w", err)
	}
	defer os.RemoveAll(tmp)
	err = copyTree(from, tmp)
	if err == nil {
		err = readable(tmp)
	}
	if err == nil {
		err = os.Rename(tmp, to)
	}
	if err != nil {
		return Binaries{}, fmt.Errorf("copy the server out of %s, which other users cannot read: %w", from, err)
	}
	return copied, nil
}

// open tells whether every directory on the way may be entered by everybody.
func open(dir string) bool {
	for {
		fi, err := os.Stat(dir)
		if err != nil || fi.Mode().Perm()&0o001 == 0 {
			return false
		}
		up := filepath.Dir(dir)
		if up == dir {
			return true
		}
		dir = up
	}
}

// copyTree copies files, directories and links.
func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		dst := filepath.Join(to, rel)
		switch {
		case d.IsDir():
			return os.MkdirAll(dst, 0o755) //nolint:gosec // the server's own user must read it
		case d.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(path)
			return errors.Join(err, os.Symlink(target, dst))
		default:
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			fi, err := d.Info()
			if err != nil {
				return err
			}
			return os.WriteFile(dst, data, fi.Mode().Perm())
		}
	})
}
