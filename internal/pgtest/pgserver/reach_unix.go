//go:build unix

package pgserver

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// reachable returns binaries that the account can run. A checkout below /root
// is closed to any other user: there the server's files get a second name
// inside of the cluster's directory, and go with it. (A symbolic link would not
// do: the server looks for its own files where the link ends.)
func reachable(bin Binaries, acc *account, dir string) (Binaries, error) {
	if acc == nil || openToAll(bin.Dir) {
		return bin, nil
	}
	from, to := filepath.Dir(bin.Dir), filepath.Join(dir, "server")
	if err := linkTree(from, to); err != nil {
		return Binaries{}, fmt.Errorf("copy the server out of %s, which other users cannot read: %w", from, err)
	}
	return Binaries{Dir: filepath.Join(to, filepath.Base(bin.Dir)), Major: bin.Major}, nil
}

// openToAll tells whether every directory on the way may be entered by everybody.
func openToAll(dir string) bool {
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

// linkTree makes a tree of hard links, of copies where there can be none, that
// everybody may read, whatever the umask is.
func linkTree(from, to string) error {
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
			return errors.Join(os.Mkdir(dst, 0o755), os.Chmod(dst, 0o755))
		case d.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(path)
			if err != nil {
				return err
			}
			return os.Symlink(target, dst)
		}
		fi, err := d.Info()
		if err != nil {
			return err
		}
		mode := fi.Mode().Perm() | 0o444
		if mode&0o100 != 0 {
			mode |= 0o111
		}
		if mode != fi.Mode().Perm() || os.Link(path, dst) != nil {
			return copyFile(path, dst, mode)
		}
		return nil
	})
}

func copyFile(from, to string, mode fs.FileMode) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in) // in the kernel, where it can
	return errors.Join(err, out.Close(), os.Chmod(to, mode))
}
