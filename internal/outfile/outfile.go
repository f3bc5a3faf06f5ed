// Package outfile writes the files that a user asks for: each is there as a
// whole or not at all.
package outfile

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

const trial = ".pg2db9-file-*"

// Check says whether a file can be written at path: by its folder. What is the
// word for the file, "report". It writes nothing that stays.
func Check(what, path string) error {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return fmt.Errorf("the %s %q is a folder", what, path)
	}
	f, err := os.CreateTemp(filepath.Dir(path), trial)
	if err != nil {
		return fmt.Errorf("the %s %q cannot be written: %w", what, path, cause(err))
	}
	_ = f.Close()
	if err := os.Remove(f.Name()); err != nil {
		return fmt.Errorf("the %s %q: removing a trial file: %w", what, path, cause(err))
	}
	return nil
}

// Save writes a file at path, what being the word for it. Whatever stood there is
// replaced at once, when all of the new file is on the disk.
func Save(what, path string, write func(io.Writer) error) (err error) {
	var b bytes.Buffer
	if err := write(&b); err != nil {
		return fmt.Errorf("writing the %s %q: %w", what, path, err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), trial)
	if err != nil {
		return fmt.Errorf("writing the %s %q: %w", what, path, cause(err))
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
			err = fmt.Errorf("writing the %s %q: %w", what, path, cause(err))
		}
	}()
	if _, err := f.Write(b.Bytes()); err != nil {
		_ = f.Close()
		return err
	}
	// 0644: it is for others to read, and holds no secret.
	if err := f.Chmod(0o644); err != nil {
		_ = f.Close()
		return err
	}
	if err := f.Sync(); err != nil {
		_ = f.Close()
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// cause drops the trial file's name from an error: the user never wrote it.
func cause(err error) error {
	switch e := err.(type) { //nolint:errorlint // os returns these two unwrapped
	case *os.PathError:
		return e.Err
	case *os.LinkError:
		return e.Err
	}
	return err
}
